//! What is asked, and what stands beside the kernel's answer: in words.

use super::predictions;
use crate::common::{lab, run};

/// What a command shows when it is asked to predict.
#[track_caller]
fn shows(line: &str, parts: &[&str]) {
    let shown = run(&mut lab(line)).ok().stdout();
    for part in parts {
        assert!(shown.contains(part), "{line}: no {part:?} in\n{shown}");
    }
}

/// Three clients and three messages are named, the others counted.
#[test]
fn the_set_up_names_a_few_and_counts_the_rest() {
    let two = "A sends \"HELLOworld123\", 13 bytes. B sends \"ping\", 4 bytes.";
    let three = "B sends \"ping\", 4 bytes. C sends \"ping\", 4\nbytes.";
    for (options, set_up) in [
        ("--clients 2", format!("{two} All stay connected.\n")),
        ("--clients 3", format!("{three} All stay connected.\n")),
        (
            "--clients 4",
            format!("{three} 1 more does the same. All stay connected.\n"),
        ),
        (
            "--clients 6",
            format!("{three} 3 more do the same. All stay connected.\n"),
        ),
        (
            "--message a --message bc --message d",
            "A sends \"a\", \"bc\", \"d\", 4 bytes. A stays connected.\n".into(),
        ),
        (
            "--message a --message bc --message d --message e --message f",
            "A sends \"a\", \"bc\", \"d\" and 2 more, 6 bytes. A stays connected.\n".into(),
        ),
    ] {
        shows(&format!("lt {options} --predict 1,1"), &[&set_up]);
    }
}

/// One byte is one byte.
#[test]
fn the_bytes_that_will_come_back_are_asked_for() {
    let asked = |message: &str| {
        let line = format!("et-blocking --read once --message {message}");
        let output = run(&mut lab(&format!("{line} --format json --predict 1,1")));
        let lines = output.ok().json();
        predictions(&lines)[1]["question"].clone()
    };
    assert_eq!(asked("x"), "How many bytes will come back to A?");
    assert_eq!(asked("xy"), "How many of A's 2 bytes will come back?");
}

/// Eight numbers say how it went on; that there were more is said too.
#[test]
fn a_long_reason_is_cut_off_and_says_so() {
    shows(
        "lt --buffer 1 --message 12345678 --predict 8,8",
        &[
            "8  as predicted: with 8, 7, 6, 5,\n",
            " 4, 3, 2, 1 unread\n",
            "8  as predicted: 1 + 1 + 1 + 1 + 1\n",
            " + 1 + 1 + 1 bytes\n",
        ],
    );
    shows(
        "lt --buffer 1 --message 123456789 --predict 9,9",
        &[
            "9  as predicted: with 9, 8, 7, 6,\n",
            " 5, 4, 3, 2, ... unread\n",
            "9  as predicted: 1 + 1 + 1 + 1 + 1\n",
            " + 1 + 1 + 1 bytes, ...\n",
        ],
    );
}

/// What is left unread is part of the reason for both answers.
#[test]
fn what_is_left_is_part_of_the_reason() {
    shows(
        "et-blocking --read once --predict 2,13",
        &[
            "    2       1  not so: with 13 unread; none\n",
            " for the last 8\n",
            "   13       5  not so: recv: 5 bytes; 8 unread\n",
        ],
    );
}

/// The rows that are not asked for: what came of them.
#[test]
fn the_matrix_says_what_the_others_came_to() {
    shows(
        "matrix --predict 8,8",
        &[
            "    8       4  not so: the others: 2 STRANDED,\n",
            " 2 STUCK\n",
            "    8       2  not so: the others: 4 OK, 2\n",
            " STRANDED\n",
        ],
    );
    shows(
        "matrix --buffer 1024 --predict 8,8",
        &[
            "    8       6  not so: the others: 2 STUCK\n",
            "    8       2  not so: the others: 6 OK\n",
        ],
    );
}

/// Where a call may not return, it is said what counts.
#[test]
fn what_counts_is_said_where_a_call_may_not_return() {
    const COUNTS: &str = "All stay connected. A call counts when it begins.";
    for (line, said) in [
        ("blocking --stall 0s --predict 4,no", true),
        ("et-blocking --stall 0s --predict 4,no", true),
        ("lt --clients 2 --predict 3,3", false),
        ("et-nonblock --predict 1,4", false),
    ] {
        let shown = run(&mut lab(line)).ok().stdout();
        let unfolded = shown.replace('\n', " ");
        assert_eq!(unfolded.contains(COUNTS), said, "{line}: {shown}");
    }
}
