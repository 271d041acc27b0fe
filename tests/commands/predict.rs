//! `--predict`: what is asked, how it may be answered, and that what stands
//! beside a prediction is what this run measured.

mod claims;
mod conversation;
mod measured;
mod signals;
mod words;

use crate::common::{Lines, lab, number, run};
use serde_json::Value;

fn predictions(lines: &Lines) -> Vec<&Value> {
    lines.of("prediction").collect()
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
    // They are about all eight runs, and name none.
    for prediction in predictions {
        assert_eq!(prediction["run"], Value::Null, "{prediction}");
    }
}

/// One return reports both clients: fewer returns than reports.
#[test]
fn together_returns_are_not_reports() {
    for (mode, reports_of_a, returns) in [
        ("lt", 3, 3),
        ("et-blocking --read once", 1, 1),
        ("et-nonblock", 1, 1),
    ] {
        let line = format!("{mode} --together --trace --format json --predict 9,9");
        let lines = run(&mut lab(&line)).ok().json();
        let predictions = predictions(&lines);
        assert_eq!(number(predictions[0], "measured"), reports_of_a, "{line}");
        assert_eq!(number(predictions[1], "measured"), returns, "{line}");
        let first = lines.calls("epoll_wait").find(|wait| wait["result"] == 2);
        let first = first.expect("one return of two");
        let events = first["events"].as_array().expect("events");
        let names: Vec<&Value> = events.iter().map(|event| &event["name"]).collect();
        assert_eq!(names, ["A", "B"], "{line}");
    }
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
        let predictions = predictions(&lines);
        assert_eq!(predictions.len(), wanted.len(), "{line}");
        for (prediction, (trigger, act)) in predictions.iter().zip(wanted) {
            let runs = lines
                .of("run")
                .filter(|run| run["run"] == prediction["run"]);
            let triggers: Vec<&Value> = runs.map(|run| &run["trigger"]).collect();
            assert_eq!(triggers, [trigger], "{line}");
            let mut acts = lines.of("write");
            let act = acts.find(|record| record["trigger"] == trigger && record["act"] == act);
            assert_eq!(prediction["measured"], act.unwrap()["reports"], "{line}");
        }
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
        row("1. ").ends_with("  3       1  not so: with 13 unread"),
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
            "claims et-once --predict 8,maybe",
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
