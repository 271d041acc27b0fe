//! `--format json` against the table of the README; `watch` is held against it
//! in `tests/watch`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::common::contract::{Contract, Fields, keys};
use crate::common::records;

const COMMANDS: [&str; 22] = [
    "lt",
    "lt --trace",
    "lt --trace --timing --buffer 100",
    "et-blocking --stall 1ms --trace",
    "et-nonblock --trace",
    "et-nonblock --read once --trace",
    "blocking --stall 1ms --trace",
    "blocking --stall 1ms --trace --timing",
    "lt --together --trace",
    "lt --predict 3,4",
    "et-nonblock --predict 1,3",
    "matrix",
    "matrix --trace --timing",
    "matrix --threads",
    "write-events",
    "write-events --trace --timing",
    "select-poll-compare --only servers",
    "select-poll-compare --only servers --trace",
    "claims et-once --trace",
    "claims wait-timeout --timing --trace",
    "claims",
    "claims --list",
];

/// Keys that none of these commands prints: those of `watch`, and the errno of
/// a connection that has failed. So with whole types: the measurement's takes
/// its time, and has a test in `tests/cost`.
const ELSEWHERE: [&str; 10] = [
    "call.tid",
    "client.errno",
    "run.act",
    "run.program",
    "summary.act",
    "summary.clients.socket",
    "summary.clients.trigger",
    "summary.end",
    "summary.lost_signals",
    "summary.other_ports",
];

#[test]
fn every_command_keeps_the_contract() {
    let contract = Contract::of_the_readme();
    let mut printed = BTreeSet::new();
    for command in COMMANDS {
        let lines = records(command);
        contract.holds(&lines, command);
        printed.extend(keys(&lines));
    }
    let others = ["scaling.", "diagnosis.", "thread.", "interest."];
    let of_others = |name: &&String| others.iter().any(|kind| name.starts_with(kind));
    let never: Vec<String> = contract
        .names()
        .difference(&printed)
        .filter(|name| !of_others(name))
        .cloned()
        .collect();
    assert_eq!(
        never, ELSEWHERE,
        "in the table, and printed by none of them"
    );
}

/// The test would find what it looks for.
#[test]
fn what_breaks_the_contract_is_found() {
    let cell = "`a` (`x`), `b` {`c`; at times `d`}, `e` [`f` words]; with `--timing` `g`. Not `h`";
    let faults = |record| Fields::parse(cell).faults(&record);
    let whole = json!({"a": null, "b": {"c": 1, "d": 2}, "e": [1], "g": 3});
    assert_eq!(faults(whole), [""; 0]);
    let null = json!({"a": 1, "b": null, "e": null});
    assert_eq!(faults(null), [""; 0]);
    let other = json!({"a": 1, "b": {"x": 1}, "h": 1});
    assert_eq!(
        faults(other),
        [
            "it has no e",
            "it.b has no c",
            "it.b.x is not in the table",
            "it.h is not in the table"
        ]
    );
}
