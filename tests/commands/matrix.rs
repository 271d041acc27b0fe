//! `matrix`: its rows are what the single commands report, the same in every
//! run, and every line of the JSON parses.

use crate::common::{Lines, stdout};
use serde_json::Value;

fn records(args: &[&str]) -> Vec<Value> {
    Lines::parse(&stdout(args)).0
}

fn of_type<'a>(records: &'a [Value], name: &str) -> Vec<&'a Value> {
    records.iter().filter(|r| r["type"] == name).collect()
}

/// The single command that is the combination, with two clients.
fn single<'a>(row: &'a Value, more: &[&'a str]) -> Vec<&'a str> {
    let text = |key: &str| row[key].as_str().expect("a word");
    let command = match text("trigger") {
        "level" => "lt",
        _ => "et-blocking",
    };
    let mut args = vec![command, "--clients", "2", "--stall", "0s"];
    args.extend(["--socket", text("socket"), "--read", text("read")]);
    args.extend(["--format", "json"]);
    args.extend(more);
    args
}

/// What A's row should be, counted by hand in a single command's trace: all
/// calls before the first client hangs up.
fn counted(trace: &[Value]) -> (u64, u64, u64, u64) {
    let until = trace
        .iter()
        .position(|r| r["type"] == "client" && r["action"] == "shutdown")
        .expect("somebody hangs up");
    let asleep = &trace[until]["server_asleep"];
    let (before, mut unread) = (&trace[..until], 0);
    let (mut reports, mut recv, mut eagain) = (0, 0, 0);
    let mut fd = Value::Null;
    for record in before.iter().filter(|r| r["type"] == "call") {
        for event in record["events"].as_array().into_iter().flatten() {
            reports += u64::from(event["name"] == "A");
        }
        if record["call"] == "recv" && record["name"] == "A" {
            recv += 1;
            eagain += u64::from(record["errno"] == "EAGAIN");
            unread = record["unread"].as_u64().unwrap_or(unread);
            fd = record["fd"].clone();
        }
    }
    // A recv that has been entered and has not returned has no record yet.
    recv += u64::from(asleep["call"] == "recv" && asleep["fd"] == fd);
    (reports, recv, eagain, unread)
}

fn rows_are_what_the_single_commands_report(more: &[&str]) {
    let args = [&["matrix", "--format", "json"][..], more].concat();
    let matrix = records(&args);
    let rows = of_type(&matrix, "combination");
    let summaries = of_type(&matrix, "summary");
    let runs = of_type(&matrix, "run");
    assert_eq!((rows.len(), summaries.len(), runs.len()), (8, 8, 8));
    for (index, row) in rows.iter().enumerate() {
        let number = index as u64 + 1;
        assert_eq!(row["run"], number);
        let trace = records(&single(row, &[&["--trace"][..], more].concat()));
        let alone = of_type(&trace, "summary")[0];

        let mut summary = summaries[index].clone();
        summary["run"] = 1.into();
        assert_eq!(&summary, alone, "{row}");
        for key in ["api", "trigger", "socket", "read", "buffer", "clients"] {
            assert_eq!(runs[index][key], of_type(&trace, "run")[0][key]);
        }

        let number = |key: &str| row[key].as_u64().expect("a number");
        let a = ["reports", "recv", "eagain", "unread"].map(number);
        assert_eq!(a, <[u64; 4]>::from(counted(&trace)), "{row}");
        let verdict = alone["verdict"].as_str().expect("a sentence");
        let result = match alone {
            _ if alone["stuck"] == true => "STUCK",
            _ if alone["stranded"] != 0 => "STRANDED",
            _ => "OK",
        };
        assert_eq!(row["result"], result, "{verdict}");
    }
}

#[test]
fn rows_of_the_usual_script() {
    rows_are_what_the_single_commands_report(&[]);
}

#[test]
fn rows_of_another_buffer() {
    rows_are_what_the_single_commands_report(&["--buffer", "4"]);
    rows_are_what_the_single_commands_report(&["--buffer", "1024"]);
}

#[test]
fn rows_of_other_messages() {
    rows_are_what_the_single_commands_report(&["--message", "0123456789", "--message", "x"]);
}

#[test]
fn the_named_commands_are_marked() {
    let matrix = records(&["matrix", "--format", "json"]);
    for row in of_type(&matrix, "combination") {
        let named = match (&row["trigger"], &row["socket"], &row["read"]) {
            (t, s, r) if t == "level" && s == "blocking" && r == "once" => Value::from("lt"),
            (t, s, r) if t == "edge" && s == "blocking" && r == "drain" => "et-blocking".into(),
            (t, s, r) if t == "edge" && s == "nonblocking" && r == "drain" => "et-nonblock".into(),
            _ => Value::Null,
        };
        assert_eq!(row["command"], named);
    }
}

#[test]
fn both_the_working_and_the_broken_are_there() {
    let matrix = records(&["matrix", "--format", "json"]);
    let rows = of_type(&matrix, "combination");
    let count = |result: &str| rows.iter().filter(|row| row["result"] == result).count();
    assert_eq!((count("OK"), count("STRANDED"), count("STUCK")), (4, 2, 2));
    for row in rows {
        assert_eq!(row["b_answered"], row["result"] != "STUCK");
    }
}

/// Who wakes is counted in the kernel's own test for the same set-ups:
/// epoll_wakeup_test.c, epoll9 (level), epoll10 (edge).
#[test]
fn threads_one_row_a_flag() {
    let all = records(&["matrix", "--threads", "--format", "json"]);
    let rows = of_type(&all, "threads");
    assert_eq!(rows.len(), 12);
    for row in rows {
        let count = |key: &str| row[key].as_u64().expect("a number");
        let of_two = |key: &str| row[key][0].as_u64().unwrap() + row[key][1].as_u64().unwrap();
        // Who woke made one call, and an arrival is taken or left.
        assert_eq!(count("got") + count("eagain"), of_two("woken"), "{row}");
        assert_eq!(count("got") + count("left"), 2, "{row}");
        assert_eq!(row["asleep"][0], 4);
        let flag = row["flag"].as_str().unwrap_or("-");
        assert_eq!(row["mod"].is_null(), flag == "EPOLLEXCLUSIVE", "{row}");
        let first = match (row["epolls"].as_u64(), flag) {
            (Some(1), "EPOLLET" | "EPOLLONESHOT") => 1,
            (Some(4), "EPOLLEXCLUSIVE") => 1,
            _ => 4,
        };
        assert_eq!(row["woken"][0], first, "{row}");
    }
}

#[test]
fn the_same_bytes_every_time() {
    let commands: [&[&str]; 3] = [
        &["matrix", "--threads"],
        &["matrix", "--trace"],
        &["matrix", "--trace", "--format", "json"],
    ];
    for args in commands {
        let first = stdout(args);
        for _ in 0..20 {
            assert_eq!(stdout(args), first, "{args:?}");
        }
    }
}
