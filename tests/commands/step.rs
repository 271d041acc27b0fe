//! `--step`: it goes on when somebody presses Enter.

use crate::common::terminal::Terminal;
use crate::common::{MODES, lab, run, run_with};

/// `--step` asks before each step, on stderr, and changes nothing else. At the
/// end of its input nobody is there to press Enter: it goes on by itself.
#[test]
fn step_waits_for_enter() {
    for mode in MODES {
        let line = format!("{mode} --trace --stall 0s --clients 1");
        let plain = run(&mut lab(&line)).ok().stdout();
        let step = format!("{line} --step");
        let asked = |input: &[u8]| {
            let output = run_with(&mut lab(&step), input).ok();
            assert_eq!(output.stdout(), plain, "{mode}");
            output.stderr().matches("[Enter]").count()
        };
        // It connects, sends, receives, hangs up; and the listener.
        assert_eq!(asked(&[b'\n'; 10]), 5, "{mode}");
        assert_eq!(
            asked(b"\nnow\n"),
            3,
            "{mode}: two lines, and the end of the input"
        );
        assert_eq!(asked(b""), 1, "{mode}: nobody is there");
    }
}

/// What has been so far stands there before anybody is asked for more.
#[test]
fn a_step_is_asked_for_below_all_that_has_been() {
    let mut stepped = Terminal::open("epoll-lab lt --step");
    for (asked, last) in [
        ("A connects", "ADD, 3<L>, EPOLLIN) = 0\n"),
        ("A sends", "ADD, 5<A>, EPOLLIN) = 0\n"),
        ("A receives", "echoed                     0\n"),
        ("A hangs up", "A receives \"HELLOworld123\""),
        ("the listener is shut down", "A has hung up: closed\n"),
    ] {
        stepped.asks(&format!("[Enter] {asked}"));
        stepped.shows(last);
        stepped.types("\n");
    }
    stepped.shows("=> 3 data reports for 1 message");
}
