//! An experiment that is disturbed, or that cannot have what it needs, decides
//! nothing: `not tried`, with the reason, and never a panic.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::strace::Log;
use crate::common::{Output, epoll_lab, program, run, shell, skip, strace};

/// What `claims` with these ids says of each, under strace with `options`.
#[track_caller]
fn under_strace(options: &[&str], ids: &[&str]) -> Output {
    let quiet = [options, &["-o", "/dev/null"]].concat();
    let args = [&["claims"], ids].concat();
    let output = run(&mut strace::strace(&quiet, args)).ok();
    assert_eq!(output.stderr(), "", "{}", output.told());
    output
}

/// Every one of them is not tried, for this reason.
#[track_caller]
fn not_tried(output: &Output, claims: usize, reason: &str) {
    let told = output.stdout();
    assert!(told.contains(&format!("{claims} not tried")), "{told}");
    assert_eq!(told.matches(reason).count(), claims, "{told}");
}

#[test]
fn no_thread_can_be_started() {
    if !strace::is_there("claims without threads") {
        return;
    }
    // glibc asks clone3, and clone where there is none.
    let inject = [
        "-e",
        "trace=clone3,clone",
        "-e",
        "inject=clone3,clone:error=EAGAIN",
    ];
    let ids = ["herd", "exclusive-balance", "et-needs-nonblock"];
    let output = under_strace(&inject, &ids);
    not_tried(&output, ids.len(), "    pthread_create: EAGAIN (");
}

/// The claim is not tried for this reason, and each thread that it has
/// started has come to its end: none was still asleep when the process ended.
#[track_caller]
fn nobody_sleeps_on(inject: &str, id: &str, reason: &str) {
    let log = Log::new();
    let prefix = log.prefix();
    let inject = format!("inject={inject}");
    let (call, _) = inject["inject=".len()..].split_once(':').expect("a call");
    let trace = format!("trace={call},exit");
    let options = ["-ff", "-o", &prefix, "-e", &trace, "-e", &inject];
    let mut command = strace::strace(&options, ["claims", id]);
    let told = run(&mut command).ok().stdout();
    assert!(told.contains("=> NOT TRIED: "), "{told}");
    assert!(told.contains(reason), "{told}");
    let threads = log.threads();
    let asleep = threads.iter().filter(|calls| {
        let end = calls.last().map(|call| call.syscall.as_str());
        end != Some("exit")
    });
    // The first thread ends with all the others, by exit_group.
    assert!(threads.len() > 1, "no thread was started");
    assert_eq!(asleep.count(), 1, "{id}, {inject}: of {}", threads.len());
}

#[test]
fn an_error_midway_leaves_no_thread_asleep() {
    if !strace::is_there("claims that fail midway") {
        return;
    }
    // Two sleep already, in a crew of eight.
    let refused = "clone3,clone:error=EAGAIN:when=9+";
    nobody_sleeps_on(refused, "shared-epoll", "pthread_create: EAGAIN (");
    // One sleeps in recv; one in epoll_wait; one will write when the other
    // sleeps; one is in the midst of its loop.
    let shutdown = "shutdown:error=ENOBUFS:when=1";
    nobody_sleeps_on(shutdown, "close-wakes", "shutdown: ENOBUFS (");
    nobody_sleeps_on(shutdown, "et-needs-nonblock", "shutdown: ENOBUFS (");
}

#[test]
fn no_memory_is_no_answer() {
    if !strace::is_there("claims without memory") {
        return;
    }
    // The fourth recv is one of those that drain A.
    let inject = [
        "-e",
        "trace=recvfrom",
        "-e",
        "inject=recvfrom:error=ENOMEM:when=4",
    ];
    let output = under_strace(&inject, &["drain-starves", "drain-starves"]);
    let told = output.stdout();
    assert_eq!(told.matches("    recv: ENOMEM (").count(), 1, "{told}");
    // The fault is over: the second time it is tried.
    assert_eq!(told.matches("depends   ").count(), 1, "{told}");

    let inject = [
        "-e",
        "trace=epoll_ctl",
        "-e",
        "inject=epoll_ctl:error=ENOMEM",
    ];
    let output = under_strace(&inject, &["ctl-errors", "mask-zero"]);
    not_tried(&output, 2, "    epoll_ctl(ADD, ");
}

#[test]
fn a_tracer_spoils_what_is_timed() {
    if !strace::is_there("claims that are timed") {
        return;
    }
    let ids = [
        "wait-timeout",
        "tree-cost",
        "select-linear",
        "poll-linear",
        "epoll-flat",
        "epoll-always-wins",
    ];
    let output = under_strace(&["-e", "trace=none"], &ids);
    not_tried(&output, ids.len(), "    a tracer stops this program");
    // Two have a child whose call they change: it has a tracer already.
    let output = under_strace(&["-e", "trace=none"], &["create-zero", "efault-keeps"]);
    not_tried(&output, 2, "    ptrace(TRACEME): EPERM (");
}

#[test]
fn a_full_queue_ends_a_connect() {
    let private = Command::new("unshare")
        .args(["-rn", "ip", "link", "set", "lo", "up"])
        .stderr(Stdio::null())
        .status();
    if !private.is_ok_and(|status| status.success()) {
        return skip(
            "a listener's queue for one",
            "no private network: unshare -rn",
        );
    }
    // Three clients wait for accept, and there is room for two.
    let script = "ip link set lo up && echo 1 > /proc/sys/net/core/somaxconn && \
                  exec \"$LAB\" claims et-listener";
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", script]);
    let told = run(command.env("LAB", program())).ok().stdout();
    assert!(
        told.contains("\n=> NOT TRIED: connect: ETIMEDOUT ("),
        "{told}"
    );
    assert!(told.contains("net.core.somaxconn"), "{told}");
}

#[test]
fn a_child_whose_parent_is_gone_ends() {
    // Process 1 has not started it: as good as a parent that died before the
    // child could ask for a signal at its death.
    let mut child = epoll_lab(["claims-child", "wait", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    let ended = loop {
        match child.try_wait().expect("the child's status") {
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            ended => break ended,
        }
    };
    child.kill().expect("kill, if it sleeps");
    let output = child.wait_with_output().expect("the child's end");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(ended.and_then(|status| status.code()), Some(1), "{said}");
    assert!(said.contains("is gone"), "{said}");
}

/// The parent is gone when the child comes to itself: it is no orphan for ever.
#[test]
fn nobody_outlives_a_parent_that_is_killed_early() {
    let script = "i=0; while [ $i -lt 20 ]; do
        \"$LAB\" claims wait-errors > /dev/null & p=$!; sleep 0.00$((i % 8)); kill -9 $p
        i=$((i + 1)); done; wait";
    let before = children();
    run(&mut shell(script));
    let deadline = Instant::now() + Duration::from_secs(20);
    while children() > before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(children() <= before, "claims-child sleeps on");
}

/// Processes that an experiment has started and whose parent is gone.
fn children() -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    let orphan = |path: std::path::PathBuf| {
        let read = |name| std::fs::read_to_string(path.join(name)).unwrap_or_default();
        let parent = read("status")
            .lines()
            .find_map(|line| line.strip_prefix("PPid:\t")?.parse::<i32>().ok());
        read("cmdline").contains("\0claims-child\0") && parent == Some(1)
    };
    let paths = processes.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| orphan(path.clone())).count()
}
