//! The faults that a server must survive, injected by strace: each is counted
//! and shown, and costs no byte but the reset client's.

mod clients;
mod network;
mod unsettled;

use crate::common::strace::{is_there, strace};
use crate::common::{Lines, Output, number, records, run};
use serde_json::{Value, json};

/// Three clients: whatever happens to one, two are left.
const SCRIPT: &str = "--clients 3 --stall 0s";

/// Runs `mode` while strace makes some of its calls of `syscall` fail.
#[track_caller]
fn inject(mode: &str, syscall: &str, fault: &str, options: &[&str]) -> Output {
    let trace = format!("trace={syscall}");
    let inject = format!("inject={syscall}:error={fault}");
    let args = SCRIPT.split(' ').chain(options.iter().copied());
    let args = std::iter::once(mode).chain(args);
    let mut command = strace(&["-o", "/dev/null", "-e", &trace, "-e", &inject], args);
    let output = run(&mut command);
    assert!(!output.stderr().contains("panicked"), "{}", output.told());
    output
}

/// The same run without a fault.
#[track_caller]
fn plain(mode: &str) -> Lines {
    records(&format!("{mode} {SCRIPT} --trace"))
}

/// How often the server makes a call of this name when nothing goes wrong.
fn usual(mode: &str, syscall: &str) -> u64 {
    let plain = plain(mode);
    plain
        .of("call")
        .filter(|call| call["syscall"] == syscall)
        .count() as u64
}

/// Runs `mode` with the K-th call failing, K from 1 to 5. Where there is no
/// K-th call, the run must be as ever; where there is, `check` sees the
/// records and the one that failed.
fn each_k(mode: &str, syscall: &str, errno: &str, check: impl Fn(&Lines, &Value)) {
    let plain = plain(mode);
    let calls = usual(mode, syscall);
    for k in 1..=5 {
        let fault = format!("{errno}:when={k}");
        let output = inject(mode, syscall, &fault, &["--trace", "--format", "json"]).ok();
        let lines = output.json();
        if k > calls {
            assert_eq!(lines, plain, "{mode}: there is no call {k} of {syscall}");
            continue;
        }
        let summary = lines.summary();
        assert_eq!(
            summary["faults"],
            json!({ errno: 1 }),
            "{mode} {syscall} {fault}"
        );
        // With EINVAL the blocking server's accept4 says that all is over.
        let failed = failures(&lines, errno).filter(|call| call["syscall"] == syscall);
        let failed: Vec<&Value> = failed.collect();
        let [failed] = failed[..] else {
            panic!("{mode} {syscall} {fault}: {failed:?}")
        };
        assert_eq!(failed["result"], -1, "{mode}: {failed}");
        assert_eq!(
            summary["echo_intact"], true,
            "{mode} {syscall} {fault}: {summary}"
        );
        check(&lines, failed);

        // The text shows it too, and the summary names it without a trace.
        let text = inject(mode, syscall, &fault, &["--trace"]).ok().stdout();
        assert!(text.contains(&format!("= -1 {errno}")), "{text}");
        let text = inject(mode, syscall, &fault, &[]).ok().stdout();
        assert!(text.contains(&format!("{errno} 1")), "{text}");
    }
}

fn failures<'a>(lines: &'a Lines, errno: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.of("call").filter(move |call| call["errno"] == errno)
}

