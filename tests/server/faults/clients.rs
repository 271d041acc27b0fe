//! What the clients see of a fault: bytes that they never sent, and a server
//! that has closed its end.

use serde_json::Value;

use super::inject;
use crate::common::strace::{Log, is_there, strace};
use crate::common::{Lines, number, run};

/// A server that echoes what was never sent, and more than was sent: the client
/// tells, and nothing breaks.
#[test]
fn bytes_that_nobody_sent_are_told() {
    if !is_there("bytes that nobody sent") {
        return;
    }
    let inject = "inject=recvfrom:retval=5:when=1";
    let options = ["-o", "/dev/null", "-e", "trace=recvfrom", "-e", inject];
    for mode in ["lt", "et-nonblock"] {
        let args = [mode, "--trace", "--format", "json", "--clients", "1"];
        let output = run(&mut strace(&options, args));
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let lines = output.json();
        let summary = lines.summary();
        assert_eq!(summary["echo_intact"], false, "{summary}");
        assert_eq!(summary["totals"]["echoed"], 18, "{summary}");
    }
}

/// A client that the server has refused writes all the same, and nothing comes
/// back: that is no success.
#[test]
fn a_refused_client_has_no_answer() {
    if !is_there("a_refused_client_has_no_answer") {
        return;
    }
    // The listener is the first ADD, A the second, B the third.
    let options = ["--trace", "--format", "json"];
    let lines = inject("et-nonblock", "epoll_ctl", "ENOSPC:when=3", &options)
        .ok()
        .json();
    let b = &lines.summary()["clients"][1];
    assert_eq!(number(b, "sent"), 4);
    assert_eq!(b["answered"], "never");
    let verdict = lines.summary()["verdict"].as_str().unwrap().to_string();
    assert!(verdict.starts_with("INCOMPLETE"), "{verdict}");
}

/// The steps of B, whom the server has refused.
fn steps<'a>(lines: &'a Lines, action: &str) -> Vec<&'a Value> {
    let steps = lines.of("client").filter(|step| step["client"] == "B");
    steps.filter(|step| step["action"] == action).collect()
}

/// A second message finds the connection gone: its client tells, and the run
/// goes on without it.
#[test]
fn a_refused_client_cannot_send_twice() {
    if !is_there("a_refused_client_cannot_send_twice") {
        return;
    }
    let options = ["--message", "hi", "--message", "you"];
    let records = [&options[..], &["--trace", "--format", "json"]].concat();
    for mode in ["lt", "et-nonblock"] {
        let lines = inject(mode, "epoll_ctl", "ENOSPC:when=3", &records)
            .ok()
            .json();
        let sends = steps(&lines, "send");
        let errnos: Vec<&Value> = sends.iter().map(|step| &step["errno"]).collect();
        assert_eq!(errnos, [&Value::Null, &"EPIPE".into()], "{mode}");
        let summary = lines.summary();
        assert_eq!(summary["faults"], serde_json::json!({ "ENOSPC": 1 }));
        let clients = summary["clients"].as_array().unwrap();
        let answered: Vec<&Value> = clients.iter().map(|client| &client["answered"]).collect();
        assert_eq!(answered, ["at once", "never", "at once"], "{mode}");
    }
}

/// What the trace says of a client strace says too, though the server has
/// closed its end: each message is written, and each hang-up is a shutdown.
#[test]
fn a_step_of_a_refused_client_is_a_call() {
    if !is_there("a_step_of_a_refused_client_is_a_call") {
        return;
    }
    let log = Log::new();
    let prefix = log.prefix();
    let trace = "trace=epoll_ctl,write,shutdown";
    let fault = "inject=epoll_ctl:error=ENOSPC:when=3";
    let options = ["-ff", "-o", &prefix, "-e", trace, "-e", fault];
    let args = ["et-nonblock", "--trace", "--format", "json"];
    let lines = run(&mut strace(&options, args)).ok().json();
    let calls = log.threads().concat();
    // The clients' own fds stand at 200 and above.
    let written = calls.iter().filter(|call| call.syscall == "write");
    let written = written.filter(|call| call.int(0) >= 200);
    let hung_up = calls.iter().filter(|call| call.syscall == "shutdown");
    let hung_up = hung_up.filter(|call| call.args[1] == "SHUT_WR");
    let told = |action: &str| {
        let steps = lines.of("client");
        steps.filter(|step| step["action"] == action).count()
    };
    assert_eq!((told("send"), told("shutdown")), (2, 2));
    assert_eq!(written.count(), told("send"));
    assert_eq!(hung_up.count(), told("shutdown"));
}
