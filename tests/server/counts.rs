//! The laws of the counts: what a server must report, call and answer, worked
//! out here from the messages and the buffer alone, and compared with what it
//! did.

use crate::common;
use crate::common::case::Case;
use crate::common::{Lines, number, records};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Buffers below, at and above the messages' lengths, and divisors of them.
fn case() -> impl Strategy<Value = Case> {
    let byte = 1..=255u8;
    let message = prop_oneof![
        3 => prop::collection::vec(byte.clone(), 1..40),
        1 => prop::collection::vec(byte, 40..400),
    ];
    let messages = prop::collection::vec(message, 1..4);
    let pick = any::<prop::sample::Index>();
    (messages, 1..48u32, pick, 0..3u8, 1..=6u64).prop_map(
        |(messages, buffer, pick, kind, clients)| {
            let length = messages[pick.index(messages.len())].len() as u32;
            let buffer = match kind {
                0 => length,              // a multiple of it: once
                1 => (length / 2).max(1), // often twice
                _ => buffer,
            };
            Case {
                messages,
                buffer,
                clients,
            }
        },
    )
}

/// The row of a client that was served in full.
fn row(case: &Case, answered: &str, [reports, hangups, recv, eagain]: [u64; 4]) -> Value {
    json!({
        "reports": reports, "hangups": hangups, "recv": recv, "eagain": eagain,
        "sent": case.bytes(), "received": case.bytes(), "echoed": case.bytes(),
        "unread": 0, "answered": answered,
    })
}

/// Compares the clients' rows, A first, and the wait call's returns.
#[track_caller]
fn check(lines: &Lines, rows: &[Value], returns: u64, listener_reports: u64) {
    let summary = lines.summary();
    let seen = summary["clients"].as_array().expect("clients");
    for (seen, expected) in seen.iter().zip(rows) {
        let mut seen = seen.clone();
        seen.as_object_mut().expect("an object").remove("client");
        assert_eq!(&seen, expected, "in {summary}");
    }
    assert_eq!(seen.len(), rows.len());
    assert_eq!(summary["wait"]["returns"], returns, "{summary}");
    assert_eq!(
        summary["listener"]["reports"], listener_reports,
        "{summary}"
    );
}

/// The rows of a server on which the first client is served at once and keeps
/// it asleep, so that the others' messages are all there when their turn comes.
fn one_after_the_other(case: &Case, reports: u64) -> Vec<Value> {
    let first = row(case, "at once", [reports, 0, case.pieces() + 1, 0]);
    let other = row(case, "late", [reports, 0, case.pieces_at_once() + 1, 0]);
    let others = std::iter::repeat_n(other, case.clients as usize - 1);
    std::iter::once(first).chain(others).collect()
}

