//! What goes to standard output: lines that fit a screen, colour where it is
//! wanted, JSON that parses, and a quiet end when nobody reads on.

use crate::common;
use crate::common::{MODES, Output, lab, narrow, run, shell};
use serde_json::Value;

const ESCAPE: char = '\u{1b}';

/// Options that make lines long, or rows many.
const OPTIONS: [&str; 10] = [
    "",
    "--clients 100",
    "--clients 30 --message HELLOworld123 --message again",
    "--buffer 65536 --message abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789",
    "--buffer 1 --message x",
    "--buffer 100 --clients 1 --message \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    "--timing --clients 12",
    "--timing --buffer 2 --message \u{1f600}\u{1f600}",
    "--color never --ascii",
    "--stall 1ms --clients 5",
];

#[test]
fn every_line_fits_the_screen() {
    for mode in MODES {
        for options in OPTIONS {
            for trace in ["", "--trace"] {
                let output = run(&mut lab(&format!(
                    "{mode} --stall 0s {trace} {}",
                    own(options)
                )))
                .ok();
                narrow(&output.stdout());
                assert_eq!(output.stderr(), "", "{mode} {options}");
            }
        }
    }
    for mode in ["lt", "et-blocking", "et-nonblock"] {
        for read in ["once", "drain"] {
            for socket in ["blocking", "nonblocking"] {
                let combination = format!("--read {read} --socket {socket} --clients 12");
                let line = format!("{mode} --stall 0s --trace {combination}");
                narrow(&run(&mut lab(&line)).ok().stdout());
            }
        }
    }
}

#[test]
fn the_tables_of_several_runs_fit_too() {
    let long = "x".repeat(32_768);
    let message = format!("matrix --buffer 65536 --message {long}");
    for line in [
        "matrix",
        "matrix --threads",
        "matrix --trace",
        &message,
        "matrix --help",
        "write-events",
        "write-events --trace --trigger et",
        "write-events --trace --timing",
        "write-events --help",
    ] {
        let text = run(lab(line).arg("--ascii")).ok().stdout();
        assert!(text.is_ascii() && !text.contains(ESCAPE), "{line}: {text}");
        narrow(&text);
    }
    for line in ["matrix", "write-events"] {
        let coloured = run(lab(line).args(["--color", "always"])).ok().stdout();
        assert!(coloured.contains(ESCAPE), "{line}");
        let bare = run(&mut lab(line)).ok().stdout();
        assert_eq!(without_colour(&coloured), bare, "{line}");
    }
}

/// A flag may be given once: where the options have a `--stall`, it is theirs.
fn own(options: &str) -> &str {
    options.trim_start_matches("--stall 1ms ")
}

