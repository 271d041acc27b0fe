//! The command line: what it says, on which stream, and with which status.

use crate::common::terminal::prompt;
use crate::common::{MODES, epoll_lab, lab, narrow, run, shell};

const ESCAPE: char = '\u{1b}';

/// Wrong usage: status 2, one line on stderr, nothing on stdout.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = run(&mut epoll_lab(args));
    assert_eq!(output.shell_status(), 2, "{}", output.told());
    assert_eq!(output.stdout(), "", "{}", output.told());
    let stderr = output.stderr();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.ends_with('\n') && !stderr.contains(ESCAPE),
        "{stderr:?}"
    );
    stderr
}

/// What a terminal would obey comes back as text.
#[test]
fn a_refusal_repeats_no_control_character() {
    for (arg, seen) in [
        ("--\t", r"'--\t'"),
        ("\u{9b}2J", r"'\u{9b}2J'"),
        ("\u{202e}evil", r"'\u{202e}evil'"),
        ("it's\\", r"'it's\'"),
    ] {
        let stderr = refused(&["lt", arg]);
        assert!(stderr.contains(seen), "{stderr}");
    }
}

#[test]
fn help_that_nobody_gets_is_a_failure() {
    for flag in ["--help", "--version", "lt --help", "help"] {
        let output = run(&mut shell(&format!("\"$LAB\" {flag} > /dev/full")));
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let stderr = output.stderr();
        assert!(
            stderr.contains("write to standard output: ENOSPC"),
            "{stderr}"
        );
        let output = run(&mut shell(&format!("\"$LAB\" {flag} | true; exec true")));
        assert_eq!(output.stderr(), "", "a closed pipe is a quiet end");
    }
}

#[test]
fn a_wrong_value_is_named_with_what_would_be_right() {
    let long = "x".repeat(32_769);
    for (args, value, right) in [
        (&["lt", "--buffer", "0"][..], "'0'", "1 to 65536"),
        (&["lt", "--buffer", "65537"], "'65537'", "1 to 65536"),
        (&["lt", "--buffer", "many"], "'many'", "1 to 65536"),
        (&["lt", "--buffer=-1"], "'-1'", "1 to 65536"),
        (
            &["lt", "--clients", "99999999999"],
            "'99999999999'",
            "1 to 100",
        ),
        (&["watch", "--pid", "0"], "'0'", "1 to 2147483647"),
        (&["lt", "--clients", "0"], "'0'", "1 to 100"),
        (&["et-nonblock", "--clients", "101"], "'101'", "1 to 100"),
        (&["lt", "--message", ""], "''", "1 to 32768"),
        (&["lt", "--message", &long], "32769 bytes", "1 to 32768"),
        (&["et-blocking", "--stall", "5"], "'5'", "500ms"),
        (&["et-blocking", "--stall", "soon"], "'soon'", "500ms"),
        (&["lt", "--read", "twice"], "'twice'", "once, drain"),
        (&["lt", "--socket", "raw"], "'raw'", "blocking, nonblocking"),
        (&["lt", "--format", "xml"], "'xml'", "text, json"),
        (&["lt", "--color", "blue"], "'blue'", "auto, always, never"),
        (&["lt", "--listen", "9999"], "'9999'", "127.0.0.1:9999"),
        (
            &["lt", "--listen", "127.0.0.1:70000"],
            "'127.0.0.1:70000'",
            "127.0.0.1:9999",
        ),
        (&["completions", "cmd"], "'cmd'", "bash"),
        (&["matrix", "--buffer", "0"], "'0'", "1 to 65536"),
        (&["matrix", "--message", ""], "''", "1 to 32768"),
        (&["matrix", "--clients", "2"], "'--clients'", "--help"),
        (
            &["matrix", "--threads", "--buffer", "5"],
            "--buffer",
            "cannot be used with",
        ),
        (&["write-events", "--waits", "1"], "'1'", "2 to 1000000"),
        (&["write-events", "--trigger", "up"], "'up'", "lt, et"),
        (&["write-events", "--message", "x"], "'--message'", "--help"),
        (&["lt", "--buffer"], "--buffer", "a value is required"),
        (&["lt", "extra"], "'extra'", "--help"),
        (&["blocking", "--read", "once"], "'--read'", "--help"),
        (
            &["lt", "--listen", "127.0.0.1:0", "--step"],
            "'--step'",
            "cannot be used with",
        ),
        (
            &["lt", "--listen", "127.0.0.1:0", "--clients", "2"],
            "--clients",
            "cannot be used with",
        ),
        (&["blocking", "--together"], "blocking", "et-nonblock"),
        (
            &["lt", "--clients", "1", "--together"],
            "--clients 1",
            "2 or more",
        ),
        (
            &["lt", "--listen", "127.0.0.1:0", "--message", "x"],
            "--message",
            "cannot be used with",
        ),
    ] {
        let stderr = refused(args);
        let told: String = stderr.chars().take(300).collect();
        assert!(
            stderr.contains(value) && stderr.contains(right),
            "{args:?}: {told}"
        );
        assert!(stderr.len() < 500, "{args:?}: {told}: told at length");
    }
}

