//! What is told beside the word: the fields, the lesson, the counts, the exit
//! status.

use serde_json::{Value, json};

use crate::common::number;
use crate::servers::{diagnosis, records, server, watch};

/// All fields of the contract.
#[test]
fn a_diagnosis_has_all_its_fields() {
    let Some(path) = server("et -DNO_EAGAIN") else {
        return;
    };
    assert_eq!(
        diagnosis("basic", &[&path.to_string_lossy()]),
        json!({
            "type": "diagnosis",
            "run": 1,
            "act": "basic",
            "verdict": "EXITS",
            "clients": ["A"],
            "call": "recv",
            "errno": "EAGAIN",
            "why": "exit(1) after recv(5<A>) = -1 EAGAIN: nothing to read at the moment is no \
                    failure.",
            "lesson": "05-edge-triggered-non-blocking.md",
        })
    );
    let Some(path) = server("et -DNO_NONBLOCK") else {
        return;
    };
    let stuck = diagnosis("basic", &[&path.to_string_lossy()]);
    assert_eq!(stuck["clients"], json!(["B"]));
    assert_eq!(
        (&stuck["call"], &stuck["errno"]),
        (&json!("recv"), &Value::Null)
    );
    assert_eq!(stuck["lesson"], "04-edge-triggered-recv-in-a-loop.md");
}

/// Every lesson that a verdict names is there.
#[test]
fn lessons_are_there() {
    let lessons = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    let source = include_str!("../../src/watch/diagnosis/judge.rs");
    let named: Vec<&str> = source
        .split('"')
        .filter(|word| word.ends_with(".md"))
        .collect();
    assert_eq!(named.len(), 10);
    for name in named {
        assert!(lessons.join(name).is_file(), "{name}");
    }
}

#[test]
fn the_counts_are_those_of_the_trace() {
    let Some(path) = server("lt") else { return };
    let lines = records(&["--acts", "basic", "--trace"], &[&path.to_string_lossy()]);
    let summary = lines.summary();
    let clients = summary["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), 2);
    for client in clients {
        let by_name = |call| {
            let calls = lines.calls(call);
            calls.filter(|record| record["name"] == client["client"])
        };
        assert_eq!(by_name("recv").count() as u64, number(client, "recv"));
        let taken: u64 = by_name("send").map(|record| number(record, "result")).sum();
        assert_eq!(taken, number(client, "echoed"));
        assert_eq!(client["trigger"], "level");
        assert_eq!(client["socket"], "blocking");
        assert_eq!(by_name("close").count(), 1);
    }
    assert_eq!(
        summary["wait"]["returns"],
        lines.calls("epoll_wait").count()
    );
    let accepted: Vec<u64> = lines
        .calls("accept")
        .map(|record| number(record, "result"))
        .collect();
    assert_eq!(accepted, [5, 6]);
    assert!(
        lines.of("call").all(|record| record.get("tid").is_none()),
        "one thread"
    );
}

#[test]
fn strict_is_an_exit_status() {
    let Some(path) = server("et -DONE_RECV") else {
        return;
    };
    let program = path.to_string_lossy().into_owned();
    let status = |flags: &[&str]| {
        let flags = [flags, &["--acts", "basic", "--stall", "0s"]].concat();
        watch(&flags, &[&program]).shell_status()
    };
    assert_eq!(status(&[]), 0, "it was watched");
    assert_eq!(status(&["--strict"]), 1);
    let Some(path) = server("et") else { return };
    let strict = ["--strict", "--acts", "basic"];
    watch(&strict, &[&path.to_string_lossy()]).ok();
}