#[test]
fn ascii_means_ascii() {
    for mode in MODES {
        for format in ["text", "json"] {
            let line = format!("{mode} --trace --stall 0s --format {format} --ascii");
            for message in ["HELLOworld123", "gr\u{fc}\u{df}e \u{1f600} \u{202e}\u{9b}"] {
                let output = run(lab(&line).args(["--message", message])).ok();
                assert!(output.stdout.is_ascii(), "{}", output.told());
            }
        }
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let coloured = |output: Output| output.ok().stdout().contains(ESCAPE);
    for mode in MODES {
        let line = format!("{mode} --trace --stall 0s");
        assert!(!coloured(run(&mut lab(&line))), "{mode}: into a pipe");
        assert!(
            !coloured(run(lab(&line).env("NO_COLOR", "1"))),
            "{mode}: NO_COLOR"
        );
        let never = format!("{line} --color never");
        assert!(
            !coloured(run(lab(&never).env("CLICOLOR_FORCE", "1"))),
            "{mode}: never"
        );
        let always = format!("{line} --color always");
        assert!(coloured(run(&mut lab(&always))), "{mode}: always");
        // Who asks on the command line means it.
        assert!(
            coloured(run(lab(&always).env("NO_COLOR", "1"))),
            "{mode}: always"
        );

        // Colour adds nothing but colour.
        let bare = run(&mut lab(&line)).ok().stdout();
        assert_eq!(
            without_colour(&run(&mut lab(&always)).ok().stdout()),
            bare,
            "{mode}"
        );
        let json = format!("{always} --format json");
        assert!(!coloured(run(&mut lab(&json))), "{mode}: JSON is data");
    }
}

/// On a terminal there is colour, and with NO_COLOR there is none; script(1)
/// makes the terminal.
#[test]
fn colour_on_a_terminal() {
    let on_a_terminal = |environment: &str| {
        let script = format!("TERM=xterm {environment} script -qec '\"$LAB\" lt' /dev/null");
        run(&mut shell(&script))
    };
    let plain = on_a_terminal("");
    if !plain.status.success() {
        return common::skip("colour on a terminal", "script(1) does not run");
    }
    assert!(plain.stdout().contains(ESCAPE), "{}", plain.told());
    let without = on_a_terminal("NO_COLOR=1");
    assert!(!without.stdout().contains(ESCAPE), "{}", without.told());
}

/// Takes `ESC [ … m` out of a text.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |bare, part| {
        bare + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

/// `| head` has seen enough: a quiet end.
#[test]
fn a_closed_pipe_is_a_quiet_end() {
    for mode in MODES {
        for options in [
            "--trace",
            "",
            "--trace --format json",
            "--trace --clients 100",
        ] {
            let line = format!("\"$LAB\" {mode} --stall 0s {options}");
            // The status of the program itself, which head's would hide.
            let script = format!("{{ {line}; echo \"status $?\" >&2; }} | head -n 1");
            let output = run(&mut shell(&script)).ok();
            assert_eq!(output.stdout().lines().count(), 1, "{}", output.told());
            assert_eq!(output.stderr(), "status 0\n", "{}", output.told());
        }
    }
    for line in [
        "--help",
        "man",
        "completions bash",
        "lt --help",
        "write-events --trace",
    ] {
        let script = format!("{{ \"$LAB\" {line}; echo \"status $?\" >&2; }} | true");
        let output = run(&mut shell(&script)).ok();
        assert_eq!(output.stderr(), "status 0\n", "{}", output.told());
    }
}

/// A disk that is full is an error: a line, and status 1.
#[test]
fn a_full_disk_is_a_failure() {
    for line in ["lt --trace", "et-nonblock --format json", "man"] {
        let output = run(&mut shell(&format!("\"$LAB\" {line} > /dev/full")));
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        assert_eq!(output.stderr().lines().count(), 1, "{}", output.told());
    }
}

#[test]
fn json_lines_have_a_type_and_a_run() {
    for mode in MODES {
        for options in [
            "--trace --stall 0s",
            "--stall 0s",
            "--trace --timing --stall 0s",
        ] {
            // Results are on stdout, and nothing else is.
            let script = format!("\"$LAB\" {mode} {options} --format json 2>/dev/null");
            let lines = run(&mut shell(&script)).ok().json();
            let mut kinds: Vec<&str> = Vec::new();
            for line in &lines.0 {
                kinds.push(
                    line["type"]
                        .as_str()
                        .unwrap_or_else(|| panic!("no type: {line}")),
                );
                assert_eq!(line["run"], 1, "{line}");
                let traced = matches!(
                    line["type"].as_str(),
                    Some("call" | "client" | "blocked" | "moment")
                );
                assert_eq!(line["seq"].is_u64(), traced, "{line}");
                let timed = traced && line["type"] == "call" && options.contains("--timing");
                assert_eq!(line.get("start_ns").is_some(), timed, "{line}");
                assert_eq!(line.get("end_ns").is_some(), timed, "{line}");
            }
            assert_eq!(
                (kinds[0], kinds[kinds.len() - 1]),
                ("run", "summary"),
                "{mode}"
            );
            let traced = kinds
                .iter()
                .any(|kind| ["call", "client", "blocked"].contains(kind));
            assert_eq!(
                traced,
                options.contains("--trace"),
                "{mode} {options}: {kinds:?}"
            );
            assert_eq!(lines.0[0]["command"], mode);
        }
    }
}

/// The first record says what was run.
#[test]
fn the_run_record_tells_the_server() {
    let told = |line: &str| {
        let lines = common::records(line);
        ["api", "trigger", "socket", "read", "buffer", "clients"].map(|key| lines.0[0][key].clone())
    };
    let expected =
        |api: &str, trigger: Value, socket: &str, read: &str, buffer: u32, clients: u32| {
            [
                api.into(),
                trigger,
                socket.into(),
                read.into(),
                buffer.into(),
                clients.into(),
            ]
        };
    let (level, edge) = (|| "level".into(), || "edge".into());
    let blocking = expected("none", Value::Null, "blocking", "drain", 5, 2);
    assert_eq!(told("blocking --stall 0s"), blocking);
    assert_eq!(
        told("lt"),
        expected("epoll", level(), "blocking", "once", 5, 1)
    );
    let et_blocking = expected("epoll", edge(), "blocking", "drain", 5, 2);
    assert_eq!(told("et-blocking --stall 0s"), et_blocking);
    let et_nonblock = expected("epoll", edge(), "nonblocking", "drain", 7, 3);
    assert_eq!(told("et-nonblock --buffer 7 --clients 3"), et_nonblock);
    let other = expected("epoll", level(), "nonblocking", "drain", 5, 1);
    assert_eq!(told("lt --read drain --socket nonblocking"), other);
}