/// Edge-triggered, one recv a report: what each client's row comes to, and the
/// bytes stranded before the first hang-up.
fn read_once(case: &Case) -> (Value, u64) {
    let buffer = u64::from(case.buffer);
    let (mut unread, mut reports, mut hangups, mut recv) = (0, 0, 0, 0);
    let mut late = false;
    for length in case.lengths() {
        unread += length;
        unread -= unread.min(buffer);
        (reports, recv) = (reports + 1, recv + 1);
        late |= unread > 0;
    }
    let stranded = unread;
    recv += 1;
    match unread {
        0 => hangups += 1,
        // The hang-up is an edge of its own, and recv finds bytes before it.
        _ => reports += 1,
    }
    unread -= unread.min(buffer);
    let answered = match late {
        false => "at once",
        true if unread == 0 => "late",
        true => "never",
    };
    let back = case.bytes() - unread;
    let row = json!({
        "reports": reports, "hangups": hangups, "recv": recv, "eagain": 0,
        "sent": case.bytes(), "received": back, "echoed": back,
        "unread": unread, "answered": answered,
    });
    (row, stranded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn level_triggered_repeats_while_bytes_are_unread(case in case()) {
        for command in [&["lt"][..], &["lt", "--socket", "nonblocking"]] {
            let lines = case.run(command);
            let each = row(&case, "at once", [case.pieces(), 1, case.pieces() + 1, 0]);
            // Per client: its connection, its reports, its hang-up; and the
            // listener's own end.
            let returns = case.clients * (case.pieces() + 2) + 1;
            check(&lines, &vec![each; case.clients as usize], returns, case.clients + 1);
            prop_assert_eq!(&lines.summary()["stuck"], false);
            prop_assert_eq!(&lines.summary()["stranded"], 0);
        }
    }

    #[test]
    fn draining_to_eagain_takes_one_report_a_message(case in case()) {
        let level = ["lt", "--read", "drain", "--socket", "nonblocking"];
        for command in [&["et-nonblock"][..], &level] {
            let lines = case.run(command);
            // Each message ends in an EAGAIN, also where its last recv filled
            // the buffer: that more might come is known only by asking.
            let recv = case.pieces() + case.count() + 1;
            let each = row(&case, "at once", [case.count(), 1, recv, case.count()]);
            let returns = case.clients * (case.count() + 2) + 1;
            check(&lines, &vec![each; case.clients as usize], returns, case.clients + 1);
            prop_assert_eq!(&lines.summary()["stuck"], false);
            prop_assert_eq!(&lines.summary()["stranded"], 0);
            for recv in lines.calls("recv").filter(|recv| recv["errno"] == "EAGAIN") {
                prop_assert_eq!(&recv["unread"], 0);
            }
        }
    }

    #[test]
    fn draining_a_blocking_socket_falls_asleep_in_recv(case in case()) {
        for command in [&["et-blocking"][..], &["lt", "--read", "drain"]] {
            let lines = case.run(command);
            let summary = lines.summary();
            // A's report, and one return with everybody else's.
            let others = u64::from(case.clients > 1);
            let returns = case.clients + 1 + others + 1;
            check(&lines, &one_after_the_other(&case, 1), returns, case.clients + 1);
            prop_assert_eq!(&summary["stuck"], true);
            prop_assert_eq!(&summary["stranded"], 0);
            prop_assert!(!lines.calls("recv").any(|recv| recv["errno"] == "EAGAIN"));
            starvation(&lines, &case, 5);
        }
    }

    #[test]
    fn without_multiplexing_one_client_at_a_time(case in case()) {
        let lines = case.run(&["blocking"]);
        check(&lines, &one_after_the_other(&case, 0), 0, 0);
        // That it sleeps for its one client is a pitfall only where another waits.
        prop_assert_eq!(&lines.summary()["stuck"], case.clients > 1);
        prop_assert_eq!(&lines.summary()["stranded"], 0);
        starvation(&lines, &case, 4);
    }

    #[test]
    fn edge_triggered_one_recv_strands_the_rest(case in case()) {
        let (each, stranded) = read_once(&case);
        for mode in ["et-blocking", "et-nonblock"] {
            let lines = case.run(&[mode, "--read", "once"]);
            let returns = case.clients * (case.count() + 2) + 1;
            check(&lines, &vec![each.clone(); case.clients as usize], returns, case.clients + 1);
            let summary = lines.summary();
            prop_assert_eq!(&summary["stranded"], case.clients * stranded);
            prop_assert_eq!(&summary["stuck"], false);
            let verdict = summary["verdict"].as_str().expect("a verdict");
            prop_assert_eq!(verdict.starts_with("STRANDED: "), stranded > 0, "{}", verdict);
        }
    }
}

/// Who starved, as the `blocked` record has it, which comes once: after the
/// first message of the second client.
#[track_caller]
fn starvation(lines: &Lines, case: &Case, fd: u64) {
    let blocked: Vec<&Value> = lines.of("blocked").collect();
    if case.clients == 1 {
        assert_eq!(blocked, Vec::<&Value>::new());
        return;
    }
    let [blocked] = blocked[..] else {
        panic!("one record of who starves: {blocked:?}")
    };
    let expected = json!({
        "type": "blocked", "run": 1, "seq": blocked["seq"],
        "call": "recv", "syscall": "recvfrom", "fd": fd, "name": "A",
        "thread_state": "S", "waiting": ["B"],
    });
    assert_eq!(blocked, &expected);
    // With several, the second one had to wait for the first as well.
    // However many messages somebody waits with, the name stands once.
    let starved = match case.clients {
        2 => ". B starved until A hung up.".to_string(),
        3 => ". B and C starved meanwhile.".to_string(),
        more => format!(". B, C and {} more starved meanwhile.", more - 3),
    };
    let verdict = lines.summary()["verdict"].as_str().expect("a verdict");
    let told = verdict.replace(", who had no more to say", "");
    assert!(told.ends_with(&starved), "{verdict}");
}

/// The longest message there may be, and the largest buffer.
#[test]
fn the_longest_message_is_one_edge() {
    for buffer in [4096, 32768, 65536] {
        let message: Vec<u8> = (0..32768u32).map(|n| b'a' + (n % 23) as u8).collect();
        let case = Case {
            messages: vec![message; 2],
            buffer,
            clients: 2,
        };
        let lines = case.run(&["et-nonblock"]);
        let each = row(&case, "at once", [2, 1, case.pieces() + 3, 2]);
        check(&lines, &[each.clone(), each], 2 * 4 + 1, 3);
        let lines = case.run(&["lt"]);
        let each = row(&case, "at once", [case.pieces(), 1, case.pieces() + 1, 0]);
        let returns = 2 * (case.pieces() + 2) + 1;
        check(&lines, &[each.clone(), each], returns, 3);
    }
}

/// Without a `--message`: 13 bytes from A, a word from the others.
#[test]
fn the_numbers_of_the_lesson() {
    let totals = |line: &str| {
        let lines = common::records(line);
        let totals = &lines.summary()["totals"];
        ["reports", "hangups", "recv", "eagain", "unread"].map(|key| number(totals, key))
    };
    assert_eq!(totals("lt"), [3, 1, 4, 0, 0]);
    assert_eq!(totals("et-nonblock"), [2, 2, 8, 2, 0]);
    assert_eq!(totals("et-blocking --stall 0s"), [2, 0, 6, 0, 0]);
    assert_eq!(totals("et-blocking --read once"), [3, 1, 4, 0, 3]);
    assert_eq!(totals("blocking --stall 0s"), [0, 0, 6, 0, 0]);
}

/// As many clients as there may be: more than one wait can report.
#[test]
fn a_hundred_clients() {
    for mode in ["lt", "et-nonblock", "et-blocking", "blocking"] {
        let case = Case {
            messages: vec![b"HELLOworld123".to_vec()],
            buffer: 5,
            clients: 100,
        };
        let lines = case.run(&[mode]);
        let summary = lines.summary();
        assert_eq!(summary["totals"]["echoed"], 1300, "{mode}");
        let names: Vec<&str> = lines
            .calls("recv")
            .filter_map(|r| r["name"].as_str())
            .collect();
        assert!(!names.contains(&"L"), "{mode}: L is the listener's letter");
        let waits = lines.calls("epoll_wait");
        let most = waits.map(|wait| number(wait, "result")).max();
        let expected = match mode {
            "blocking" => None,
            "et-blocking" => Some(64), // 99 are ready, and 64 fit
            _ => Some(1),
        };
        assert_eq!(most, expected, "{mode}");
    }
}

/// One byte too many a message for one recv, and then a message that fits: the
/// answer is whole in the end, and late.
#[test]
fn a_late_answer_is_no_success() {
    let line = "et-blocking --read once --clients 1 --message 123456 --message 1234";
    let lines = records(&format!("{line} --stall 0s"));
    let summary = lines.summary();
    assert_eq!(summary["clients"][0]["answered"], "late", "{summary}");
    let verdict = summary["verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("LATE: "), "{verdict}");
}

/// What woke the server was that A had more to say.
#[test]
fn who_says_more_is_not_said_to_have_no_more_to_say() {
    for (messages, said) in [("--message a", true), ("--message a --message b", false)] {
        let lines = records(&format!("et-blocking --clients 1 {messages} --stall 0s"));
        let verdict = lines.summary()["verdict"].as_str().expect("a verdict");
        assert_eq!(verdict.contains("no more to say"), said, "{verdict}");
    }
}
