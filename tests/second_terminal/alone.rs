//! One terminal: what a page leaves to the reader to run.

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
        let verdicts = [
            "\n=> epoll is ",
            "\n=> poll is ",
            "\n=> poll / epoll by fds: ",
        ];
        let output = run_within(5 * LIMIT, &mut prompt(line), b"").ok();
        in_order(&output.stdout(), &[&[told][..], &verdicts].concat());
    }
}

/// Lesson 10: the second recv fails with ECONNRESET.
pub fn a_fault_by_hand(lines: &[&str]) {
    let line = lines[0];
    if !strace::is_there(&format!("`{line}`")) {
        return;
    }
    in_order(
        &printed(line),
        &[
            "    recv(5<A>, \"HELLO\", 5) = 5                    echoed         8 unread\n",
            "    recv(5<A>, buf, 5) = -1 ECONNRESET (Connection reset by peer)  lost\n",
            "    close(5<A>) = 0                               8 unread, never read\n",
            "B sends \"ping\"                                  server asleep: epoll_wait\n",
            "  epoll_wait(4) = 1 [6<B> EPOLLIN]                B: report 1    4 unread\n",
            "lived through: ECONNRESET 1\n",
        ],
    );
}
