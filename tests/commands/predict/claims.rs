//! What a claim is asked, and that the answers are what its trace shows.

use serde_json::Value;

use super::predictions;
use crate::common::{Lines, lab, number, run, shell};

fn asked(id: &str, predicted: &str) -> Lines {
    let line = format!("claims {id} --trace --format json --predict {predicted}");
    run(&mut lab(&line)).ok().json()
}

#[test]
fn a_verdict_is_predicted_in_any_of_its_words() {
    for (said, meant) in [
        ("true", "confirmed"),
        ("C", "confirmed"),
        ("no", "refuted"),
        ("dep", "depends"),
    ] {
        let lines = asked("ctl-errors", said);
        let verdict = lines.of("claim").next().unwrap();
        let [prediction] = predictions(&lines)[..] else {
            panic!("one question: {said}");
        };
        assert_eq!(prediction["predicted"], meant);
        assert_eq!(prediction["measured"], verdict["verdict"]);
    }
}

/// A claim that cannot be tried has no verdict to predict: no answer is right,
/// and the reason stands where the kernel's would.
#[test]
fn what_cannot_be_tried_is_not_measured() {
    let claim = |options: &str| {
        // No room for fd 1024.
        let line = "ulimit -n 256; exec \"$LAB\" claims fd-limit --predict depends";
        run(&mut shell(&format!("{line} {options}"))).ok()
    };
    let lines = claim("--format json").json();
    let verdict = lines.of("claim").next().unwrap();
    assert_eq!(verdict["verdict"], "not tried");
    let [prediction] = predictions(&lines)[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(prediction["predicted"], "depends");
    assert_eq!(prediction["measured"], Value::Null);
    let text = claim("").stdout();
    let row = text.lines().find(|line| line.starts_with("1. "));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    assert!(
        row.ends_with("  depends       -  not so: fcntl(3<A>): EINVAL"),
        "{text}"
    );
}

/// The calls of a claim, as its trace has them.
struct Calls<'a>(Vec<&'a Value>);

impl Calls<'_> {
    fn from<'a>(records: impl Iterator<Item = &'a Value>) -> Calls<'a> {
        Calls(records.filter(|record| record["type"] == "call").collect())
    }

    /// The sum of what `call` returned, errors aside.
    fn returned(&self, call: &str) -> u64 {
        let calls = self.0.iter().filter(|record| record["call"] == call);
        calls.filter_map(|record| record["result"].as_u64()).sum()
    }

    fn events(&self) -> u64 {
        self.returned("epoll_wait")
    }

    fn received(&self) -> u64 {
        self.returned("recv")
    }
}

/// How many counts [`a_count_is_what_the_trace_shows`] makes again.
const RECOUNTED: usize = 5;

fn is_sent(record: &Value, data: &str) -> bool {
    record["action"] == "send" && record["data"] == data
}

/// Each is counted again from the records of the calls.
#[test]
fn a_count_is_what_the_trace_shows() {
    type Recount = dyn Fn(&[Value]) -> u64;
    let recounts: [(&str, &Recount); RECOUNTED] = [
        ("lt-repeats", &|all| Calls::from(all.iter()).events()),
        ("et-once", &|all| 13 - Calls::from(all.iter()).received()),
        ("et-writable-once", &|all| Calls::from(all.iter()).events()),
        ("et-every-arrival", &|all| {
            let apart = all.iter().take_while(|record| !is_sent(record, "four"));
            Calls::from(apart).events()
        }),
        ("maxevents", &|all| {
            // The second of two instances is the edge-triggered one.
            let created = |record: &Value| record["call"] == "epoll_create1";
            let edge = all.iter().rposition(created).expect("two instances");
            Calls::from(all[edge..].iter()).events()
        }),
    ];
    for (id, recount) in recounts {
        let lines = asked(id, "0,confirmed");
        let [count, verdict] = predictions(&lines)[..] else {
            panic!("two questions: {id}");
        };
        assert_eq!(number(count, "measured"), recount(&lines.0), "{id}");
        let claim = lines.of("claim").next().unwrap();
        assert_eq!(verdict["measured"], claim["verdict"], "{id}");
    }
}

/// Of the others, which of its experiment's figures answers.
const FIGURES: [(&str, &str); 37] = [
    ("wait-count", "of_2"),
    ("no-mmap", "mappings"),
    ("lt-both-sockets", "nonblocking_reports"),
    ("et-new-data", "reports"),
    ("et-masked-loss", "read"),
    ("et-short-read", "reports_after"),
    ("et-listener", "reports_while_two_wait"),
    ("et-faster", "et_drain_calls_small"),
    ("et-rearm", "after_mod"),
    ("oneshot", "while_disarmed"),
    ("drain-starves", "before_b"),
    ("lt-writable-spin", "reports"),
    ("et-writable-refill", "at_first_byte"),
    ("half-close", "arrived"),
    ("mask-zero", "level_reports"),
    ("close-unregisters", "reports_after_close"),
    ("herd", "plain_wakeups"),
    ("textbook-server", "textbook_survives"),
    ("exclusive-mod", "refused"),
    ("user-buffer", "reports_of_the_rest"),
    ("out-once", "tcp"),
    ("out-needs-eagain", "without_eagain"),
    ("hup-peer", "bytes_after"),
    ("eof-unclosed", "level_reports"),
    ("backlog", "waiting"),
    ("shared-epoll", "level_woken"),
    ("et-one-thread", "second_thread"),
    ("ctl-while-waiting", "after_add"),
    ("close-wakes", "woken_by_close"),
    ("fork-shares", "edge_parent"),
    ("number-twice", "entries"),
    ("signalfd-fork", "inherited"),
    ("eventfd-read", "edge_reports"),
    ("timerfd-ticks", "unread_reports"),
    ("udp-short", "stranded"),
    ("fifo-idle", "after_last_writer"),
    ("nested", "deep"),
];

#[test]
fn a_count_is_a_figure_of_the_experiment() {
    for (id, figure) in FIGURES {
        let lines = asked(id, "0,confirmed");
        let claim = lines.of("claim").next().unwrap();
        let prediction = predictions(&lines)[0];
        assert_ne!(claim["verdict"], "not tried", "{id}");
        assert!(claim["figures"][figure].is_u64(), "{id}: {claim}");
        assert_eq!(prediction["measured"], claim["figures"][figure], "{id}");
    }
}

/// Every claim that is asked for a count stands in one of the two lists.
#[test]
fn every_count_is_tested() {
    let ids = run(&mut lab("claims --list --format json")).ok().json();
    let counted = ids.of("claim").filter(|claim| {
        let id = claim["id"].as_str().expect("an id");
        let refused = run(&mut lab(&format!("claims {id} --predict ,,")));
        refused.stderr().contains("2 answers are asked for")
    });
    assert_eq!(counted.count(), FIGURES.len() + RECOUNTED);
}

/// What was seen stands once, above the answers.
#[test]
fn the_reason_stands_once() {
    let shown = run(&mut lab("claims et-once --predict 7,yes"))
        .ok()
        .stdout();
    assert_eq!(shown.matches("8 bytes are stranded").count(), 1, "{shown}");
    let table = shown.split("kernel\n").nth(1).expect("a table");
    let lines: Vec<&str> = table.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "1. How many of the 13 bytes stay           7          8  not so",
            "   unread?",
            "2. What will become of the claim?  confirmed  confirmed  as predicted",
        ]
    );
}
