//! `--format json` keeps its contract.

use serde_json::Value;

use crate::common::{Lines, stdout};
use crate::ids::IDS;

/// The records; nothing is complained of.
fn told(args: &[&str]) -> Vec<Value> {
    Lines::parse(&stdout(&[args, &["--format", "json"]].concat())).0
}

#[test]
fn json_keeps_the_contract() {
    let records = told(&["claims"]);
    for ((record, id), run) in records.iter().zip(IDS).zip(1..) {
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
        assert!(figures.values().all(Value::is_number));
    }
    assert_eq!(records.len(), IDS.len());
}

/// As the contract says: `run` in every record, and null for all of them.
#[test]
fn the_list_keeps_the_contract() {
    let records = told(&["claims", "--list"]);
    for record in &records {
        assert_eq!(record.get("run"), Some(&Value::Null), "{record}");
        assert!(record["verdict"].is_null() && record["evidence"].is_null());
    }
    assert_eq!(records.len(), IDS.len());
}

#[test]
fn the_trace_has_the_calls_in_order() {
    let records = told(&["claims", "et-once", "--trace"]);
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
    assert_eq!(told(&["claims", "et-once"]).len(), 1);
}
