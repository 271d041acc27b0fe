//! The lab's own servers, watched from outside while they trace themselves:
//! both say the same, call by call.

use std::fs;

use serde_json::Value;

use crate::common::skip;
use crate::common::{Lines, program};
use crate::servers::{may_trace, records, scratch};

/// What a call is, without what only one side knows.
fn said(record: &Value) -> Value {
    let mut record = record.clone();
    let fields = record.as_object_mut().expect("a record");
    for field in [
        "run", "seq", "tid", "unread", "flags", "value", "cost", "line",
    ] {
        fields.remove(field);
    }
    record
}

#[track_caller]
fn agree(command: &str) {
    if !may_trace() {
        skip(command, "ptrace is forbidden here");
        return;
    }
    // One of the compiled servers has the same name.
    let own = scratch().join(format!("{command}.json"));
    let script = format!(
        "exec {} {command} --listen 127.0.0.1:0 --trace --format json > {} 2>&1",
        program(),
        own.display()
    );
    let watched = records(&["--acts", "basic", "--trace"], &["sh", "-c", &script]);
    let text = fs::read_to_string(&own).expect("its own trace");
    let lines: String = text
        .lines()
        .filter(|line| line.starts_with("{\"type\":\"call\""))
        .map(|line| format!("{line}\n"))
        .collect();
    let inside = Lines::parse(&lines);
    // The server's thread alone: the lab's own calls are none of a server's.
    let mut listens = watched.calls("listen");
    let server = listens.next().map(|listen| listen["tid"].clone());
    let outside: Vec<Value> = watched
        .of("call")
        .filter(|record| record["call"] != "write")
        .filter(|record| Some(&record["tid"]) == server.as_ref())
        .map(said)
        .collect();
    let inside: Vec<Value> = inside
        .of("call")
        .filter(|record| record["call"] != "getsockname")
        .map(said)
        .collect();
    assert!(inside.len() > 10, "{command}: a run has calls");
    for (number, (inside, outside)) in inside.iter().zip(&outside).enumerate() {
        assert_eq!(inside, outside, "{command}, call {number}");
    }
    // It may have been killed before its last lines were written.
    assert!(outside.len() >= inside.len(), "{command}");
}

#[test]
fn level_triggered() {
    agree("lt");
}

#[test]
fn edge_triggered_and_asleep() {
    agree("et-blocking");
}

#[test]
fn edge_triggered_and_drained() {
    agree("et-nonblock");
}

#[test]
fn one_client_at_a_time() {
    agree("blocking");
}