/// Every client but `lost` had all of its bytes back.
#[track_caller]
fn all_served_but(lines: &Lines, lost: &Value) {
    let summary = lines.summary();
    let clients = summary["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), 3);
    for client in clients.iter().filter(|client| client["client"] != *lost) {
        assert_eq!(client["echoed"], client["sent"], "{client} in {summary}");
        assert_eq!(client["received"], client["sent"], "{client} in {summary}");
        assert_eq!(client["unread"], 0, "{client} in {summary}");
    }
}

/// Apart from the call that failed everything is as ever.
#[track_caller]
fn otherwise_as_ever(lines: &Lines, failed: &Value, plain: &Lines) {
    let without_seq = |lines: &Lines| -> Vec<Value> {
        let lines = lines.of("call").filter(|line| *line != failed);
        lines
            .map(|line| {
                let mut line = line.clone();
                line["seq"] = Value::Null;
                line
            })
            .collect()
    };
    assert_eq!(without_seq(lines), without_seq(plain));
}

/// A signal interrupts a call before it has done anything (EINTR): the call is
/// made again, and nothing else changes.
#[test]
fn a_signal_changes_nothing() {
    if !is_there("faults: EINTR") {
        return;
    }
    for mode in ["lt", "et-nonblock", "et-blocking", "blocking"] {
        let plain = plain(mode);
        for syscall in ["recvfrom", "sendto", "epoll_wait", "accept4"] {
            each_k(mode, syscall, "EINTR", |lines, failed| {
                otherwise_as_ever(lines, failed, &plain);
                all_served_but(lines, &Value::Null);
            });
        }
    }
}

/// A connection that was reset while it waited to be accepted.
#[test]
fn nobody_is_there_to_be_accepted() {
    if !is_there("faults: ECONNABORTED") {
        return;
    }
    for mode in ["lt", "et-nonblock", "blocking"] {
        each_k(mode, "accept4", "ECONNABORTED", |lines, _| {
            // Injected, the connection is still there, and is accepted next.
            all_served_but(lines, &Value::Null);
            let accepted = lines
                .calls("accept4")
                .filter(|call| call["errno"].is_null());
            assert_eq!(accepted.count(), 3, "{mode}");
        });
    }
}

/// Only the client goes whose connection is lost.
#[test]
fn a_reset_costs_one_client() {
    if !is_there("faults: ECONNRESET and EPIPE") {
        return;
    }
    for mode in ["lt", "et-nonblock", "blocking"] {
        for (syscall, errno) in [
            ("recvfrom", "ECONNRESET"),
            ("recvfrom", "ENOMEM"),
            ("sendto", "EPIPE"),
            ("sendto", "ENOBUFS"),
        ] {
            each_k(mode, syscall, errno, |lines, failed| {
                let lost = &failed["name"];
                all_served_but(lines, lost);
                // The next call is the close of that connection.
                let calls: Vec<&Value> = lines.of("call").collect();
                let at = calls
                    .iter()
                    .position(|call| *call == failed)
                    .expect("traced");
                assert_eq!(calls[at + 1]["call"], "close", "{mode}: {}", calls[at + 1]);
                assert_eq!(calls[at + 1]["name"], *lost, "{mode}");
            });
        }
    }
}

/// The interest list is full. That the listener is not on it ends the program;
/// any other client can do without.
#[test]
fn no_room_on_the_interest_list() {
    if !is_there("faults: ENOSPC") {
        return;
    }
    for mode in ["lt", "et-nonblock"] {
        let output = inject(mode, "epoll_ctl", "ENOSPC:when=1", &["--trace"]);
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let stderr = output.stderr();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(
            stderr.contains("epoll_ctl(ADD, 3<L>): ENOSPC ("),
            "{stderr}"
        );

        for k in 2..=5 {
            let fault = format!("ENOSPC:when={k}");
            let output = inject(mode, "epoll_ctl", &fault, &["--trace", "--format", "json"]).ok();
            let lines = output.json();
            if k == 5 {
                // The listener and three clients: there is no fifth.
                assert_eq!(lines, plain(mode));
                continue;
            }
            let refused = ["A", "B", "C"][k - 2];
            assert_eq!(lines.summary()["faults"], json!({ "ENOSPC": 1 }));
            let failed: Vec<&Value> = failures(&lines, "ENOSPC").collect();
            assert_eq!(failed.len(), 1);
            assert_eq!(
                (&failed[0]["op"], &failed[0]["name"]),
                (&json!("ADD"), &json!(refused))
            );
            all_served_but(&lines, &json!(refused));
            let clients = lines.summary()["clients"].as_array().expect("clients");
            let row = clients.iter().find(|client| client["client"] == refused);
            let row = row.expect("a row of its own");
            assert_eq!(
                (number(row, "received"), number(row, "recv")),
                (0, 0),
                "{mode}: {row}"
            );

            let text = inject(mode, "epoll_ctl", &fault, &["--trace"])
                .ok()
                .stdout();
            assert!(text.contains(&format!("{refused} is refused")), "{text}");
        }
    }
}

/// No fd is left: the client waits in the backlog, the listener is left alone
/// for 10 ms at a time, and everybody is served in the end.
#[test]
fn no_fd_left() {
    if !is_there("faults: EMFILE") {
        return;
    }
    for mode in ["lt", "et-nonblock", "blocking"] {
        for last in 1..=5 {
            let fault = format!("EMFILE:when=1..{last}");
            let options = ["--trace", "--timing", "--format", "json"];
            let lines = inject(mode, "accept4", &fault, &options).ok().json();
            assert_eq!(
                lines.summary()["faults"],
                json!({ "EMFILE": last }),
                "{mode} {fault}"
            );
            assert_eq!(failures(&lines, "EMFILE").count(), last, "{mode} {fault}");
            all_served_but(&lines, &Value::Null);
            pauses(&lines, mode);

            let text = inject(mode, "accept4", &fault, &["--trace"]).ok().stdout();
            assert_eq!(text.matches("= -1 EMFILE").count(), last, "{text}");
        }
    }
}

/// After each attempt that found no fd, a pause of 10 ms, in which the server
/// waits without the listener, comes before the next.
#[track_caller]
fn pauses(lines: &Lines, mode: &str) {
    let calls: Vec<&Value> = lines.of("call").collect();
    let attempts = calls.iter().enumerate();
    let attempts: Vec<usize> = attempts
        .filter(|(_, call)| call["call"] == "accept4")
        .map(|(at, _)| at)
        .collect();
    for pair in attempts.windows(2) {
        let between = &calls[pair[0] + 1..pair[1]];
        if calls[pair[0]]["errno"] != "EMFILE" {
            continue;
        }
        let names: Vec<&str> = between
            .iter()
            .filter_map(|call| call["call"].as_str())
            .collect();
        if mode == "blocking" {
            assert_eq!(names, ["clock_nanosleep"]);
        } else {
            let expected = ["epoll_ctl", "epoll_wait", "epoll_ctl", "epoll_wait"];
            assert_eq!(names, expected, "{between:#?}");
            let [silence, pause, again, ready] = between else {
                unreachable!()
            };
            assert_eq!(
                (&silence["op"], &silence["name"]),
                (&json!("MOD"), &json!("L"))
            );
            assert_eq!(silence["interest"], json!([]));
            assert_eq!(pause["result"], 0, "nobody else is there: {pause}");
            // Less than 10 only by what has passed since the attempt.
            let timeout = pause["timeout"].as_i64().expect("a timeout");
            assert!((1..=10).contains(&timeout), "{pause}");
            assert_eq!((&again["op"], &again["name"]), (&json!("MOD"), &json!("L")));
            assert_eq!(again["interest"], json!(["EPOLLIN"]));
            assert_eq!(ready["timeout"], -1);
        }
        // Not how fast it was but how slow it must be: at most 100 a second.
        let started = |at: usize| number(calls[at], "start_ns");
        assert!(
            started(pair[1]) - started(pair[0]) >= 10_000_000,
            "{between:#?}"
        );
    }
    if mode != "blocking" {
        let pauses = lines
            .calls("epoll_wait")
            .filter(|wait| wait["timeout"] != -1);
        assert_eq!(lines.summary()["wait"]["timeouts"], pauses.count());
    }
}
