//! `--predict`: what is asked, how it may be answered, and that what stands
//! beside a prediction is what this run measured.

mod common;
#[path = "predict/conversation.rs"]
mod conversation;

use common::{Lines, lab, number, run};
use serde_json::Value;

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

fn predictions(lines: &Lines) -> Vec<&Value> {
    lines.of("prediction").collect()
}

/// What A's calls came to before anybody hung up, counted from the records of
/// the trace alone.
#[derive(Debug, Default)]
struct Counted {
    reports: u64,
    recv: u64,
    echoed: u64,
    b_received: u64,
    b_sent: u64,
}

fn count(lines: &Lines) -> Counted {
    let mut counted = Counted::default();
    for record in &lines.0 {
        let is = |key: &str, value: &str| record[key] == value;
        match record["type"].as_str().unwrap() {
            "client" if is("action", "shutdown") => {
                // A recv that has begun and not returned is a call as well.
                let asleep = &record["server_asleep"];
                let for_a = asleep["call"] == "recv" && asleep["fd"] == 5;
                // Without epoll, A's fd is 4.
                let for_a = for_a || asleep["call"] == "recv" && asleep["fd"] == 4;
                counted.recv += u64::from(for_a);
                return counted;
            }
            "client" if is("client", "B") && is("action", "send") => {
                counted.b_sent += number(record, "bytes");
            }
            "call" if is("call", "recv") && is("name", "A") => counted.recv += 1,
            "call" if is("call", "send") && is("name", "A") => {
                counted.echoed += number(record, "result");
            }
            "call" if is("call", "send") && is("name", "B") => {
                counted.b_received += number(record, "result");
            }
            "call" if is("call", "epoll_wait") => {
                let events = record["events"].as_array().unwrap();
                let a = events.iter().filter(|event| event["name"] == "A");
                counted.reports += a.count() as u64;
            }
            _ => {}
        }
    }
    panic!("nobody hung up");
}

#[test]
fn measured_is_what_the_trace_of_this_run_shows() {
    let mut asked = 0;
    for (server, answers) in SERVERS {
        let line = format!("{server} --trace --format json --predict {answers}");
        let lines = run(&mut lab(&line)).ok().json();
        let counted = count(&lines);
        let given: Vec<&str> = answers.split(',').collect();
        let predictions = predictions(&lines);
        assert_eq!(predictions.len(), given.len(), "{line}");
        for (prediction, given) in predictions.iter().zip(given) {
            let question = prediction["question"].as_str().unwrap();
            let measured = &prediction["measured"];
            match question {
                _ if question.contains("report A") => {
                    assert_eq!(
                        number(prediction, "measured"),
                        counted.reports,
                        "{line}: {question}"
                    );
                }
                _ if question.contains("call recv for A") => {
                    assert_eq!(
                        number(prediction, "measured"),
                        counted.recv,
                        "{line}: {question}"
                    );
                }
                _ if question.contains("bytes will come back") => {
                    assert_eq!(
                        number(prediction, "measured"),
                        counted.echoed,
                        "{line}: {question}"
                    );
                }
                "Will B have its answer?" => {
                    let answered = counted.b_received == counted.b_sent;
                    let word = if answered { "yes" } else { "no" };
                    assert_eq!(measured, word, "{line}");
                }
                other => panic!("{line}: {other}"),
            }
            match &prediction["predicted"] {
                Value::Number(n) => assert_eq!(n.to_string(), given),
                Value::String(word) => assert_eq!(word, given),
                other => panic!("{other}"),
            }
            asked += 1;
        }
    }
    assert_eq!(asked, 17);
}

#[test]
fn the_matrix_counts_its_own_rows() {
    let lines = run(&mut lab("matrix --format json --predict 8,0"))
        .ok()
        .json();
    let with = |result: &str| {
        let rows = lines.of("combination");
        rows.filter(|row| row["result"] == result).count() as u64
    };
    let predictions = predictions(&lines);
    assert_eq!(number(predictions[0], "measured"), with("OK"));
    assert_eq!(number(predictions[1], "measured"), with("STUCK"));
    assert_eq!(number(predictions[0], "predicted"), 8);
}

