//! Nothing is simulated: what the trace says, strace says too, call by call.
//!
//! The server's thread is held against strace's log of the same run. What it
//! calls and the trace does not show fails the test, as much as the reverse.

mod common;

use common::strace::{Log, Logged, is_there, split_args, strace};
use common::{Lines, run};
use serde_json::{Value, json};

/// Calls on the server's thread that are not the server's: starting and ending
/// a thread, waiting for another, memory, and the keys of std's hash map.
#[rustfmt::skip]
const NOT_THE_SERVERS: [&str; 19] = [
    "brk", "clock_gettime", "exit", "futex", "getrandom", "gettid", "madvise", "mmap", "mprotect",
    "mremap", "munmap", "prctl", "restart_syscall", "rseq", "rt_sigprocmask", "sched_getaffinity",
    "sched_yield", "set_robust_list", "sigaltstack",
];

/// Runs the server under strace; its records, and what strace saw its thread
/// do.
#[track_caller]
fn both(args: &[&str]) -> (Lines, Vec<Logged>) {
    let log = Log::new();
    // Each string in full, each thread in a file of its own.
    let prefix = log.prefix();
    let options = ["-ff", "-s", "70000", "-o", &prefix];
    let common = ["--trace", "--format", "json", "--stall", "0s"];
    let args: Vec<&str> = args.iter().chain(&common).copied().collect();
    let lines = run(&mut strace(&options, &args)).ok().json();
    let mut threads = log.threads();
    threads.retain(|calls| calls.iter().any(|call| call.syscall == "listen"));
    assert_eq!(threads.len(), 1, "one thread is the server: {args:?}");
    let mut server = threads.remove(0);
    server.retain(|call| !NOT_THE_SERVERS.contains(&call.syscall.as_str()) && !is_fionread(call));
    (lines, server)
}

/// The observer's only call on the server's thread.
fn is_fionread(call: &Logged) -> bool {
    call.syscall == "ioctl" && call.args[1] == "FIONREAD"
}

/// Compares every traced call with strace's.
#[track_caller]
fn agree(args: &[&str]) -> Lines {
    let (lines, logged) = both(args);
    let traced: Vec<&Value> = lines.of("call").collect();
    for (traced, logged) in traced.iter().zip(&logged) {
        assert_eq!(
            said_by_trace(traced),
            said_by_strace(logged),
            "{args:?}\ntrace:  {traced}\nstrace: {logged:?}"
        );
    }
    assert_eq!(traced.len(), logged.len(), "{args:?}: as many calls");
    assert!(traced.len() > 10, "{args:?}: a run has calls");
    lines
}

/// What both say of a call, from the trace's record.
fn said_by_trace(call: &Value) -> Value {
    let mut said = json!({});
    let mut keys = vec!["syscall", "fd", "result", "errno"];
    keys.extend(["epfd", "timeout", "maxevents", "op", "option", "length"]);
    keys.retain(|key| call.get(key).is_some());
    for key in keys {
        said[key] = call[key].clone();
    }
    for key in ["interest", "flags"] {
        if let Some(names) = call.get(key) {
            said[key] = sorted(names.as_array().expect("names").clone());
        }
    }
    if let Some(events) = call["events"].as_array() {
        let events = events.iter().map(|event| {
            let names = event["events"].as_array().expect("names").clone();
            json!({ "fd": event["fd"], "events": sorted(names) })
        });
        said["events"] = events.collect();
    }
    // strace does not follow the pointer of a recv that brought nothing.
    if call["call"] == "send" || call["call"] == "recv" && call["errno"].is_null() {
        said["data"] = call["data"].clone();
    }
    said
}

/// The same from strace's line.
fn said_by_strace(call: &Logged) -> Value {
    let mut said = json!({
        "syscall": call.syscall, "fd": null, "result": call.result, "errno": call.errno,
    });
    let args = &call.args;
    match call.syscall.as_str() {
        "socket" | "epoll_create1" => {}
        "clock_nanosleep" => {}
        "epoll_ctl" => {
            said["epfd"] = call.int(0).into();
            said["op"] = args[1].trim_start_matches("EPOLL_CTL_").into();
            said["fd"] = call.int(2).into();
            said["interest"] = event(&args[3])["events"].clone();
        }
        "epoll_wait" | "epoll_pwait" => {
            said["fd"] = call.int(0).into();
            said["epfd"] = call.int(0).into();
            said["maxevents"] = call.int(2).into();
            said["timeout"] = call.int(3).into();
            let events = args[1].strip_prefix('[').map(|list| split_args(list).0);
            let events = events.unwrap_or_default();
            said["events"] = events.iter().map(|text| event(text)).collect();
        }
        "setsockopt" => {
            said["fd"] = call.int(0).into();
            said["option"] = args[2].as_str().into();
        }
        "fcntl" => {
            said["fd"] = call.int(0).into();
            said["op"] = args[1].as_str().into();
            if let Some(flags) = args.get(2) {
                said["flags"] = names(flags);
            }
        }
        "recvfrom" | "sendto" => {
            said["fd"] = call.int(0).into();
            said["length"] = call.int(2).into();
            said["flags"] = names(&args[3]);
            if call.syscall == "sendto" || call.errno.is_none() {
                let data = args[1].strip_prefix('"').and_then(|s| s.strip_suffix('"'));
                said["data"] = data.expect("a whole string").into();
            }
        }
        _ => said["fd"] = call.int(0).into(),
    }
    said
}