#[test]
fn a_typing_error_gets_a_suggestion() {
    for (args, meant) in [
        (&["ltt"][..], "'lt'"),
        (&["et-nonblok"], "'et-nonblock'"),
        (&["bloking"], "'blocking'"),
        (&["lt", "--trce"], "'--trace'"),
        (&["lt", "--mesage", "x"], "'--message'"),
        (&["lt", "--socket", "nonblokcing"], "'nonblocking'"),
        (&["lt", "--format", "jsn"], "'json'"),
        (&["lt", "--color", "alway"], "'always'"),
    ] {
        let stderr = refused(args);
        assert!(stderr.contains(meant), "{args:?}: {stderr}");
    }
}

/// Without a command there is nothing to run: the help, as for wrong usage.
#[test]
fn no_command_shows_the_help() {
    let output = run(&mut lab(""));
    assert_eq!(output.shell_status(), 2);
    assert_eq!(output.stdout(), "");
    let stderr = output.stderr();
    for part in ["Usage:", "et-blocking", "Examples:", "epoll-lab lt --trace"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn help_has_examples_and_the_exit_statuses() {
    for flag in ["-h", "--help"] {
        let help = run(&mut lab(flag)).ok();
        assert_eq!(help.stderr(), "");
        let help = help.stdout();
        for part in MODES
            .iter()
            .chain(&["Examples:", "epoll-lab lt --trace", "--color"])
        {
            assert!(help.contains(part), "{flag}: {part}: {help}");
        }
        assert_eq!(help.contains("Exit status:"), flag == "--help", "{help}");
        narrow(&help);
        assert!(!help.contains(ESCAPE), "{help:?}");
        for mode in MODES {
            let help = run(&mut lab(&format!("{mode} {flag}"))).ok().stdout();
            for part in [
                "Examples:",
                "--trace",
                "--buffer",
                "--listen",
                "--step",
                "--stall",
            ] {
                assert!(help.contains(part), "{mode} {flag}: {part}: {help}");
            }
            narrow(&help);
        }
    }
    let version = run(&mut lab("--version")).ok().stdout();
    assert_eq!(
        version,
        format!("epoll-lab {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Whatever the shell left open: 3 the listener, 4 the epoll instance, 5 the
/// first connection; and flags may stand on either side of the command.
#[test]
fn inherited_fds_shift_nothing() {
    let plain = run(&mut lab("lt --trace --clients 2")).ok().stdout();
    assert!(
        plain.contains("socket=3<L>") && plain.contains("epoll_create1=4"),
        "{plain}"
    );
    assert!(plain.contains("accept4(3<L>) = 5<A>"), "{plain}");
    let inherited = "exec 3</dev/null 4>/dev/null 5</dev/null 7</dev/null 9</dev/null";
    let script = format!("{inherited}; exec \"$LAB\" lt --trace --clients 2");
    assert_eq!(run(&mut shell(&script)).ok().stdout(), plain);
}

#[test]
fn global_flags_stand_on_either_side() {
    for mode in MODES {
        let after = run(&mut lab(&format!(
            "{mode} --stall 0s --trace --color always --ascii"
        )));
        let before = run(&mut lab(&format!(
            "--color always --ascii {mode} --stall 0s --trace"
        )));
        assert_eq!(after.ok().stdout(), before.ok().stdout(), "{mode}");
    }
}

/// What a run recommends is a command that can be copied, and repeats the run
/// with its calls.
#[test]
fn the_same_with_its_calls_is_the_same() {
    for args in [
        &["lt", "--socket", "nonblocking"][..],
        &["et-nonblock", "--socket", "blocking", "--read", "once"],
        &["et-blocking", "--read", "once", "--buffer", "7"],
        &["et-nonblock", "--clients", "1", "--message", "it's $HOME"],
        &["lt", "--message", "~", "--message", "*"],
        &["lt", "--message=-x", "--message=--trace", "--message=- y"],
    ] {
        let plain = run(&mut epoll_lab(args)).ok().stdout();
        let next = plain.lines().find_map(|line| line.strip_prefix("next: "));
        let next = next.unwrap_or_else(|| panic!("{plain}"));
        let traced = run(&mut prompt(next)).ok().stdout();
        let (head, rest) = plain.split_once('\n').unwrap();
        assert_eq!(traced.lines().next(), Some(head), "{next}");
        let (counts, _) = rest.split_once("\nnext: ").unwrap();
        assert!(traced.contains(counts), "{next}: {plain}{traced}");
    }
}

#[test]
fn completions_and_the_manual_page() {
    for (shell, part) in [
        ("bash", "complete -F _epoll"),
        ("zsh", "#compdef epoll-lab"),
        ("fish", "complete -c epoll-lab"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let output = run(&mut lab(&format!("completions {shell}"))).ok();
        let script = output.stdout();
        assert!(
            script.contains(part) && script.contains("et-nonblock"),
            "{shell}: {script}"
        );
        assert_eq!(output.stderr(), "");
    }
    let page = run(&mut lab("man")).ok().stdout();
    for part in [
        ".TH epoll-lab 1",
        ".SH SYNOPSIS",
        "et\\-nonblock",
        ".SH EXIT STATUS",
        "\\&  epoll\\-lab lt \\-\\-trace ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for command in ["lt", "claims", "select-poll-compare"] {
        let page = run(&mut lab(&format!("man {command}"))).ok().stdout();
        for part in [&format!(".TH epoll-lab-{command} 1"), ".SH EXAMPLES"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    let refused = run(&mut lab("man matrxi"));
    assert_eq!(refused.shell_status(), 2);
    assert!(refused.stderr().contains("'matrix'"), "{}", refused.told());
}

/// A page is of one run; whoever asks for one where there is none is told.
#[test]
fn a_page_of_what_has_none_is_refused() {
    for args in [
        "claims",
        "claims eof et-once",
        "claims --list",
        "select-poll-compare --only cost",
    ] {
        let words: Vec<&str> = args.split(' ').chain(["--html", "page.html"]).collect();
        let stderr = refused(&words);
        assert!(stderr.starts_with("epoll-lab: --html"), "{stderr}");
    }
}

/// A program's name is text like any other.
#[test]
fn a_program_that_is_not_there_is_named_in_printable_characters() {
    for (name, told) in [("", "''"), ("\u{1b}[31mx", r"$'\33[31mx'")] {
        let stderr = refused(&["watch", "--", name]);
        assert_eq!(
            stderr,
            format!("epoll-lab: {told}: no such command in PATH\n")
        );
    }
}
