//! A client that does not read, a trace that does not end, and more clients
//! than fds: none of them costs the server more than it has.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use crate::common::listening::{Listening, echo, hang_up, send_until_full};
use crate::common::{lab, number, shell};
use serde_json::{Value, json};

/// What a server may grow by, in KiB, whatever its clients do.
const GROWTH: u64 = 16 * 1024;

/// Bytes of which each says where it belongs.
fn numbered(length: usize) -> Vec<u8> {
    let numbers = (0..).flat_map(|n: u32| format!("{n:07} ").into_bytes());
    numbers.take(length).collect()
}

/// More than any server takes from a client that reads nothing. Made once: it
/// takes seconds.
static MEGABYTES: LazyLock<Vec<u8>> = LazyLock::new(|| numbered(64 << 20));

#[track_caller]
fn listen(line: &str) -> Listening {
    Listening::start(&mut lab(&format!("{line} --listen 127.0.0.1:0")))
}

/// Sends megabytes and reads nothing; the server goes on serving others, does
/// not grow, and in the end every byte comes back.
#[track_caller]
fn greedy(line: &str) -> String {
    let server = listen(line);
    server.answers();
    let before = server.memory();

    let data = &*MEGABYTES;
    let mut greedy = server.connect();
    let sent = send_until_full(&mut greedy, data);
    assert!(sent > 1 << 20, "{line}: megabytes: {sent}");
    assert!(sent < data.len(), "{line}: the server has stopped reading");
    for _ in 0..3 {
        server.answers();
    }
    let after = server.memory();
    assert!(
        after < before + GROWTH,
        "{line}: {before} KiB before, {after} KiB after"
    );

    // All that it has sent and a little more, while it reads at last.
    let rest = data[sent..sent + 100_000].to_vec();
    let mut writer = greedy.try_clone().expect("dup");
    let writer = thread::spawn(move || {
        writer.write_all(&rest).expect("send the rest");
        writer.shutdown(Shutdown::Write).expect("shutdown");
    });
    let mut back = Vec::new();
    greedy.read_to_end(&mut back).expect("receive");
    writer.join().expect("the writer");
    assert_eq!(back.len(), sent + 100_000, "{line}: every byte comes back");
    assert!(back == data[..back.len()], "{line}: the right ones");
    server.answers();
    let output = server.interrupt();
    assert!(!output.stderr().contains("panicked"), "{}", output.told());
    output.stdout()
}

#[test]
fn a_client_that_never_reads() {
    for line in [
        "lt --buffer 65536",
        "et-nonblock --buffer 65536",
        "lt --buffer 4096 --read drain --socket nonblocking",
        "et-nonblock --buffer 1000",
        // Its hang-up finds the connection held up, or drained, or neither.
        "lt --buffer 10007 --socket nonblocking",
    ] {
        greedy(line);
    }
}

/// What send did not take waits for EPOLLOUT, and the trace shows it.
#[test]
fn back_pressure_shows_in_the_trace() {
    for (mode, edge) in [("lt", false), ("et-nonblock", true)] {
        let stdout = greedy(&format!("{mode} --trace --format json --buffer 65536"));
        // Only these are read: the others hold megabytes.
        let lines = stdout.lines();
        let mods: Vec<Value> = lines
            .filter(|line| line.contains("\"epoll_ctl\"") && line.contains("\"MOD\""))
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let flags = |first: &str| match edge {
            true => json!([first, "EPOLLET"]),
            false => json!([first]),
        };
        assert!(mods.len() >= 2, "{mode}: {mods:?}");
        for pair in mods.chunks(2) {
            assert_eq!(pair[0]["interest"], flags("EPOLLOUT"), "{mode}: held up");
            assert_eq!(
                pair[1]["interest"],
                flags("EPOLLIN"),
                "{mode}: and on again"
            );
            assert_eq!(pair[0]["name"], pair[1]["name"]);
        }
        assert!(
            stdout.contains("\"events\":[\"EPOLLOUT\"]"),
            "{mode}: reported as well"
        );
    }
}

