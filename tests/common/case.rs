//! A run with messages, a buffer and clients to choose, and what holds of
//! every such run.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use serde_json::json;

use super::{Lines, epoll_lab, number, run};

/// What is to be run. All clients send the same messages.
#[derive(Clone, Debug)]
pub struct Case {
    pub messages: Vec<Vec<u8>>,
    pub buffer: u32,
    pub clients: u64,
}

impl Case {
    /// The lengths of the messages.
    pub fn lengths(&self) -> impl Iterator<Item = u64> {
        self.messages.iter().map(|message| message.len() as u64)
    }

    /// recv calls that bring bytes when each message is read by itself.
    pub fn pieces(&self) -> u64 {
        self.lengths().map(|n| n.div_ceil(self.buffer.into())).sum()
    }

    /// The same when all messages lie there as one.
    pub fn pieces_at_once(&self) -> u64 {
        self.bytes().div_ceil(self.buffer.into())
    }

    pub fn bytes(&self) -> u64 {
        self.lengths().sum()
    }

    pub fn count(&self) -> u64 {
        self.messages.len() as u64
    }

    #[track_caller]
    pub fn run(&self, command: &[&str]) -> Lines {
        let mut args: Vec<OsString> = command.iter().map(OsString::from).collect();
        for message in &self.messages {
            let arg = [b"--message=", message.as_slice()].concat();
            args.push(OsString::from_vec(arg));
        }
        let (buffer, clients) = (self.buffer.to_string(), self.clients.to_string());
        let rest = ["--buffer", &buffer, "--clients", &clients, "--stall", "0s"];
        args.extend(rest.map(OsString::from));
        args.extend(["--trace", "--format", "json"].map(OsString::from));
        let lines = run(&mut epoll_lab(args)).ok().json();
        invariants(&lines, self, command[0]);
        lines
    }
}

/// What holds of every run.
fn invariants(lines: &Lines, case: &Case, command: &str) {
    let seqs: Vec<u64> = lines
        .0
        .iter()
        .filter_map(|line| line["seq"].as_u64())
        .collect();
    let counted: Vec<u64> = (1..=seqs.len() as u64).collect();
    assert_eq!(seqs, counted, "seq counts from 1 without a gap");

    let summary = lines.summary();
    let clients = summary["clients"].as_array().expect("clients");
    assert_eq!(clients.len() as u64, case.clients);
    for client in clients {
        let by_name = |call| {
            let calls = lines.calls(call);
            calls.filter(|record| record["name"] == client["client"])
        };
        let moved = |call| -> u64 { by_name(call).filter_map(|r| r["result"].as_u64()).sum() };
        assert_eq!(moved("recv"), number(client, "received"), "{client}");
        assert_eq!(moved("send"), number(client, "echoed"), "{client}");
        assert_eq!(
            by_name("recv").count() as u64,
            number(client, "recv"),
            "{client}"
        );
        assert_eq!(by_name("close").count(), 1, "{client}");
        let data = |call| -> String { by_name(call).filter_map(|r| r["data"].as_str()).collect() };
        assert_eq!(data("recv"), data("send"), "{client}");
        assert_eq!(client["sent"], case.bytes(), "{client}");
    }
    let sum = |key| -> u64 { clients.iter().map(|client| number(client, key)).sum() };
    for key in [
        "reports", "hangups", "recv", "eagain", "sent", "received", "echoed", "unread",
    ] {
        assert_eq!(summary["totals"][key], sum(key), "{key} adds up");
    }
    assert_eq!(summary["echo_intact"], true);
    assert_eq!(summary["faults"], json!({}));
    assert_eq!(summary["wait"]["timeouts"], 0);
    let waits = lines.calls("epoll_wait").count();
    assert_eq!(summary["wait"]["returns"], waits, "each return is traced");

    // 3 the listener, 4 the epoll instance, 5 the first connection; without
    // epoll there is one connection at a time, and it is 4.
    let results = |call| -> Vec<u64> {
        lines
            .calls(call)
            .filter_map(|r| r["result"].as_u64())
            .collect()
    };
    assert_eq!(results("socket"), [3]);
    match command {
        "blocking" => assert_eq!(results("accept4"), vec![4; case.clients as usize]),
        _ => {
            assert_eq!(results("epoll_create1"), [4]);
            let fds: Vec<u64> = (5..5 + case.clients).collect();
            assert_eq!(results("accept4"), fds);
        }
    }
}
