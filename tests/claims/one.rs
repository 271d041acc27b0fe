//! Claims that are asked for by their ids.

use crate::common::{epoll_lab, records, run, stdout};
use crate::fits;
use crate::ids::IDS;

/// What a projector shows at once.
const SCREENFUL: usize = 45;

#[test]
fn each_runs_alone_in_a_screenful() {
    for id in IDS {
        let text = stdout(&["claims", id]);
        fits(&text);
        let lines = text.lines().count();
        assert!(lines <= SCREENFUL, "{id}: {lines} lines\n{text}");
        for part in ["The textbook: ", "The question: ", "\n=> "] {
            assert!(text.contains(part), "{id} has no {part:?}\n{text}");
        }
    }
}

#[test]
fn what_varies_is_shown_with_timing_only() {
    fits(&stdout(&["claims", "--evidence", "--timing"]));
    let without = stdout(&["claims", "wait-timeout", "--format", "json"]);
    assert!(!without.contains("_ms"), "{without}");
    let with = stdout(&["claims", "wait-timeout", "--format", "json", "--timing"]);
    assert!(with.contains("twenty_ms"), "{with}");
}

#[test]
fn a_typo_suggests_the_nearest_id() {
    for (typo, answer) in [
        ("et-shrot-read", "did you mean 'et-short-read'?"),
        ("qqqqqqqqqqqqqqqqq", "--list"),
    ] {
        let output = run(&mut epoll_lab(["claims", typo]));
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stderr().contains(answer), "{}", output.told());
        assert!(output.stdout.is_empty());
    }
}

/// Several ids: those, in the order asked for, each with its evidence.
#[test]
fn several_claims_are_tried_in_the_order_asked_for() {
    let text = stdout(&["claims", "oneshot", "lt-repeats"]);
    let places = [
        "oneshot            confirmed EPOLLONESHOT",
        "not even of a reset",
        "lt-repeats         confirmed LT",
        "13 bytes",
    ]
    .map(|what| {
        text.find(what)
            .unwrap_or_else(|| panic!("no {what:?} in {text}"))
    });
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("\n2 claims: 2 confirmed,"), "{text}");
    let records = records("claims oneshot lt-repeats");
    let ids: Vec<_> = records.0.iter().map(|record| &record["id"]).collect();
    assert_eq!(ids, ["oneshot", "lt-repeats"]);
}
