//! Whoever is watched is as it would have been: stopped or not, and let go
//! whatever has become of the watcher's output.

use std::io::{ErrorKind, Read, Write};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, prlimit};

use crate::common::epoll_lab;
use crate::running::{Running, Watcher, until};
use crate::servers::server;

/// Twenty looks in a row find it stopped.
fn is_stopped(server: &Running) -> bool {
    (0..20).all(|_| {
        sleep(Duration::from_millis(2));
        !matches!(server.state(), 'S')
    })
}

#[test]
fn a_stopped_program_stays_stopped() {
    let Some(path) = server("iterative") else {
        return;
    };
    let server = Running::start(&path);
    server.signal(Signal::SIGSTOP);
    until("it has stopped", || (server.state() == 'T').then_some(()));
    let watcher = Watcher::attach(&server);
    assert!(is_stopped(&server), "the watcher has woken it");
    watcher.lets_go();
    assert_eq!(server.state(), 'T');
    server.signal(Signal::SIGCONT);
    server.serves();
}

#[test]
fn stop_and_continue_as_ever() {
    for name in ["iterative", "threads"] {
        let Some(path) = server(name) else { return };
        let server = Running::start(&path);
        let watcher = Watcher::attach(&server);
        for _ in 0..3 {
            server.serves();
            server.signal(Signal::SIGSTOP);
            until("it stops", || is_stopped(&server).then_some(()));
            server.signal(Signal::SIGCONT);
            server.serves();
        }
        server.signal(Signal::SIGSTOP);
        until("it stops", || is_stopped(&server).then_some(()));
        watcher.lets_go();
        assert_eq!(server.state(), 'T');
        server.signal(Signal::SIGCONT);
        server.serves();
    }
}

#[test]
fn nothing_is_kept_of_processes_that_have_ended() {
    let Some(path) = server("forking") else {
        return;
    };
    let server = Running::start(&path);
    let watcher = Watcher::attach(&server);
    let tracer = server.tracer();
    let fds = || {
        let fds = std::fs::read_dir(format!("/proc/{tracer}/fd"));
        fds.expect("its fds").count()
    };
    server.serves();
    let before = fds();
    for _ in 0..30 {
        server.serves();
    }
    until("the fds are as many as before", || {
        (fds() <= before).then_some(())
    });
    watcher.lets_go();
    server.serves();
}

/// No fd is left to whoever lets go, and so no child process.
#[test]
fn nothing_is_needed_to_let_go() {
    let Some(path) = server("lt") else { return };
    let server = Running::start(&path);
    let watcher = Watcher::attach(&server);
    let none = Rlimit {
        current: Some(3),
        maximum: Some(3),
    };
    let tracer = rustix::process::Pid::from_raw(server.tracer());
    prlimit(tracer, Resource::Nofile, none).expect("prlimit");
    watcher.lets_go();
    server.serves();
}

/// Standard output is a pipe that nobody reads.
#[test]
fn a_trace_that_nobody_reads() {
    let Some(path) = server("et") else { return };
    let server = Running::start(&path);
    let watcher = epoll_lab(["watch", "--pid", &server.pid()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut watcher = watcher.expect("the watcher starts");
    until("it is traced", || (server.tracer() != 0).then_some(()));
    let mut client = server.connect();
    let limit = Some(Duration::from_millis(200));
    client.set_read_timeout(limit).expect("SO_RCVTIMEO");
    let mut echoes = 0;
    'stopped: while echoes < 20_000 {
        client.write_all(b"ping").expect("send");
        while let Err(error) = client.read_exact(&mut [0; 4]) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            if is_stopped(&server) {
                break 'stopped;
            }
        }
        echoes += 1;
    }
    assert!(echoes < 20_000, "what nobody reads is kept without bound");
    kill(Pid::from_raw(watcher.id() as i32), Signal::SIGINT).expect("kill");
    let status = until("Ctrl-C is heard", || watcher.try_wait().expect("wait"));
    assert_eq!(status.code(), Some(130));
    assert_eq!(server.tracer(), 0);
    let mut told = String::new();
    let mut stderr = watcher.stderr.take().expect("piped");
    stderr.read_to_string(&mut told).expect("UTF-8");
    assert!(told.contains("was let go"), "{told}");
    server.serves();
}

/// There is no listener that its fds could be named by.
#[test]
fn a_program_that_does_not_listen() {
    let Some(path) = server("odd") else { return };
    let server = Running::silent(&[&path.to_string_lossy(), "pipe"]);
    until("it is at work", || {
        (server.calls().split(' ').count() > 1).then_some(())
    });
    let watcher = Watcher::attach(&server);
    watcher.says("epoll_wait(3) = 1");
    watcher.lets_go();
}
