//! `claims` as it is typed: the list, each claim alone, the table, the JSON,
//! and the same verdicts on a busy machine.

#[path = "../common/mod.rs"]
mod common;
mod disturbed;

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use epoll_lab::claims;

/// The ids, in the order of the specification.
const IDS: [&str; 85] = [
    "create-size",
    "ctl-errors",
    "user-data",
    "wait-timeout",
    "maxevents",
    "wait-errors",
    "wait-count",
    "interest-list",
    "no-mmap",
    "fd-limit",
    "regular-file",
    "create-zero",
    "negative-timeout",
    "ms-finest",
    "exclusive-mod",
    "efault-keeps",
    "lt-repeats",
    "lt-big-buffer",
    "lt-both-sockets",
    "et-once",
    "et-new-data",
    "et-every-arrival",
    "et-needs-nonblock",
    "et-masked-loss",
    "et-short-read",
    "et-listener",
    "et-faster",
    "et-rearm",
    "eagain",
    "oneshot",
    "drain-starves",
    "user-buffer",
    "pri",
    "rcvlowat",
    "lt-writable-spin",
    "et-writable-once",
    "et-writable-refill",
    "et-in-brings-out",
    "nonblock-both",
    "send-delivered",
    "out-once",
    "out-needs-eagain",
    "out-ignored",
    "eof",
    "half-close",
    "reset",
    "mask-zero",
    "close-unregisters",
    "close-unread",
    "fresh-socket",
    "out-is-connected",
    "hup-peer",
    "so-error",
    "eof-unclosed",
    "herd",
    "exclusive-balance",
    "tree-cost",
    "select-linear",
    "poll-linear",
    "epoll-flat",
    "epoll-always-wins",
    "textbook-server",
    "busy-traffic",
    "stdout-sleeps",
    "backlog",
    "reuseaddr",
    "reuseport-queue",
    "shared-epoll",
    "et-one-thread",
    "et-lost-wakeup",
    "ctl-while-waiting",
    "close-wakes",
    "fork-shares",
    "nonblock-shared",
    "number-twice",
    "stale-batch",
    "signal-race",
    "signalfd-fork",
    "eventfd-read",
    "timerfd-ticks",
    "udp-short",
    "udp-zero",
    "eof-is-in",
    "fifo-idle",
    "nested",
];

/// What needs a child that may be traced, as watch does.
const TRACED: [&str; 2] = ["create-zero", "efault-keeps"];

/// What is not tried on a machine like this one.
fn left_out() -> &'static [&'static str] {
    let output = run(&["watch", "--", "true"]);
    let forbidden = String::from_utf8_lossy(&output.stderr).contains("may not be traced");
    if forbidden { &TRACED } else { &[] }
}

const WIDTH: usize = 80;
/// What a projector shows at once.
const SCREENFUL: usize = 45;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_epoll-lab"))
        .args(args)
        .output()
        .expect("epoll-lab runs")
}

/// The output of a run that must succeed and complain of nothing.
fn stdout(args: &[&str]) -> String {
    let output = run(args);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{args:?}: {text}");
    assert!(output.stderr.is_empty(), "{args:?}: {:?}", output.stderr);
    text
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert_eq!(line, line.trim_end());
        assert!(line.is_ascii(), "{line}");
    }
}

/// The verdict of each claim in a table.
fn verdicts(table: &str) -> BTreeMap<String, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("  "));
    rows.filter_map(|row| {
        let (id, rest) = row.split_once(' ')?;
        Some((id.to_string(), rest.trim_start()[..9].trim().to_string()))
    })
    .collect()
}

#[test]
fn every_claim_is_listed_in_order() {
    let ids: Vec<&str> = claims::all().map(|claim| claim.id).collect();
    assert_eq!(ids, IDS);
    let list = stdout(&["claims", "--list"]);
    fits(&list);
    let listed = list.lines().filter_map(|line| line.strip_prefix("  "));
    let listed: Vec<&str> = listed.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, IDS);
}

#[test]
fn the_table_has_a_line_a_claim_and_totals() {
    let table = stdout(&["claims"]);
    fits(&table);
    let verdicts = verdicts(&table);
    assert_eq!(verdicts.len(), IDS.len(), "{table}");
    let count = |verdict: &str| verdicts.values().filter(|v| *v == verdict).count();
    let totals = format!(
        "85 claims: {} confirmed, {} refuted, {} depends, {} not tried",
        count("confirmed"),
        count("refuted"),
        count("depends"),
        count("not tried")
    );
    assert!(table.contains(&totals), "{totals}\n{table}");
}

#[test]
fn each_runs_alone_in_a_screenful() {
    for id in IDS {
        let text = stdout(&["claims", id]);
        fits(&text);
        let lines = text.lines().count();
        assert!(lines <= SCREENFUL, "{id}: {lines} lines\n{text}");
        for part in ["The textbook: ", "The question: ", "\n=> "] {
            assert!(text.contains(part), "{id} has no {part:?}\n{text}");
        }
    }
}

