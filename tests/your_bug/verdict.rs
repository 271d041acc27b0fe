//! The sentence on a run: each word of it follows from the run's counts.

use crate::common::terminal::Terminal;
use crate::common::{lab, run, shell, strace};
use nix::sys::signal::Signal;

/// The verdict on one line.
fn verdict(line: &str) -> String {
    sentence(&run(&mut lab(line)).ok().stdout())
}

fn sentence(shown: &str) -> String {
    let from = shown.find("=> ").unwrap_or_else(|| panic!("{shown}"));
    let verdict = shown[from + 3..].split("\n\n").next().unwrap();
    verdict.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn one_and_many() {
    for (line, said) in [
        (
            "lt --message HELLO",
            "1 data report for 1 message: one recv took all there was.",
        ),
        (
            "lt --message HELLO --message world --message 123",
            "3 data reports for 3 messages: each time one recv took all there was.",
        ),
        (
            "et-blocking --read once --clients 1 --message banana",
            "STRANDED: 1 byte of A unread while the server slept in epoll_wait. The hang-up, an \
             edge of its own, brought it. The end of file of A was never seen.",
        ),
        (
            "et-blocking --read once --clients 1 --message elevenbytes",
            "STRANDED: 6 bytes of A unread while the server slept in epoll_wait. The hang-up, an \
             edge of its own, brought 5; 1 was never read.",
        ),
        (
            "et-blocking --read once --clients 1",
            "STRANDED: 8 bytes of A unread while the server slept in epoll_wait. The hang-up, an \
             edge of its own, brought 5; 3 were never read.",
        ),
    ] {
        assert_eq!(verdict(line), said, "{line}");
    }
}

/// Nobody starved "until A hung up" if the run ends before that; and what is
/// unread then stands in the table too.
#[test]
fn ctrl_c_before_the_hang_up() {
    let mut terminal = Terminal::open("epoll-lab et-blocking --step --stall 0s --color never");
    for step in [
        "A connects",
        "B connects",
        "A sends",
        "B sends",
        "A receives",
    ] {
        terminal.asks(&format!("[Enter] {step}"));
        terminal.types("\n");
    }
    terminal.asks("[Enter] A hangs up");
    terminal.signal(Signal::SIGINT);
    terminal.shows("next: ");
    let shown = terminal.so_far();
    assert_eq!(
        sentence(&shown),
        "STUCK in recv for A, who had no more to say. B starved meanwhile."
    );
    let row = shown.lines().find(|line| line.starts_with("B  "));
    let row: Vec<&str> = row.expect("a row").split_whitespace().collect();
    assert_eq!(
        row,
        ["B", "0", "0", "0", "0", "0", "0", "0/4", "4", "never"]
    );
}

/// Who has been closed waits for nothing any more.
#[test]
fn a_lost_client_does_not_starve() {
    if !strace::is_there("a verdict with a lost client") {
        return;
    }
    let inject = "-e trace=recvfrom -e inject=recvfrom:error=ENOMEM:when=2";
    let line = format!("strace -f -qq -o /dev/null {inject} \"$LAB\" et-blocking --stall 0s");
    let shown = run(&mut shell(&line)).stdout();
    assert_eq!(
        sentence(&shown),
        "STUCK in recv for B, who had no more to say. The server was not in epoll_wait."
    );
    let row = shown.lines().find(|line| line.starts_with("A  "));
    let row: Vec<&str> = row.expect("a row").split_whitespace().collect();
    // The report brought 13 bytes, of which 5 were read: no hang-up.
    assert_eq!(row, ["A", "1", "0", "1", "0", "1", "5/13", "8", "never"]);
}
