//! What is different at a terminal, which script(1) makes: keys are echoed, and
//! nobody has to be told where a line ends.

use crate::common::terminal::{Terminal, present};

/// A terminal in which `line` runs; `None` where nothing can make one.
fn open(line: &str) -> Option<Terminal> {
    let line = format!("script -qec '{line} --color never' /dev/null");
    present(&line, &["script"]).then(|| Terminal::open(&line))
}

/// Enter ends the line of a question, and nothing else does: between two
/// questions is no empty line.
#[test]
fn enter_ends_the_line_of_a_question() {
    let Some(mut terminal) = open("epoll-lab lt --predict") else {
        return;
    };
    for (question, answer) in [
        ("1. How often will epoll_wait report A? > ", "3"),
        ("2. How often will the server call recv for A? > ", "4"),
        ("1. How often will epoll_wait report A? [3] > ", ""),
        ("2. How often will the server call recv for A? [4] > ", ""),
        ("Show the trace? [Enter; n: no] ", "n"),
    ] {
        terminal.shows(question);
        terminal.types(&format!("{answer}\n"));
    }
    terminal.shows("next: epoll-lab et-blocking --read once --predict\r\n");
    let shown = terminal.so_far().replace("\r\n", "\n");
    for lines in [
        "\n\n1. How often will epoll_wait report A? > 3\n2. How often will",
        "recv for A? > 4\n\nTell your neighbour why.",
        "\n1. How often will epoll_wait report A? [3] > \n2. How often will",
        "recv for A? [4] > \n\nwhile all stay connected ",
        "\n\nShow the trace? [Enter; n: no] n\n\nnext: ",
    ] {
        assert!(shown.contains(lines), "no {lines:?} in {shown}");
    }
}

/// Who presses Enter once too often has not asked for a trace that was not on
/// offer yet.
#[test]
fn what_was_typed_before_the_trace_is_offered_is_no_answer() {
    let Some(mut terminal) = open("epoll-lab lt --predict") else {
        return;
    };
    terminal.types("3\n4\n\n\n\n");
    terminal.shows("Show the trace? [Enter; n: no] ");
    terminal.types("n\n");
    terminal.shows("next: epoll-lab et-blocking --read once --predict\r\n");
    let shown = terminal.so_far();
    assert!(!shown.contains("  epoll_wait(4) = 1 "), "{shown}");
}

/// The terminal shows `^C` where the cursor stands; the summary has its lines
/// for itself.
#[test]
fn the_summary_begins_on_a_line_of_its_own() {
    for (line, until) in [
        ("epoll-lab lt --listen 127.0.0.1:0", "Ctrl-C ends\r\n"),
        ("epoll-lab lt --step", "[Enter] A connects "),
    ] {
        let Some(mut terminal) = open(line) else {
            return;
        };
        terminal.shows(until);
        terminal.types("\u{3}");
        terminal.shows("=> ");
        let shown = terminal.so_far();
        let mut lines = shown.lines();
        let head = lines.find(|line| line.contains("client  "));
        assert!(
            head.is_some_and(|head| head.starts_with("client  ")),
            "{line}: {shown}"
        );
    }
}

/// With `--step` one Enter is one step, however often it was pressed before;
/// and the prompt goes when the step stands in the trace.
#[test]
fn an_impatient_enter_skips_no_step() {
    let Some(mut terminal) = open("epoll-lab et-blocking --step --stall 0s") else {
        return;
    };
    terminal.shows("[Enter] A connects ");
    terminal.types("\n\n\n\n");
    terminal.shows("[Enter] B connects ");
    terminal.types("\n");
    terminal.shows("[Enter] A sends ");
    let shown = terminal.so_far();
    assert_eq!(shown.matches("[Enter] ").count(), 3, "{shown}");
    assert_eq!(shown.matches("\u{1b}[A\r\u{1b}[2K").count(), 2, "{shown}");
}
