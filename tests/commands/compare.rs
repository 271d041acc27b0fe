//! `select-poll-compare`, the three servers: what theory fixes of the counts
//! and the bytes, and that the kernel was asked what the trace says.

use crate::common::strace::{Log, Logged, is_there, split_args, strace};
use crate::common::{Lines, lab, narrow, number, run};
use serde_json::Value;

const SERVERS: &str = "select-poll-compare --only servers";

/// The records of each of the three servers.
fn servers(options: &str) -> [Lines; 3] {
    let line = format!("{SERVERS} --trace --format json {options}");
    let all = run(&mut lab(&line)).ok().json();
    by_run(&all)
}

fn by_run(all: &Lines) -> [Lines; 3] {
    [1, 2, 3].map(|run| {
        let own = all.0.iter().filter(|line| line["run"] == run);
        Lines(own.cloned().collect())
    })
}

fn api(lines: &Lines) -> String {
    let run = lines.of("run").next().expect("a run");
    run["api"].as_str().expect("a name").to_string()
}

/// The returns of the wait call.
fn waits(lines: &Lines) -> Vec<&Value> {
    lines
        .of("call")
        .filter(|call| call.get("cost").is_some())
        .collect()
}

#[test]
fn each_api_serves_once_in_the_textbooks_order() {
    let names = servers("").map(|lines| api(&lines));
    assert_eq!(names, ["select", "poll", "epoll"]);
}

#[test]
fn all_three_count_the_same_and_send_the_same_bytes_back() {
    for (n, buffer, clients) in [(13, 5, 4), (1, 5, 1), (40, 7, 9), (10, 5, 2)] {
        let message = "m".repeat(n);
        let options = format!("--message {message} --buffer {buffer} --clients {clients}");
        let servers = servers(&options);
        for lines in &servers {
            let summary = lines.summary();
            let totals = &summary["totals"];
            let reads = n.div_ceil(buffer) as u64;
            assert_eq!(number(totals, "reports"), reads, "{options}");
            assert_eq!(number(totals, "hangups"), clients as u64, "{options}");
            assert_eq!(number(totals, "recv"), reads + clients as u64, "{options}");
            assert_eq!(number(totals, "echoed"), n as u64, "{options}");
            assert_eq!(summary["echo_intact"], true, "{options}");
            // An accept each, a report each, and the listener's shutdown.
            let returns = 2 * clients as u64 + reads + 1;
            assert_eq!(number(&summary["wait"], "returns"), returns, "{options}");
            let sent: String = lines
                .calls("send")
                .map(|call| call["data"].as_str().expect("data"))
                .collect();
            assert_eq!(sent, message);
        }
        let [select, poll, epoll] = servers.map(|lines| lines.summary()["clients"].clone());
        assert_eq!(select, poll);
        assert_eq!(poll, epoll);
    }
}

#[test]
fn a_wait_costs_what_its_man_page_says() {
    for lines in servers("--clients 70") {
        let api = api(&lines);
        let mut open: u64 = 1; // the listener
        let mut seen = 0;
        for call in lines.of("call") {
            if let Some(cost) = call.get("cost") {
                let cost = |key| number(cost, key);
                let events = call["events"].as_array().expect("events").len() as u64;
                match api.as_str() {
                    "select" => {
                        // Two sets, each of whole longs up to the highest fd.
                        let set = number(call, "nfds").div_ceil(64) * 8;
                        assert_eq!(cost("bytes_in"), 2 * set, "{call}");
                        assert_eq!(cost("bytes_out"), 2 * set, "{call}");
                        assert_eq!(cost("handed"), open, "{call}");
                    }
                    "poll" => {
                        assert_eq!(number(call, "nfds"), open, "{call}");
                        assert_eq!(cost("bytes_in"), 8 * open, "{call}");
                        assert_eq!(cost("bytes_out"), 2 * open, "{call}");
                        assert_eq!(cost("handed"), open, "{call}");
                    }
                    _ => {
                        assert_eq!(cost("bytes_in"), 0, "{call}");
                        let event = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
                        assert_eq!(cost("bytes_out"), event * events, "{call}");
                        assert_eq!(cost("handed"), 0, "{call}");
                    }
                }
                if api == "epoll" {
                    assert_eq!((cost("asked"), cost("tested")), (events, 0), "{call}");
                } else {
                    assert_eq!(cost("asked"), open, "{call}");
                    assert!((events..=open).contains(&cost("tested")), "{call}");
                }
                seen += 1;
            }
            match (call["call"].as_str(), call["errno"].is_null()) {
                (Some("accept4"), true) => open += 1,
                (Some("close"), true) => open = open.saturating_sub(1),
                _ => {}
            }
        }
        assert!(seen > 140, "{api}: {seen} waits");
    }
}