#[test]
fn write_events_counts_its_own_reports() {
    for (flags, wanted) in [
        ("--waits 70", [("level", "idle"), ("edge", "idle")]),
        (
            "--waits 70 --trigger lt",
            [("level", "idle"), ("level", "drain")],
        ),
        (
            "--waits 70 --trigger et",
            [("edge", "idle"), ("edge", "drain")],
        ),
    ] {
        let line = format!("write-events {flags} --format json --predict 1,2");
        let lines = run(&mut lab(&line)).ok().json();
        for (prediction, (trigger, act)) in predictions(&lines).iter().zip(wanted) {
            let mut acts = lines.of("write");
            let act = acts.find(|record| record["trigger"] == trigger && record["act"] == act);
            assert_eq!(prediction["measured"], act.unwrap()["reports"], "{line}");
        }
    }
}

#[test]
fn a_claim_s_verdict_is_predicted_in_any_of_its_words() {
    for (said, meant) in [
        ("true", "confirmed"),
        ("C", "confirmed"),
        ("no", "refuted"),
        ("dep", "depends"),
    ] {
        let line = format!("claims lt-repeats --format json --predict {said}");
        let lines = run(&mut lab(&line)).ok().json();
        let verdict = lines.of("claim").next().unwrap();
        let [prediction] = predictions(&lines)[..] else {
            panic!("{line}");
        };
        assert_eq!(prediction["predicted"], meant);
        assert_eq!(prediction["measured"], verdict["verdict"]);
    }
}

/// A wrong prediction is no failure, and the reason stands beside it; a right
/// one is told so.
#[test]
fn predicted_and_measured_stand_side_by_side() {
    let wrong = run(&mut lab("et-nonblock --predict 3,4")).ok().stdout();
    let lines: Vec<&str> = wrong.lines().collect();
    let row = |begin: &str| {
        let found = lines.iter().find(|line| line.starts_with(begin));
        found.unwrap_or_else(|| panic!("{begin} in {wrong}"))
    };
    assert!(
        row("1. ").ends_with("  3       1  with 13 unread"),
        "{wrong}"
    );
    assert!(
        row("2. ").ends_with("  4       4  as predicted: 5 + 5 + 3 bytes,"),
        "{wrong}"
    );
    assert!(
        !wrong.contains("epoll_wait("),
        "the trace was not asked for: {wrong}"
    );
    assert!(
        wrong.ends_with("next: epoll-lab matrix --predict\n"),
        "{wrong}"
    );
    for line in lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// With `--trace` the calls come as they do without a prediction.
#[test]
fn the_trace_is_the_same_with_and_without() {
    let without = run(&mut lab("et-nonblock --trace")).ok().stdout();
    let trace = without.split("\n\n").nth(1).unwrap();
    let with = run(&mut lab("et-nonblock --trace --predict 1,4"))
        .ok()
        .stdout();
    assert!(with.contains(&format!("\n\n{trace}\n\n")), "{with}");
    let (above, below) = with.split_at(with.find(trace).unwrap());
    assert!(
        above.contains("A sends \"HELLOworld123\", 13 bytes."),
        "{above}"
    );
    assert_eq!(below.matches("as predicted").count(), 2, "{below}");
}

#[test]
fn answers_that_do_not_fit_are_wrong_usage() {
    for (command, named) in [
        ("lt --predict 1", "2 answers are asked for"),
        ("lt --predict 1,2,3", "2 answers are asked for"),
        ("lt --predict 1,two", "'1,two': 2. How often"),
        ("blocking --predict 3,perhaps", "Give one of: yes, no."),
        ("matrix --predict ,", "Give a number"),
        ("write-events --predict once,1", "Give a number"),
        (
            "claims et-once --predict maybe",
            "confirmed, refuted, depends",
        ),
        ("claims --predict yes", "for one claim"),
        ("claims et-once oneshot --predict yes", "for one claim"),
        ("lt --predict 1,1 --listen 127.0.0.1:0", "--listen"),
        ("claims --list --predict yes", "--predict"),
    ] {
        let refused = run(&mut lab(command));
        assert_eq!(refused.shell_status(), 2, "{}", refused.told());
        assert_eq!(refused.stdout(), "", "{command}");
        assert!(refused.stderr().contains(named), "{}", refused.told());
        assert_eq!(refused.stderr().lines().count(), 1, "{}", refused.told());
    }
}

#[test]
fn the_same_bytes_every_time() {
    let first = run(&mut lab("et-blocking --stall 0s --trace --predict 3,yes"))
        .ok()
        .stdout;
    for _ in 0..20 {
        let again = run(&mut lab("et-blocking --stall 0s --trace --predict 3,yes"))
            .ok()
            .stdout;
        assert_eq!(again, first);
    }
}
