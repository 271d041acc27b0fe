//! `write-events`: its counts, the same bytes in every run, and every line of the
//! JSON parses.

use crate::common::{Lines, stdout};
use serde_json::Value;

fn records(args: &[&str]) -> Vec<Value> {
    let args = [&["write-events", "--format", "json"][..], args].concat();
    Lines::parse(&stdout(&args)).0
}

/// Waits and reports of an act.
fn counts(records: &[Value], trigger: &str, act: &str) -> (u64, u64) {
    let record = records
        .iter()
        .find(|r| r["type"] == "write" && r["trigger"] == trigger && r["act"] == act)
        .expect("a record for each act");
    let number = |key: &str| record[key].as_u64().expect("a number");
    (number("waits"), number("reports"))
}

#[test]
fn counts_of_each_act() {
    let records = records(&[]);
    // Level-triggered again and again; edge-triggered once, and the wait after
    // that is silent.
    for act in ["idle", "drain"] {
        assert_eq!(counts(&records, "level", act), (1000, 1000));
        assert_eq!(counts(&records, "edge", act), (2, 1));
    }
    for trigger in ["level", "edge"] {
        assert_eq!(counts(&records, trigger, "fill"), (1, 0));
        // Silent before, silent while full, told once, silent after.
        assert_eq!(counts(&records, trigger, "on-demand"), (4, 1));
    }
}

#[test]
fn run_records_come_before_what_they_are_about() {
    let records = records(&[]);
    let kinds: Vec<&str> = records.iter().filter_map(|r| r["type"].as_str()).collect();
    let side = ["run", "write", "write", "write", "write"];
    assert_eq!(kinds, [side, side].concat());
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["run"], index as u64 / 5 + 1);
    }
    assert_eq!(records[0]["command"], "write-events");
    assert_eq!(records[0]["trigger"], "level");
    assert_eq!(records[5]["trigger"], "edge");
}

#[test]
fn how_often_it_asks_is_the_users_affair() {
    let few = records(&["--waits", "7", "--trigger", "lt"]);
    assert_eq!(few.len(), 5);
    assert_eq!(counts(&few, "level", "idle"), (7, 7));
    assert_eq!(counts(&few, "level", "drain"), (7, 7));
    assert_eq!(counts(&few, "level", "on-demand"), (4, 1));
}

#[test]
fn positions_stand_in_timing_only() {
    let bytes = |records: &[Value], act: &str| {
        let found = records.iter().find(|r| r["act"] == act);
        found.map(|r| r["bytes"].clone())
    };
    let plain = records(&[]);
    assert_eq!(bytes(&plain, "fill"), Some(Value::Null));
    assert_eq!(bytes(&plain, "drain"), Some(Value::Null));
    assert!(plain.iter().all(|r| r["busy_ns"].is_null()));

    let timed = records(&["--timing"]);
    let number = |act| bytes(&timed, act).and_then(|n| n.as_u64()).unwrap_or(0);
    assert!(number("fill") > number("drain") && number("drain") > 0);
    let drain = timed.iter().find(|r| r["act"] == "drain").expect("drain");
    assert!(drain["queue"][0].as_u64() > drain["queue"][1].as_u64());

    // How much has come to P depends on what else the machine is doing.
    let unread = |options: &[&str]| {
        let records = records(options);
        let recv = records.iter().filter(|r| r["call"] == "recv");
        let (known, hidden): (Vec<_>, Vec<_>) = recv.partition(|r| r["unread"].is_u64());
        (known.len(), hidden.len())
    };
    let (known, hidden) = unread(&["--trace"]);
    assert!(known == 0 && hidden > 0, "{known} {hidden}");
    let (known, hidden) = unread(&["--trace", "--timing"]);
    assert!(known > 0 && hidden == 0, "{known} {hidden}");
}

/// What the trace counts is all that was called: shown and folded together.
#[test]
fn the_trace_loses_no_wait() {
    let records = records(&["--trace", "--timing"]);
    for (run, trigger) in [(1, "level"), (2, "edge")] {
        let of_run = || records.iter().filter(|r| r["run"] == run);
        let waits = of_run().filter(|r| r["call"] == "epoll_wait").count() as u64;
        let folded: u64 = of_run()
            .filter(|r| r["type"] == "folded")
            .map(|r| r["calls"].as_u64().expect("known with --timing"))
            .sum();
        let acts = ["idle", "fill", "drain", "on-demand"];
        let counted: u64 = acts
            .iter()
            .map(|act| counts(&records, trigger, act).0)
            .sum();
        assert!(waits + folded >= counted);
        let seq: Vec<u64> = of_run().filter_map(|r| r["seq"].as_u64()).collect();
        assert!(seq.windows(2).all(|pair| pair[1] == pair[0] + 1));
    }
}

#[test]
fn the_same_bytes_every_time() {
    let commands: [&[&str]; 2] = [
        &["write-events", "--trace"],
        &["write-events", "--trace", "--format", "json"],
    ];
    for args in commands {
        let first = stdout(args);
        // Five at a time: most of a run is waiting, and they disturb each other.
        for _ in 0..4 {
            std::thread::scope(|scope| {
                for _ in 0..5 {
                    scope.spawn(|| assert_eq!(stdout(args), first, "{args:?}"));
                }
            });
        }
    }
}
