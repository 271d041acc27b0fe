//! One terminal: what a page leaves to the reader to run.

use std::fs;

use crate::common::markdown::{blocks, root};
use crate::common::strace;
use crate::common::terminal::{present, prompt};
use crate::common::{LIMIT, Lines, run, run_within};

/// What `line` prints, which ends well.
#[track_caller]
fn printed(line: &str) -> String {
    run(&mut prompt(line)).ok().stdout()
}

/// All of `texts` stand in `printed`, one behind the other.
#[track_caller]
fn in_order(printed: &str, texts: &[&str]) {
    let mut rest = printed;
    for text in texts {
        let (_, after) = rest
            .split_once(text)
            .unwrap_or_else(|| panic!("no {text:?}, or not in its place:\n{printed}"));
        rest = after;
    }
}

/// The lines of the block of a lesson that begins so.
#[track_caller]
fn excerpt(lesson: &str, begins: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("lessons").join(lesson)).expect(lesson);
    let blocks = blocks(&text);
    let shown = blocks
        .iter()
        .find(|block| block.label == "text" && block.lines[0].starts_with(begins));
    let lines = &shown.expect("the excerpt in the lesson").lines;
    lines.iter().map(|line| line.to_string()).collect()
}

/// Nothing more is said of it than that one can run it.
pub fn runs(lines: &[&str]) {
    for line in lines {
        assert!(!printed(line).is_empty(), "{line}");
    }
}

/// README.md, and teaching.md for one's own name.
pub fn jq_picks_the_counts(lines: &[&str]) {
    for (line, picked) in [
        (lines[0], "{\"client\":\"A\",\"reports\":3}"),
        (lines[1], "[1,1][3,4]"),
    ] {
        if present(line, &["jq"]) {
            let mut printed = printed(line);
            printed.retain(|char| !char.is_whitespace());
            assert_eq!(printed, picked, "{line}");
        }
    }
}

/// Lesson 3: what the report for `again` brings.
pub fn old_bytes_come_first(lines: &[&str]) {
    in_order(
        &printed(lines[0]),
        &[
            "A sends \"again\"",
            "recv(5<A>, \"world\", 5) = 5",
            "A: 8 unread                                 >>> STRANDED",
            "A hangs up",
            "recv(5<A>, \"123ag\", 5) = 5",
        ],
    );
}

/// Lesson 5: which rows change with a large buffer.
pub fn a_large_buffer_hides_what_once_does(lines: &[&str]) {
    let results = |line: &str| -> Vec<String> {
        let lines = Lines::parse(&printed(&format!("{line} --format json")));
        let results = lines.of("combination").map(|row| row["result"].as_str());
        results.flatten().map(str::to_string).collect()
    };
    let (ok, stuck, stranded) = ("OK", "STUCK", "STRANDED");
    let large = results(lines[0]);
    assert_eq!(large, [ok, ok, ok, ok, stuck, stuck, ok, ok]);
    let small = results("epoll-lab matrix");
    assert_eq!(small, [ok, ok, stranded, stranded, stuck, stuck, ok, ok]);
    assert!(printed(lines[0]).contains("\n=> once serves all"));
}

/// Lesson 7: the calls of the level-triggered half.
pub fn a_writer_that_waits(lines: &[&str]) {
    let shown = excerpt("07-write-readiness.md", "1. nothing to send");
    in_order(&printed(lines[0]), &[&(shown.join("\n") + "\n")]);
}

/// Lesson 7: how fast the busy loop is.
pub fn a_busy_loop_is_timed(lines: &[&str]) {
    in_order(
        &printed(lines[0]),
        &[
            "LT idle: 100000 reports in ",
            " a second\n",
            "LT fill: ",
            "EPOLLOUT when P had read ",
        ],
    );
}

/// Lesson 8: the three waits that report D first, and how many fds are asked as
/// the clients become more.
pub fn who_is_asked(lines: &[&str]) {
    let [trace, twenty, hundred] = lines[..] else {
        panic!("three lines: {lines:?}");
    };
    let shown = excerpt("08-select-and-poll.md", "  select(nfds=8)");
    let waits: Vec<String> = shown.chunks(2).map(|wait| wait.join("\n") + "\n").collect();
    assert_eq!(waits.len(), 3, "{waits:?}");
    in_order(
        &printed(trace),
        &[
            "\nD sends ",
            &waits[0],
            "\nD sends ",
            &waits[1],
            "\nD sends ",
            &waits[2],
        ],
    );
    for (line, asked) in [(twenty, [504, 504, 44]), (hundred, [10504, 10504, 204])] {
        let printed = printed(line);
        let numbers = |row: &str| -> Vec<usize> {
            let found = printed.lines().find_map(|line| line.strip_prefix(row));
            let numbers = found.expect(row).split_whitespace();
            numbers.map(|number| number.parse().unwrap()).collect()
        };
        assert_eq!(numbers("fds the kernel asked"), asked, "{line}");
        assert_eq!(numbers("returns of the wait"), [asked[2]; 3], "{line}");
    }
}

/// Lesson 9: the figures are the machine's; that there are some is not.
pub fn what_a_wait_costs(lines: &[&str]) {
    let told = [
        "| eventfd | 1 ready | interest never changes\n",
        "| eventfd | all ready | interest never changes\n",
        "| eventfd | 1 ready | 9 changes of interest before each wait\n",
        "| tcp | 1 ready | interest never changes\n",
    ];
    assert_eq!(lines.len(), told.len());
    // One after the other, as they measure on the same processor; and what takes
    // ten seconds on an idle machine takes a minute on a busy one.
    for (line, told) in lines.iter().zip(told) {
        let verdicts = ["\n=> epoll", "\n=> poll", "\n=> poll / epoll by fds: "];
        let output = run_within(5 * LIMIT, &mut prompt(line), b"").ok();
        in_order(&output.stdout(), &[&[told][..], &verdicts].concat());
    }
}

/// Lesson 10: B waits until A's client stops.
pub fn a_drain_that_does_not_end(lines: &[&str]) {
    let shown = excerpt(
        "10-a-server-you-could-ship.md",
        "  epoll_wait(5, 0 ms) = 2 ",
    );
    in_order(&printed(lines[0]), &[&(shown.join("\n") + "\n")]);
}

/// Lesson 10: the second recv fails with ECONNRESET.
pub fn a_fault_by_hand(lines: &[&str]) {
    let line = lines[0];
    if !strace::is_there(&format!("`{line}`")) {
        return;
    }
    let shown = excerpt(
        "10-a-server-you-could-ship.md",
        "  epoll_wait(4) = 1 [5<A> EPOLLIN]",
    );
    in_order(
        &printed(line),
        &[&(shown.join("\n") + "\n"), "lived through: ECONNRESET 1\n"],
    );
}
