//! The output of every command, byte for byte, as it was before the source
//! was put in order: `tests/pinned.txt` has the exit status and a hash of
//! standard output for each command line.
//!
//! `PINNED=write cargo test --test pinned` writes the file anew.

mod common;

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use common::epoll_lab;

const SERVERS: [&str; 8] = [
    "blocking",
    "lt",
    "et-blocking",
    "et-nonblock",
    "et-blocking --read once",
    "lt --read drain --socket nonblocking --clients 3",
    "et-nonblock --read once --message HELLOworld123 --message again",
    "lt --buffer 16 --clients 12 --message --hi",
];

const SHOWN: [&str; 7] = [
    "",
    "--trace",
    "--format json",
    "--trace --format json",
    "--trace --ascii",
    "--trace --color always",
    "--predict 3,4",
];

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |line: String| lines.push(line.trim().to_string());
    for server in SERVERS {
        for shown in SHOWN {
            add(format!("{server} --stall 0s {shown}"));
        }
        add(format!("{server} --stall 0s --predict 2,no --trace"));
        add(format!("{server} --stall 0s --predict 2,no --format json"));
    }
    for shown in SHOWN.iter().take(6) {
        add(format!("select-poll-compare --only servers {shown}"));
        add(format!(
            "select-poll-compare --only servers --clients 2 --message a --message b {shown}"
        ));
        add(format!("matrix {shown}"));
        add(format!("matrix --buffer 1024 --message hello {shown}"));
        add(format!("write-events {shown}"));
        add(format!("write-events --trigger et --waits 10 {shown}"));
        add(format!("claims et-once {shown}"));
        add(format!("claims et-once herd oneshot {shown}"));
        add(format!("claims --list {shown}"));
    }
    for line in [
        "matrix --predict 4,2",
        "matrix --predict 4,2 --format json",
        "write-events --predict 3,1",
        "write-events --trigger lt --predict 3,1 --trace",
        "write-events --predict 3,1 --format json",
        "claims et-once --predict 3,c",
        "claims et-once --predict 3,c --format json",
        "claims eof --predict true",
        "claims",
        "claims --trace",
        "claims --trace --format json",
        "lt --predict nonsense",
        "lt --buffer 0",
        "nothing",
        "",
        "-h",
        "--help",
        "lt -h",
        "lt --help",
        "et-nonblock --help",
        "select-poll-compare --help",
        "matrix --help",
        "write-events --help",
        "claims --help",
        "man",
        "man lt",
        "man select-poll-compare",
        "completions bash",
        "completions zsh",
        "completions fish",
    ] {
        add(line.to_string());
    }
    lines
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn every_command_prints_what_it_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pinned.txt");
    let mut now = String::new();
    for line in lines() {
        let args: Vec<&str> = line.split_whitespace().collect();
        let output = epoll_lab(args).output().expect("epoll-lab runs");
        let (out, err) = (hash(&output.stdout), hash(&output.stderr));
        let status = output.status.code().unwrap_or(-1);
        let _ = writeln!(now, "{status} {out:016x} {err:016x} {line}");
    }
    if std::env::var_os("PINNED").is_some_and(|value| value == "write") {
        std::fs::write(path, &now).expect("pinned.txt is written");
        return;
    }
    let pinned = std::fs::read_to_string(path).expect("pinned.txt is there");
    let differ: Vec<(&str, &str)> = pinned
        .lines()
        .zip(now.lines())
        .filter(|(a, b)| a != b)
        .collect();
    assert_eq!(pinned.lines().count(), now.lines().count());
    assert!(differ.is_empty(), "{differ:#?}");
}
