//! `--listen`: real clients, friendly and not.

use crate::common;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::common::listening::{Listening, echo, eventually, hang_up, reset};
use crate::common::{Lines, MODES, lab, number};
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

#[track_caller]
pub fn listen(line: &str) -> Listening {
    Listening::start(&mut lab(&format!("{line} --listen 127.0.0.1:0")))
}

/// Nothing in `text` can make a terminal do anything but show characters in
/// the order in which they stand.
#[track_caller]
fn harmless(text: &str) {
    for (at, char) in text.chars().enumerate() {
        let bidirectional = matches!(char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        // is_control: below 0x20, DEL, and C1.
        let control = char.is_control() && char != '\n';
        let around: String = text.chars().skip(at.saturating_sub(20)).take(40).collect();
        assert!(!bidirectional && !control, "{char:?} in {around:?}");
    }
}

#[test]
fn hostile_bytes_reach_the_terminal_as_escapes() {
    let every: Vec<u8> = (0..=255).collect();
    let backwards: Vec<u8> = (0..=255).rev().collect();
    let text = "\u{202e}txt.exe \u{2066}\u{9b}31m \u{1b}]0;title\u{7} \u{1b}[2J\r\u{85}";
    for options in ["", "--ascii", "--format json", "--buffer 300", "--timing"] {
        let server = listen(&format!("et-nonblock --trace {options}"));
        for message in [&every, &backwards, text.as_bytes()] {
            let mut client = server.connect();
            echo(&mut client, message);
            hang_up(client);
        }
        // What is still on its way to the screen at a Ctrl-C is not shown.
        server.shows(match options {
            "--format json" => "\"call\":\"close\",\"syscall\":\"close\",\"fd\":5,\"name\":\"C\"",
            _ => "C has hung up: closed",
        });
        let stdout = server.interrupt().stdout();
        harmless(&stdout);
        // JSON escapes the backslashes once more.
        let stdout = stdout.replace("\\\\", "\\");
        assert!(
            stdout.contains("\\0\\1\\2\\3\\4"),
            "the bytes are shown: {stdout}"
        );
        assert!(stdout.contains("\\342\\200\\256"), "{stdout}");
    }
}

/// Connections that end badly and connections that end well leave nothing
/// behind, and there are not more rows than a screen can show.
#[test]
fn a_thousand_resets_and_half_closes() {
    for mode in MODES {
        let server = listen(mode);
        server.answers();
        let fds = server.fds();
        for n in 0..1000 {
            let mut victim = server.connect();
            match n % 3 {
                0 => {}
                1 => victim.write_all(b"HELLOworld123").expect("send"),
                _ => echo(&mut victim, b"HELLOworld123"),
            }
            reset(victim);
            let mut client = server.connect();
            client.write_all(b"ping").expect("send");
            client.shutdown(Shutdown::Write).expect("shutdown");
            let mut back = Vec::new();
            client.read_to_end(&mut back).expect("receive");
            assert_eq!(back, b"ping", "{mode}, round {n}");
        }
        eventually("all fds are closed again", || {
            (server.fds() == fds).then_some(())
        });
        server.answers();
        let output = server.interrupt();
        let stdout = output.stdout();
        assert!(
            stdout.contains(" more "),
            "{mode}: the others in one row: {stdout}"
        );
        assert!(stdout.lines().count() < 120, "{mode}: {stdout}");
        assert!(!output.stderr().contains("panicked"), "{}", output.told());
    }
}

/// The row of the many adds up what their own rows would have said.
#[test]
fn the_many_are_counted_in_one_row() {
    let server = listen("et-nonblock --format json");
    for _ in 0..130 {
        let mut client = server.connect();
        echo(&mut client, b"ping");
        hang_up(client);
    }
    // The last one stays: when it has its answer, those before it are counted.
    let mut last = server.connect();
    echo(&mut last, b"ping");
    let lines = server.interrupt().json();
    let summary = lines.summary();
    let clients = summary["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), 102, "{summary}");
    assert_eq!(clients[101]["client"], "30 more");
    assert_eq!(number(&clients[101], "received"), 30 * 4);
    assert_eq!(number(&summary["totals"], "echoed"), 131 * 4);
    let verdict = summary["verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("131 clients:"), "{verdict}");
    let kinds: Vec<&Value> = lines.0.iter().map(|line| &line["type"]).collect();
    assert_eq!(kinds, ["run", "summary"], "no calls without --trace");
}

/// Ctrl-C: the summary, and a death by the signal, which a shell calls 130.
#[test]
fn ctrl_c_prints_the_summary() {
    for mode in MODES {
        for options in ["", "--trace"] {
            let server = listen(&format!("{mode} {options}"));
            let mut client = server.connect();
            echo(&mut client, b"HELLOworld123");
            // The client stays: blocking and et-blocking sleep in recv now.
            let output = server.interrupt();
            assert_eq!(output.shell_status(), 130, "{}", output.told());
            let stdout = output.stdout();
            assert!(
                stdout.contains("=> 1 client: 13 bytes received, 13 sent back"),
                "{stdout}"
            );
            // Asleep in recv for a client that has no more to say.
            assert_eq!(stdout.contains("STUCK"), mode == "et-blocking", "{stdout}");
            // 5 + 5 + 3, and the call that says EAGAIN, or that has begun and
            // does not return.
            let recv = if mode == "lt" { "3" } else { "4" };
            assert_eq!(recv_calls(&stdout).to_string(), recv, "{mode}: {stdout}");
            if options == "--trace" {
                let begun = stdout.matches("\n    recv(4<A>, ").count()
                    + stdout.matches("\n    recv(5<A>, ").count();
                assert_eq!(begun.to_string(), recv, "{mode}: {stdout}");
            }
            // Without reports there is nothing to count.
            assert!(!stdout.contains(" 0 reports"), "{stdout}");
        }
    }
}

/// The recv calls of A, added up over their columns.
#[track_caller]
fn recv_calls(stdout: &str) -> u64 {
    let line = |begin: &str| {
        let line = stdout.lines().find(|line| line.starts_with(begin));
        line.unwrap_or_else(|| panic!("{begin}: {stdout}"))
    };
    let head = line("client  ").split_whitespace();
    let counts = head.zip(line("A  ").split_whitespace());
    let recv = counts
        .skip_while(|(head, _)| *head != "bytes")
        .take_while(|(head, _)| *head != "echoed");
    recv.filter_map(|(_, count)| count.parse::<u64>().ok())
        .sum()
}

/// SIGTERM ends it the same way, and before the first client too.
#[test]
fn sigterm_too() {
    let mut server = Command::new(common::program())
        .args(["lt", "--listen", "127.0.0.1:0", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    let mut first = [0];
    let stderr = server.stderr.as_mut().expect("piped");
    stderr.read_exact(&mut first).expect("it listens");
    let pid = nix::unistd::Pid::from_raw(server.id() as i32);
    kill(pid, Signal::SIGTERM).expect("send SIGTERM");
    let output = server.wait_with_output().expect("wait");
    let lines = Lines::parse(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert_eq!(lines.summary()["clients"], serde_json::json!([]));
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(signal, Some(Signal::SIGTERM as i32));
}

/// A thread that sleeps in recv for longer than the stall is reported, with
/// those who wait meanwhile, once a sleep.
#[test]
fn a_server_asleep_in_recv_is_reported() {
    let server = listen("et-blocking --trace --stall 200ms");
    let mut first = server.connect();
    echo(&mut first, b"HELLOworld123");
    let mut second = server.connect();
    second.write_all(b"ping").expect("send");
    server.shows("/proc: state S, in recvfrom, fd 5");
    // Longer than the stall once more: it is not said twice.
    thread::sleep(Duration::from_millis(500));
    assert_eq!(
        server.so_far().matches("/proc: state S").count(),
        1,
        "{}",
        server.so_far()
    );
    hang_up(first);
    let mut back = [0; 4];
    second.read_exact(&mut back).expect("freed at last");
    assert_eq!(&back, b"ping");
    // It waited in the backlog, and has the fd that the first has left.
    eventually("the second sleep is shown", || {
        let shown = server.so_far();
        let shown = shown.matches("/proc: state S, in recvfrom, fd 5");
        (shown.count() == 2).then_some(())
    });
    hang_up(second);
    server.interrupt();

    let server = listen("et-blocking --trace --stall 100ms --format json");
    let mut first = server.connect();
    echo(&mut first, b"hi");
    let blocked = eventually("the sleep is a record", || {
        let so_far = server.so_far();
        let line = so_far.lines().find(|line| line.contains("\"blocked\""))?;
        serde_json::from_str::<Value>(line).ok()
    });
    assert_eq!(
        (&blocked["call"], &blocked["syscall"]),
        (&"recv".into(), &"recvfrom".into())
    );
    assert_eq!(
        (&blocked["name"], &blocked["thread_state"]),
        (&"A".into(), &"S".into())
    );
    hang_up(first);
    server.interrupt();
}

/// Without `--trace` too there is a word on it, and data stays data.
#[test]
fn a_server_asleep_in_recv_is_reported_without_a_trace() {
    let server = listen("et-blocking --stall 100ms");
    let mut first = server.connect();
    echo(&mut first, b"HELLOworld123");
    let mut second = server.connect();
    second.write_all(b"ping").expect("send");
    // Ten times the stall; what is told then is told on either stream.
    thread::sleep(Duration::from_millis(1000));
    let output = server.interrupt();
    let told = format!("{}{}", output.stdout(), output.stderr()).to_lowercase();
    let said = told.contains("asleep") || told.contains("state s");
    assert!(said, "not a word on the sleep: {}", output.told());
}

/// What is unread at the end is the kernel's word, with a trace and without.
#[test]
fn what_is_stranded_at_the_end_is_counted() {
    for options in ["", "--trace"] {
        let server = listen(&format!("et-blocking --read once --format json {options}"));
        let mut client = server.connect();
        client.write_all(b"HELLOworld123").expect("send");
        let mut first = [0; 5];
        client.read_exact(&mut first).expect("receive");
        assert_eq!(&first, b"HELLO");
        let lines = server.interrupt().json();
        let summary = lines.summary();
        assert_eq!(summary["clients"][0]["unread"], 8, "{summary}");
        assert_eq!(summary["stranded"], 8, "{summary}");
    }
}

/// SIGUSR1 is how the program talks to itself; from anybody else it is nothing.
#[test]
fn a_stray_signal_does_not_take_ctrl_c_away() {
    let server = listen("lt");
    kill(server.pid(), Signal::SIGUSR1).expect("kill");
    let mut client = server.connect();
    echo(&mut client, b"ping");
    assert_eq!(server.interrupt().shell_status(), 130);
}
