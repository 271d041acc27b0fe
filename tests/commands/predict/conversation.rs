//! What is asked on standard error, and what becomes of what is typed.

use super::predictions;
use crate::common::{Output, lab, run, run_with};

fn talk(command: &str, input: &str) -> Output {
    run_with(&mut lab(command), input.as_bytes())
}

/// What a conversation looks like where nobody's Enter ends the lines.
const ASKED: &str = "\
1. How often will epoll_wait report A? >\u{20}
   Give a number, 0 or more.
1. How often will epoll_wait report A? >\u{20}
   Give a number, 0 or more.
1. How often will epoll_wait report A? >\u{20}
2. How often will the server call recv for A? >\u{20}

Tell your neighbour why. Then change an answer, or keep it with Enter.
1. How often will epoll_wait report A? [3] >\u{20}
2. How often will the server call recv for A? [3] >\u{20}
   Give a number, 0 or more.
2. How often will the server call recv for A? [3] >\u{20}


Show the trace? [Enter; n: no]\u{20}
";

/// Nonsense is asked again, Enter keeps, a new answer replaces, and the trace
/// that Enter shows is that of `--trace`.
#[test]
fn a_conversation() {
    let talked = talk("et-nonblock --predict", "\nthree\n3\n3\n\nfour\n4\n\n").ok();
    assert_eq!(talked.stderr(), ASKED);

    let shown = talked.stdout();
    let first = shown.lines().find(|line| line.starts_with("1. ")).unwrap();
    assert!(
        first.ends_with("3       1  not so: with 13 unread"),
        "{shown}"
    );
    let second = shown.lines().find(|line| line.starts_with("2. ")).unwrap();
    assert!(
        second.ends_with("4       4  as predicted: 5 + 5 + 3 bytes,"),
        "{shown}"
    );
    let without = run(&mut lab("et-nonblock --trace")).ok().stdout();
    let trace = without.split("\n\n").nth(1).unwrap();
    assert!(shown.contains(&format!("\n\n{trace}\n\n")), "{shown}");
    assert!(
        shown.ends_with("\nnext: epoll-lab matrix --predict\n"),
        "{shown}"
    );
}

/// Anything but Enter: no trace. The end of input: none either.
#[test]
fn the_trace_can_be_declined() {
    for end in ["n\n", "perhaps\n", ""] {
        let shown = talk("lt --predict", &format!("3\n4\n\n\n{end}"))
            .ok()
            .stdout();
        assert!(!shown.contains("epoll_wait("), "{shown}");
        assert!(shown.contains("3 data reports for 1 message"), "{shown}");
        assert!(shown.ends_with("\nnext: epoll-lab et-blocking --read once --predict\n"));
    }
}

/// Enter is yes, and so is the word or its beginning.
#[test]
fn the_trace_can_be_asked_for_in_words() {
    for end in ["\n", "y\n", "YES\n"] {
        let talked = talk("lt --predict", &format!("3\n4\n\n\n{end}"));
        let shown = talked.ok().stdout();
        assert!(shown.contains("  epoll_wait(4) = 1 "), "{end:?}: {shown}");
    }
}

/// The end of input before there are answers: nothing is run, nothing fails.
/// After that, what was answered stands.
#[test]
fn the_end_of_input_is_a_polite_end() {
    for (command, input) in [
        ("lt --predict", ""),
        ("lt --predict", "3\n"),
        ("blocking --predict", "3\nmaybe\n"),
        ("matrix --predict", ""),
        ("write-events --predict", ""),
        ("claims et-once --predict", "perhaps\n"),
    ] {
        let talked = talk(command, input).ok();
        assert!(
            talked.stderr().contains("nothing was run; `--predict "),
            "{}",
            talked.told()
        );
        assert!(!talked.stdout().contains("=>"), "{}", talked.told());
    }
    let talked = talk("lt --predict", "3\n4\n5\n").ok();
    let shown = talked.stdout();
    let first = shown.lines().find(|line| line.starts_with("1. ")).unwrap();
    assert!(first.contains("  5       3  "), "{shown}");
    let second = shown.lines().find(|line| line.starts_with("2. ")).unwrap();
    assert!(second.contains("  4       3  "), "{shown}");
}

/// First the questions, then Enter before each step; the trace is shown as it
/// comes, and not offered again.
#[test]
fn steps_follow_the_questions() {
    let talked = talk("lt --predict --step", "3\n3\n\n\n\n\n\n\n\n").ok();
    let asked = talked.stderr();
    let neighbour = asked.find("Tell your neighbour").unwrap();
    let step = asked.find("[Enter] A connects").unwrap();
    assert!(neighbour < step, "{asked}");
    assert!(!asked.contains("Show the trace?"), "{asked}");
    assert!(
        talked
            .stdout()
            .contains("  epoll_wait(4) = 1 [5<A> EPOLLIN]")
    );
}

/// While nothing is to be seen, the reason is told: only where there is one.
#[test]
fn a_silence_is_announced() {
    for (command, input, silence) in [
        ("blocking --stall 1ms", "3\nyes\n\n\n", Some("1ms")),
        ("et-blocking --stall 2ms", "3\nyes\n\n\n", Some("2ms")),
        (
            "lt --read drain --clients 2 --stall 1ms",
            "3\nyes\n\n\n",
            Some("1ms"),
        ),
        ("et-blocking --stall 0s", "3\nyes\n\n\n", None),
        ("et-blocking --clients 1", "3\n3\n\n\n", None),
        ("lt --clients 2", "3\n3\n\n\n", None),
        ("et-nonblock", "3\n3\n\n\n", None),
    ] {
        let talked = talk(&format!("{command} --predict"), &format!("{input}n\n")).ok();
        let asked = talked.stderr();
        let told: Vec<&str> = asked
            .lines()
            .filter(|line| line.contains("watched"))
            .collect();
        let wanted =
            silence.map(|stall| format!("running; a client that starves is watched for {stall}"));
        assert_eq!(told, Vec::from_iter(&wanted), "{command}: {asked}");
        assert!(
            asked.ends_with("\nShow the trace? [Enter; n: no] \n"),
            "{asked}"
        );
    }
}

/// Questions are for people: in JSON they go to standard error, and standard
/// output is JSON Lines alone.
#[test]
fn json_is_json_alone() {
    let talked = talk(
        "et-blocking --stall 0s --predict --format json",
        "4\nno\n\n\n",
    )
    .ok();
    assert_eq!(predictions(&talked.json()).len(), 2);
    assert!(
        talked
            .stderr()
            .contains("Will B have its answer? (yes, no)")
    );
    let colour = talk("lt --predict --color always", "3\n4\n\n\n\n").ok();
    assert!(colour.stdout().contains('\u{1b}') && !colour.stderr().contains('\u{1b}'));
}