#[test]
fn what_varies_is_shown_with_timing_only() {
    fits(&stdout(&["claims", "--evidence", "--timing"]));
    let without = stdout(&["claims", "wait-timeout", "--format", "json"]);
    assert!(!without.contains("_ms"), "{without}");
    let with = stdout(&["claims", "wait-timeout", "--format", "json", "--timing"]);
    assert!(with.contains("twenty_ms"), "{with}");
}

#[test]
fn json_keeps_the_contract() {
    let text = stdout(&["claims", "--format", "json"]);
    for ((line, id), run) in text.lines().zip(IDS).zip(1..) {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let fields = record.as_object().expect("an object");
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "claim", "evidence", "figures", "id", "run", "type", "verdict"
            ]
        );
        assert_eq!(record["type"], "claim");
        assert_eq!(record["run"], run);
        assert_eq!(record["id"], id);
        let verdict = record["verdict"].as_str().expect("a verdict");
        assert!(
            ["confirmed", "refuted", "depends", "not tried"].contains(&verdict),
            "{verdict}"
        );
        let figures = record["figures"].as_object().expect("figures");
        assert!(figures.values().all(serde_json::Value::is_number));
    }
    assert_eq!(text.lines().count(), IDS.len());
}

/// As the contract says: `run` in every record, and null for all of them.
#[test]
fn the_list_keeps_the_contract() {
    let text = stdout(&["claims", "--list", "--format", "json"]);
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record.get("run"), Some(&serde_json::Value::Null), "{line}");
        assert!(record["verdict"].is_null() && record["evidence"].is_null());
    }
    assert_eq!(text.lines().count(), IDS.len());
}

#[test]
fn the_trace_has_the_calls_in_order() {
    let text = stdout(&["claims", "et-once", "--format", "json", "--trace"]);
    let records: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let calls: Vec<&str> = records
        .iter()
        .filter_map(|record| record["call"].as_str())
        .collect();
    assert_eq!(
        calls,
        [
            "epoll_create1",
            "epoll_ctl",
            "epoll_wait",
            "recv",
            "epoll_wait"
        ]
    );
    let last = records.last().expect("a record");
    assert_eq!(last["figures"]["unread"], 8);
    // Without --trace there is the claim alone.
    let alone = stdout(&["claims", "et-once", "--format", "json"]);
    assert_eq!(alone.lines().count(), 1);
}

#[test]
fn a_typo_suggests_the_nearest_id() {
    let output = run(&["claims", "et-shrot-read"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("did you mean 'et-short-read'?"),
        "{message}"
    );
    assert!(output.stdout.is_empty());

    let output = run(&["claims", "qqqqqqqqqqqqqqqqq"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
}

#[test]
fn what_cannot_be_tried_says_why() {
    // No room for fd 1024, and for 10,000 eventfds.
    let script = "ulimit -n 256; \"$0\" claims fd-limit && \"$0\" claims tree-cost";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_epoll-lab")])
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("=> NOT TRIED: ").count(), 2, "{text}");
    assert!(text.contains("ulimit -n"), "{text}");
    assert!(text.contains("the hard limit is 256"), "{text}");
    fits(&text);
    // A low soft limit is no reason.
    let output = Command::new("sh")
        .args(["-c", "ulimit -Sn 64; \"$0\" claims"])
        .arg(env!("CARGO_BIN_EXE_epoll-lab"))
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let not_tried = format!(", {} not tried", left_out().len());
    assert!(text.contains(&not_tried), "{text}");
}

#[test]
fn nothing_else_is_left_out() {
    let table = stdout(&["claims"]);
    let not_tried: Vec<String> = verdicts(&table)
        .into_iter()
        .filter(|(_, verdict)| verdict == "not tried")
        .map(|(id, _)| id)
        .collect();
    let evidence = stdout(&["claims", "--evidence"]);
    assert_eq!(not_tried, left_out(), "{evidence}");
    fits(&evidence);
}

#[test]
fn the_same_bytes_every_time_on_a_busy_machine() {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..cores {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let outputs: Vec<Output> = (0..5).map(|_| run(&["claims", "--trace"])).collect();
        over.store(true, Ordering::Relaxed);
        for output in &outputs {
            let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(text(output), text(&outputs[0]));
        }
    });
}

#[test]
fn several_processes_at_once_agree() {
    let first = verdicts(&stdout(&["claims"]));
    thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| verdicts(&stdout(&["claims"]))))
            .collect();
        for run in runs {
            assert_eq!(run.join().expect("a run"), first);
        }
    });
}

/// Several ids: those, in the order asked for, each with its evidence.
#[test]
fn several_claims_are_tried_in_the_order_asked_for() {
    let text = stdout(&["claims", "oneshot", "lt-repeats"]);
    let places = [
        "oneshot            confirmed EPOLLONESHOT",
        "not even of a reset",
        "lt-repeats         confirmed LT",
        "13 bytes",
    ]
    .map(|what| {
        text.find(what)
            .unwrap_or_else(|| panic!("no {what:?} in {text}"))
    });
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("\n2 claims: 2 confirmed,"), "{text}");
    let json = stdout(&["claims", "oneshot", "lt-repeats", "--format", "json"]);
    let ids: Vec<String> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
        .collect();
    assert_eq!(ids, [r#""oneshot""#, r#""lt-repeats""#]);
}
