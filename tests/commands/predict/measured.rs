//! What stands beside a prediction is what this run measured, whatever went
//! wrong in it: counted here from the records of its trace alone.

use serde_json::Value;

use super::predictions;
use crate::common::strace::{is_there, strace};
use crate::common::{Lines, lab, number, run, run_with};

/// Every server that answers differently, and answers of the right kind.
const SERVERS: [(&str, &str); 9] = [
    ("blocking", "3,no"),
    ("blocking --clients 1", "3"),
    ("lt", "1,1"),
    ("lt --buffer 1 --message hi --message you", "1,1"),
    ("lt --clients 3 --read drain --socket nonblocking", "1,1"),
    ("et-blocking --read once", "1,13"),
    ("et-blocking --stall 0s", "3,yes"),
    ("et-blocking --stall 0s --clients 1 --buffer 13", "1,2"),
    ("et-nonblock", "3,3"),
];

/// Faults that change what a run comes to: no formula knows of them.
const FAULTS: [&str; 5] = [
    "recvfrom:error=ECONNRESET:when=2",
    "recvfrom:error=ECONNRESET:when=3",
    "recvfrom:error=EINTR:when=2",
    "recvfrom:error=EINTR:when=1",
    "sendto:error=EPIPE:when=1",
];

/// What A's calls came to before anybody hung up.
#[derive(Debug, Default)]
struct Counted {
    reports: u64,
    recv: u64,
    came_back: u64,
    b_came_back: u64,
    b_sent: u64,
    /// The server slept in recv for A.
    in_recv: bool,
}

/// Counts the records of one run, up to the first step of hanging up.
fn count<'a>(records: impl Iterator<Item = &'a Value>) -> Counted {
    let mut counted = Counted::default();
    // A report has come, and no recv since: it may turn out a hang-up.
    let mut fresh = false;
    let mut fd_of_a = None;
    let mut unread_of_a = 0;
    for record in records {
        let is = |key: &str, value: &str| record[key] == value;
        let result = || record["result"].as_i64().unwrap();
        match record["type"].as_str().unwrap() {
            "client" if is("action", "shutdown") || is("action", "recv") => {
                let asleep = &record["server_asleep"];
                counted.in_recv = asleep["call"] == "recv" && asleep["fd"].as_i64() == fd_of_a;
                // A recv that has begun and not returned is a call as well.
                counted.recv += u64::from(counted.in_recv);
                return counted;
            }
            "client" if is("client", "A") && is("action", "send") => {
                unread_of_a += number(record, "bytes") as i64;
            }
            "client" if is("client", "B") && is("action", "send") => {
                counted.b_sent += number(record, "bytes");
            }
            "call" if is("call", "accept4") && fd_of_a.is_none() => fd_of_a = Some(result()),
            // The number may be another client's now.
            "call" if is("call", "close") && is("name", "A") => fd_of_a = Some(-1),
            "call" if is("call", "recv") && is("name", "A") => {
                counted.recv += 1;
                if !is("errno", "EINTR") {
                    // An error on a connection with bytes unread is none.
                    let failed = result() < 0 && !is("errno", "EAGAIN");
                    let hang_up = result() == 0 || failed && unread_of_a == 0;
                    counted.reports -= u64::from(fresh && hang_up);
                    unread_of_a -= result().max(0);
                    fresh = false;
                }
            }
            "call" if is("call", "send") && is("name", "A") => {
                counted.came_back += result().max(0) as u64;
            }
            "call" if is("call", "send") && is("name", "B") => {
                counted.b_came_back += result().max(0) as u64;
            }
            "call" if is("call", "epoll_wait") => {
                let events = record["events"].as_array().unwrap();
                if events.iter().any(|event| event["name"] == "A") {
                    counted.reports += 1;
                    fresh = true;
                }
            }
            _ => {}
        }
    }
    panic!("nobody hung up");
}

/// How many predictions were checked.
fn check(lines: &Lines, told: &str) -> usize {
    let counted = count(lines.0.iter());
    let predictions = predictions(lines);
    for prediction in &predictions {
        let question = prediction["question"].as_str().unwrap();
        let expected = match question {
            _ if question.contains("report A") => Value::from(counted.reports),
            _ if question.contains("call recv for A") => Value::from(counted.recv),
            _ if question.contains("will come back") => Value::from(counted.came_back),
            "Will B have its answer?" => match counted.b_came_back == counted.b_sent {
                true => "yes".into(),
                false => "no".into(),
            },
            other => panic!("{told}: {other}"),
        };
        assert_eq!(prediction["measured"], expected, "{told}: {question}");
    }
    predictions.len()
}