/// Without multiplexing the whole server waits in send; it does not grow.
#[test]
fn a_client_that_never_reads_stops_the_blocking_server() {
    let server = listen("blocking --buffer 65536");
    server.answers();
    let before = server.memory();
    let data = &*MEGABYTES;
    let mut greedy = server.connect();
    let sent = send_until_full(&mut greedy, data);
    assert!(sent < data.len());
    let after = server.memory();
    assert!(
        after < before + GROWTH,
        "{before} KiB before, {after} KiB after"
    );
    greedy.shutdown(Shutdown::Write).expect("shutdown");
    let mut back = Vec::new();
    greedy.read_to_end(&mut back).expect("receive");
    assert_eq!(back.len(), sent);
    assert!(back == data[..sent]);
    server.answers();
    server.interrupt();
}

/// Some 100,000 traced calls, and 16 MB in large pieces: counters are kept,
/// records are not.
#[test]
fn a_long_trace_takes_no_memory() {
    for (options, message, rounds) in [("--buffer 5", 1000, 250), ("--buffer 65536", 32768, 500)] {
        for format in ["text", "json"] {
            let server = listen(&format!("et-nonblock --trace --format {format} {options}"));
            let data = numbered(message);
            let mut client = server.connect();
            let mut exchange = |rounds| (0..rounds).for_each(|_| echo(&mut client, &data));
            exchange(rounds / 10);
            let before = server.memory();
            exchange(rounds);
            let after = server.memory();
            assert!(
                after < before + GROWTH,
                "{options} {format}: {before} KiB, then {after} KiB"
            );
            let stdout = server.interrupt().stdout();
            let bytes = message * (rounds + rounds / 10);
            assert!(
                stdout.contains(&format!("{bytes} bytes received")),
                "{options} {format}"
            );
        }
    }
}

/// Nobody reads the trace: the server waits for its reader sooner or later,
/// instead of keeping what is not read.
#[test]
fn a_trace_that_nobody_reads_takes_no_memory() {
    let line = "et-nonblock --trace --format json --buffer 65536 --listen 127.0.0.1:0";
    let server = Listening::start_unread(&mut lab(line));
    let before = server.memory();
    let mut client = server.connect();
    let mut reader = client.try_clone().expect("dup");
    thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    let sent = send_until_full(&mut client, &vec![b'x'; 256 << 20]);
    let after = server.memory();
    assert!(sent > 1 << 20, "{sent}");
    assert!(
        after < before + 4 * GROWTH,
        "{before} KiB before, {after} KiB after {sent} bytes"
    );
}

/// More clients than fds: those that have one are served, the others wait in
/// the backlog, and no fd is no reason to spin.
#[test]
fn more_clients_than_fds() {
    for mode in ["lt", "et-nonblock"] {
        let line = format!(
            "ulimit -n 16; exec \"$LAB\" {mode} --trace --timing --format json --listen 127.0.0.1:0"
        );
        let server = Listening::start(&mut shell(&line));
        let mut served = server.connect();
        echo(&mut served, b"first");
        let crowd: Vec<_> = (0..20).map(|_| server.connect()).collect();
        server.shows("\"EMFILE\"");
        echo(&mut served, b"still here");
        thread::sleep(Duration::from_millis(500));
        echo(&mut served, b"and now");
        // One leaves, and so makes room for the first of those who wait.
        hang_up(served);
        for mut next in crowd {
            echo(&mut next, b"at last");
            hang_up(next);
        }
        let mut last = server.connect();
        echo(&mut last, b"the last");
        server.shows("the l");
        let lines = server.interrupt().json();
        let failed = lines
            .calls("accept4")
            .filter(|call| call["errno"] == "EMFILE");
        let starts: Vec<u64> = failed.map(|call| number(call, "start_ns")).collect();
        assert!(starts.len() > 2, "{mode}: {starts:?}");
        for pair in starts.windows(2) {
            assert!(
                pair[1] - pair[0] >= 10_000_000,
                "{mode}: at most 100 a second: {starts:?}"
            );
        }
        assert_eq!(lines.summary()["faults"]["EMFILE"], starts.len(), "{mode}");
    }
}
