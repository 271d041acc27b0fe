//! What the lessons and the README tell a reader to look for in a page.

use serde_json::{Value, json};

use crate::{Directory, State, data, page, states};

/// The moments of a lesson's page: what is said, and the picture.
fn moments(line: &str) -> Vec<(Value, State)> {
    let directory = Directory::new("lessons");
    let page = page(&format!("{line} --stall 0s"), &directory.file("page.html"));
    let run = data(&page)["runs"][0].clone();
    let moments = run["moments"].as_array().expect("moments").clone();
    moments.into_iter().zip(states(&run)).collect()
}

fn ready(state: &State) -> Value {
    state.get("ready").cloned().unwrap_or(json!([]))
}

fn says(moment: &(Value, State)) -> &str {
    moment.0["s"].as_str().unwrap_or_default()
}

#[test]
fn lesson_2_fd_5_stays_until_nothing_is_unread() {
    let moments = moments("lt");
    let reports: Vec<_> = moments
        .iter()
        .filter(|moment| says(moment).starts_with("epoll_wait reports A: readable. Level"))
        .collect();
    assert_eq!(reports.len(), 3);
    for (_, state) in reports {
        assert_eq!(ready(state), json!([5]));
        assert_ne!(state.get("A.un"), None);
    }
    let off = moments
        .iter()
        .find(|moment| says(moment).contains("comes off"));
    let (_, state) = off.expect("a wait finds nothing");
    assert_eq!((ready(state), state.get("A.un")), (json!([]), None));
}

#[test]
fn lesson_3_the_report_takes_fd_5_off() {
    let moments = moments("et-blocking --read once");
    let report = moments
        .iter()
        .find(|moment| says(moment).starts_with("epoll_wait reports A"));
    let (_, state) = report.expect("a report");
    assert_eq!((ready(state), &state["A.un"]), (json!([]), &json!(13)));
    let stranded = moments.iter().find(|(moment, _)| moment["k"] == "stranded");
    let (_, state) = stranded.expect("stranded bytes");
    assert_eq!((&state["A.un"], &state["th"]), (&json!(8), &json!("any")));
    assert_eq!(state["call"], "epoll_wait(4)");
}

#[test]
fn lesson_4_three_places_when_b_has_sent() {
    let moments = moments("et-blocking");
    let sent = moments
        .iter()
        .position(|moment| says(moment).starts_with("B sends"));
    let sent = sent.expect("B sends");
    let (_, state) = &moments[sent];
    assert_eq!((&state["B.un"], ready(state)), (&json!(4), json!([6])));
    assert_eq!(
        (&state["th"], &state["call"]),
        (&json!("one"), &json!("recv(5<A>)"))
    );
    // The picture in the README is the moment after it.
    let (after, _) = &moments[sent + 1];
    assert_eq!((sent + 2, &after["k"]), (20, &json!("blocked")));
}

#[test]
fn lesson_5_eagain_and_an_empty_list_at_every_sleep() {
    let moments = moments("et-nonblock");
    let drained = moments
        .iter()
        .filter(|moment| says(moment).starts_with("recv says EAGAIN"));
    for (_, state) in drained.clone() {
        assert_eq!(state["th"], "run");
    }
    assert_eq!(drained.count(), 2);
    let asleep = moments
        .iter()
        .filter(|(_, state)| state["th"] != "run" && state["th"] != "end");
    for (moment, state) in asleep.filter(|(moment, _)| moment["k"] == "sleep") {
        assert_eq!(
            (ready(state), &state["th"]),
            (json!([]), &json!("any")),
            "{moment}"
        );
    }
}

#[test]
fn together_both_are_on_the_list_before_the_wait() {
    let moments = moments("lt --together");
    let held: Vec<_> = moments
        .iter()
        .filter(|(_, state)| state["th"] == "held")
        .collect();
    assert!(says(held[0]).contains("its next epoll_wait has not begun"));
    let said: Vec<_> = held[1..].iter().map(|held| &says(held)[..7]).collect();
    assert_eq!(said, ["A sends", "B sends"]);
    let (_, state) = held[2];
    assert_eq!(
        (ready(state), &state["call"]),
        (json!([5, 6]), &json!("before epoll_wait"))
    );
}
