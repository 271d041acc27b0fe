//! The records of `watch`, against the table of the README.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::contract::Contract;
use crate::common::listening::Stream;
use crate::common::{Lines, epoll_lab, run};
use crate::running::{Running, echo, until};
use crate::servers::{records, server};

#[test]
fn a_program_that_is_started() {
    let contract = Contract::of_the_readme();
    for (spec, acts) in [
        ("et", "basic,burst,reset,slow,leave"),
        ("et -DNO_NONBLOCK", "basic,slow"),
        ("et -DONE_RECV", "basic,slow"),
        ("busy", "basic"),
        ("threads", "basic"),
    ] {
        let Some(path) = server(spec) else { return };
        let program = path.to_string_lossy();
        for trace in [&[][..], &["--trace"], &["--trace", "--timing"]] {
            let flags = [&["--acts", acts], trace].concat();
            let lines = records(&flags, &[&program]);
            contract.holds(&lines, &format!("{spec} {flags:?}"));
        }
    }
}

#[test]
fn a_picture_of_a_running_program() {
    let Some(path) = server("et") else { return };
    let server = Running::start(&path);
    let _client = server.connect();
    let pid = server.pid();
    let args = ["watch", "--pid", &pid, "--once", "--format", "json"];
    let lines = run(&mut epoll_lab(args)).ok().json();
    Contract::of_the_readme().holds(&lines, "--once");
}

/// What nobody has judged is null, and what was counted is not.
#[test]
fn a_running_program() {
    let Some(path) = server("et") else { return };
    let server = Running::start(&path);
    let _silent = server.connect();
    let mut client = server.connect();
    echo(&mut client, b"before");
    let mut watcher = epoll_lab(["watch", "--pid", &server.pid(), "--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the watcher starts");
    let mut out = Stream::read(watcher.stdout.take().expect("piped"), Vec::new());
    let said = |out: &Stream| String::from_utf8_lossy(&out.so_far()).into_owned();
    // It may be asked before it is followed.
    until("a call is seen", || {
        echo(&mut client, b"HELLO");
        said(&out).contains("\"call\":\"send\"").then_some(())
    });
    kill(Pid::from_raw(watcher.id() as i32), Signal::SIGINT).expect("kill");
    watcher.wait().expect("its end");
    let lines = Lines::parse(&String::from_utf8_lossy(&out.join()));
    Contract::of_the_readme().holds(&lines, "--pid");
    let summary = lines.summary();
    for unknown in ["stranded", "stuck", "echo_intact", "verdict", "end"] {
        assert!(summary[unknown].is_null(), "{unknown} in {summary}");
    }
    let clients = summary["clients"].as_array().expect("clients");
    let silent = clients.iter().find(|client| client["recv"] == 0);
    let silent = silent.expect("the one that says nothing");
    assert!(silent["unread"].is_null(), "nobody has asked: {summary}");
    let other = clients.iter().find(|client| client["recv"] != 0);
    let other = other.expect("the one that speaks");
    assert_eq!(other["unread"], 0);
    assert_eq!(other["echoed"], other["received"]);
    assert_eq!(summary["totals"]["received"], other["received"]);
    assert_eq!(summary["lost_signals"], serde_json::json!([]));
    server.serves();
}