/// `{events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}`: the flags, and the fd that
/// the server put into `data`.
fn event(text: &str) -> Value {
    let (fields, _) = split_args(text.strip_prefix('{').expect("a structure"));
    let flags = fields[0].trim_start_matches("events=");
    let fd = fields[1].split("u64=").nth(1).expect("data.u64");
    let fd: i64 = fd.trim_end_matches('}').parse().expect("an fd");
    json!({ "fd": fd, "events": names(flags) })
}

/// `A|B`, in any order; `0` is none.
fn names(flags: &str) -> Value {
    let names = flags.split('|').filter(|name| *name != "0");
    sorted(names.map(Value::from).collect())
}

fn sorted(mut names: Vec<Value>) -> Value {
    names.sort_by_key(|name| name.to_string());
    names.into()
}

#[test]
fn every_mode() {
    if !is_there("the comparison with strace: every mode") {
        return;
    }
    for mode in common::MODES {
        agree(&[mode]);
        agree(&[mode, "--clients", "1"]);
        agree(&[
            mode,
            "--clients",
            "4",
            "--message",
            "hello",
            "--message",
            "HELLOworld123",
        ]);
        agree(&[
            mode,
            "--clients",
            "3",
            "--buffer",
            "64",
            "--message",
            "short",
        ]);
    }
}

#[test]
fn every_combination() {
    if !is_there("the comparison with strace: --read and --socket") {
        return;
    }
    for mode in ["lt", "et-blocking", "et-nonblock"] {
        for read in ["once", "drain"] {
            for socket in ["blocking", "nonblocking"] {
                agree(&[mode, "--read", read, "--socket", socket, "--clients", "3"]);
            }
        }
    }
}

/// More ready at once than one wait can bring.
#[test]
fn many_events_in_one_return() {
    if !is_there("the comparison with strace: many events") {
        return;
    }
    let lines = agree(&["et-blocking", "--clients", "80"]);
    let most = lines
        .calls("epoll_wait")
        .map(|wait| wait["result"].as_u64());
    assert_eq!(most.max(), Some(Some(64)));
    // The lab holds the server between two calls, and makes none for it.
    for mode in ["lt", "et-blocking", "et-nonblock"] {
        let lines = agree(&[mode, "--clients", "3", "--together"]);
        let first = lines
            .calls("epoll_wait")
            .find(|wait| wait["events"][0]["name"] == "A");
        assert_eq!(first.expect("A is reported")["result"], 3, "{mode}");
    }
}

/// The bytes, escaped as strace escapes them: what it would be wrong to pass
/// on raw, and digits after short escapes.
#[test]
fn the_bytes_too() {
    if !is_there("the comparison with strace: data") {
        return;
    }
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    // No argument of a program can hold a NUL; `--listen` sees to that one.
    let every: Vec<u8> = (1..=255).collect();
    let digits: Vec<u8> = (1..32).flat_map(|byte| [byte, b'0' + byte % 10]).collect();
    let messages: [&[u8]; 7] = [
        &every,
        &digits,
        b"\x1b[31mred\x1b[0m \x07\x08",
        b"\"quoted\" and \\back\\slashed\\\"",
        b"\t\n\x0b\x0c\r tab to return",
        "gr\u{fc}\u{df}e \u{202e}\u{9b}7 \u{1f600}".as_bytes(),
        b"\x01\x018\x017\x01a",
    ];
    for buffer in ["1", "5", "4096"] {
        let log = Log::new();
        let prefix = log.prefix();
        let mut command = strace(&["-ff", "-s", "70000", "-o", &prefix], ["et-nonblock"]);
        command.args([
            "--trace",
            "--format",
            "json",
            "--clients",
            "1",
            "--buffer",
            buffer,
        ]);
        for message in messages {
            command.arg("--message").arg(OsStr::from_bytes(message));
        }
        let lines = run(&mut command).ok().json();
        let threads = log.threads();
        for (call, syscall) in [("recv", "recvfrom"), ("send", "sendto")] {
            let traced: Vec<Value> = lines.calls(call).map(said_by_trace).collect();
            let logged = threads
                .iter()
                .flatten()
                .filter(|call| call.syscall == syscall);
            let logged: Vec<Value> = logged.map(said_by_strace).collect();
            assert_eq!(traced, logged, "{call} with a buffer of {buffer}");
            assert!(traced.len() >= messages.len());
        }
    }
}