#[test]
fn the_search_ends_with_the_last_that_is_ready() {
    // The one that talks has connected last, so the search from the front
    // tests the listener and all six clients.
    for lines in servers("--clients 6").iter().take(2) {
        let of_f = waits(lines).into_iter().filter(|call| {
            let events = call["events"].as_array().expect("events");
            events.iter().any(|event| event["name"] == "F")
        });
        let tested: Vec<u64> = of_f.map(|call| number(&call["cost"], "tested")).collect();
        // Three reports among seven, and the hang-up when the others are gone.
        assert_eq!(tested, [7, 7, 7, 2], "{}", api(lines));
    }
}

#[test]
fn the_kernel_was_asked_what_the_trace_says() {
    if !is_there("the three servers against strace") {
        return;
    }
    let log = Log::new();
    let prefix = log.prefix();
    let line = format!("{SERVERS} --trace --format json --clients 3");
    let args: Vec<&str> = line.split_ascii_whitespace().collect();
    let traced = run(&mut strace(&["-ff", "-s", "70000", "-o", &prefix], &args))
        .ok()
        .json();
    let mut threads = log.threads();
    threads.retain(|calls| calls.iter().any(|call| call.syscall == "listen"));
    assert_eq!(threads.len(), 3, "one thread a server");
    for lines in by_run(&traced) {
        let api = api(&lines);
        let ours: Vec<&Value> = lines.of("call").collect();
        let wait = waits(&lines)[0]["syscall"]
            .as_str()
            .expect("a name")
            .to_string();
        let logged = threads
            .iter()
            .find(|calls| calls.iter().any(|call| call.syscall == wait))
            .unwrap_or_else(|| panic!("no thread of the log waits in {wait}"));
        let known: Vec<&str> = ours
            .iter()
            .filter_map(|call| call["syscall"].as_str())
            .collect();
        let logged: Vec<&Logged> = logged
            .iter()
            .filter(|call| known.contains(&call.syscall.as_str()))
            .collect();
        for (ours, logged) in ours.iter().zip(&logged) {
            assert_eq!(
                ours["syscall"],
                logged.syscall.as_str(),
                "{ours} {logged:?}"
            );
            assert_eq!(ours["result"].as_i64(), logged.result, "{ours} {logged:?}");
            assert_eq!(
                ours["errno"].as_str(),
                logged.errno.as_deref(),
                "{ours} {logged:?}"
            );
            if let Some(cost) = ours.get("cost") {
                assert_eq!(number(cost, "handed"), handed(logged), "{ours} {logged:?}");
            }
        }
        assert_eq!(ours.len(), logged.len(), "{api}: as many calls");
    }
}

/// How many fds a wait hands to the kernel, in strace's words.
fn handed(call: &Logged) -> u64 {
    let set = |index: usize| match call.args[index].strip_prefix('[') {
        Some(list) => list.trim_end_matches(']').split_ascii_whitespace().count(),
        None => 0, // NULL
    };
    let handed = match call.syscall.as_str() {
        "select" | "pselect6" => set(1) + set(2),
        "poll" | "ppoll" => split_args(call.args[0].trim_start_matches('[')).0.len(),
        _ => 0,
    };
    handed as u64
}

#[test]
fn the_same_bytes_every_time() {
    let line = format!("{SERVERS} --trace --clients 3");
    let first = run(&mut lab(&line)).ok().stdout();
    for _ in 1..100 {
        assert_eq!(run(&mut lab(&line)).ok().stdout(), first);
    }
    narrow(&first);
}

/// The same fault on all three servers: what came back is the same, and is not
/// all.
#[test]
fn the_same_bytes_and_not_all_of_them() {
    if !is_there("three servers with a lost connection") {
        return;
    }
    let inject = "inject=recvfrom:error=ECONNRESET:when=1";
    let options = ["-o", "/dev/null", "-e", "trace=recvfrom", "-e", inject];
    let output = run(&mut strace(&options, SERVERS.split(' ')));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    let stdout = output.stdout();
    let said = "=> NOT ALL: the same bytes came back from all of them, 0 of 13.\n";
    assert!(stdout.contains(said), "{stdout}");
}