#[test]
fn measured_is_what_the_trace_of_this_run_shows() {
    let mut asked = 0;
    for (server, answers) in SERVERS {
        let line = format!("{server} --trace --format json --predict {answers}");
        let lines = run(&mut lab(&line)).ok().json();
        let given: Vec<&str> = answers.split(',').collect();
        let predictions = predictions(&lines);
        assert_eq!(predictions.len(), given.len(), "{line}");
        for (prediction, given) in predictions.iter().zip(given) {
            match &prediction["predicted"] {
                Value::Number(n) => assert_eq!(n.to_string(), given),
                Value::String(word) => assert_eq!(word, given),
                other => panic!("{other}"),
            }
        }
        asked += check(&lines, &line);
    }
    assert_eq!(asked, 17);
}

/// Runs a command while strace makes a call of the server fail.
fn inject(line: &str, fault: &str) -> Lines {
    let syscall = fault.split(':').next().unwrap();
    let (trace, inject) = (format!("trace={syscall}"), format!("inject={fault}"));
    let options = ["-o", "/dev/null", "-e", &trace, "-e", &inject];
    run(&mut strace(&options, line.split(' '))).ok().json()
}

#[test]
fn measured_is_what_happened_when_a_call_failed() {
    if !is_there("measured_is_what_happened_when_a_call_failed") {
        return;
    }
    let mut changed = 0;
    for fault in FAULTS {
        for (server, answers) in SERVERS {
            let line = format!("{server} --trace --format json --predict {answers}");
            let lines = inject(&line, fault);
            check(&lines, &format!("{fault} {line}"));
            let measured = |lines: &Lines| -> Vec<Value> {
                let each = predictions(lines).into_iter();
                each.map(|prediction| prediction["measured"].clone())
                    .collect()
            };
            let as_ever = run(&mut lab(&line)).ok().json();
            changed += usize::from(measured(&lines) != measured(&as_ever));
        }
    }
    assert!(changed >= 20, "only {changed} runs came to something else");
}

/// The matrix asks of how many rows the server slept in recv for A: not of how
/// many it slept in recv at all.
#[test]
fn the_matrix_tells_a_from_b() {
    if !is_there("the_matrix_tells_a_from_b") {
        return;
    }
    let line = "matrix --trace --format json --predict 4,2";
    // Each server has a thread of its own, and strace counts by thread.
    for (fault, for_a) in [
        ("recvfrom:error=EINTR:when=2", 2),
        ("recvfrom:error=ECONNRESET:when=2", 0),
    ] {
        let lines = inject(line, fault);
        let in_recv = (1..=8).filter(|number| {
            let records = lines.0.iter().filter(|record| record["run"] == *number);
            count(records).in_recv
        });
        assert_eq!(in_recv.count(), for_a, "{fault}");
        let predictions = predictions(&lines);
        assert_eq!(number(predictions[1], "measured"), for_a as u64, "{fault}");
    }
}

/// Each question of `write-events` is about its own act: where epoll_wait fails
/// to bring what it should, only the act in which it did comes to less.
#[test]
fn write_events_tells_the_acts_apart() {
    if !is_there("write_events_tells_the_acts_apart") {
        return;
    }
    for (trigger, fault, measured) in [
        ("lt", "epoll_wait:retval=0:when=5", [4, 70]),
        ("et", "epoll_wait:retval=0:when=1", [0, 1]),
    ] {
        let line = format!("write-events --waits 70 --trigger {trigger}");
        let lines = inject(&format!("{line} --format json --predict 70,1"), fault);
        let predictions = predictions(&lines);
        let found = predictions.iter().map(|one| number(one, "measured"));
        assert_eq!(found.collect::<Vec<_>>(), measured, "{line} {fault}");
    }
}

/// A fault that the server lived through is told once, though the counts are
/// left out; one that it did not live through shows how far the run came.
#[test]
fn a_fault_is_told_with_or_without_the_trace() {
    if !is_there("a_fault_is_told_with_or_without_the_trace") {
        return;
    }
    let run_as = |error: &str, line: &str, input: &[u8]| {
        let inject = format!("inject=recvfrom:error={error}:when=2");
        let options = ["-o", "/dev/null", "-e", "trace=recvfrom", "-e", &inject];
        run_with(&mut strace(&options, line.split(' ')), input)
    };
    for line in ["lt --predict 3,4", "lt --predict 3,4 --trace"] {
        let told = run_as("ECONNRESET", line, b"").ok().stdout();
        let times = told.matches("lived through: ECONNRESET 1").count();
        assert_eq!(times, 1, "{line}: {told}");
        // Why A had so few reports: no more could come.
        let reason = "       2  not so: with 13, 8 unread;\n   report A?                                    closed with 8 unread\n";
        assert!(told.contains(reason), "{line}: {told}");
    }
    let failed = run_as("EFAULT", "lt --predict", b"3\n4\n\n\n");
    assert_eq!(failed.shell_status(), 1, "{}", failed.told());
    assert!(failed.stderr().contains("EFAULT"), "{}", failed.told());
    let first = "    recv(5<A>, \"HELLO\", 5) = 5";
    assert!(failed.stdout().contains(first), "{}", failed.told());
}
