//! Servers in other languages, and programs that everybody runs.

use std::fs;
use std::process::Command;

use crate::common::{run, skip};
use crate::servers::{is_there, may_trace, records, scratch, source, watch};

/// The verdict of each act, and the trigger of the first client.
#[track_caller]
fn verdicts(flags: &[&str], program: &[&str]) -> Vec<(String, String)> {
    let lines = records(flags, program);
    lines
        .of("diagnosis")
        .map(|line| {
            let word = |key: &str| line[key].as_str().expect("a word").to_string();
            (word("act"), word("verdict"))
        })
        .collect()
}

#[track_caller]
pub fn present(command: &str, version: &str) -> bool {
    let there = is_there(command, &[version]);
    let missing = if there {
        "ptrace is forbidden"
    } else {
        "it is missing"
    };
    let usable = there && may_trace();
    if !usable {
        skip(command, missing);
    }
    usable
}

#[track_caller]
fn all(verdicts: &[(String, String)], expected: &[(&str, &str)]) {
    let found: Vec<(&str, &str)> = verdicts.iter().map(|(a, v)| (&**a, &**v)).collect();
    assert_eq!(found, expected);
}

const WELL: [(&str, &str); 5] = [
    ("basic", "OK"),
    ("burst", "OK"),
    ("reset", "OK"),
    ("slow", "OK"),
    ("leave", "OK"),
];

#[test]
fn python_selectors() {
    if present("python3", "--version") {
        let file = source("echo_selectors.py");
        let found = verdicts(&[], &["python3", &file.to_string_lossy()]);
        // What it does not catch ends it.
        let expected = [
            ("basic", "OK"),
            ("burst", "OK"),
            ("reset", "DIES OF A RESET"),
            ("slow", "DIES OF A SLOW READER"),
            ("leave", "OK"),
        ];
        all(&found, &expected);
    }
}

/// Its runtime has threads that take turns at one epoll instance.
#[test]
fn go() {
    if !present("go", "version") {
        return;
    }
    let built = scratch().join("echo-go");
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(&built);
    // A test needs no home directory, and no network.
    build.env("GOCACHE", scratch().join("go-cache"));
    build.env("GOFLAGS", "-mod=mod").env("GO111MODULE", "off");
    run(build.arg(source("echo.go"))).ok();
    let program = [&*built.to_string_lossy(), "9999"];
    all(&verdicts(&[], &program), &WELL);
    // One thread may make all the calls of a run, which is the scheduler's
    // choice too.
    let has_several = (0..20).any(|_| {
        let output = watch(&["--acts", "basic"], &program).ok();
        output.stdout().contains("scheduler's choice")
    });
    assert!(has_several, "twenty runs, and one thread in each");
}

#[test]
fn python_asyncio() {
    if present("python3", "--version") {
        let file = source("echo_asyncio.py");
        all(&verdicts(&[], &["python3", &file.to_string_lossy()]), &WELL);
    }
}

#[test]
fn node() {
    if present("node", "--version") {
        let file = source("echo.js");
        all(&verdicts(&[], &["node", &file.to_string_lossy()]), &WELL);
    }
}

#[test]
fn redis() {
    if present("redis-server", "--version") {
        let directory = scratch();
        let directory = directory.to_string_lossy();
        let flags = [
            "--answer",
            "any",
            "--message",
            r"PING\r\n",
            "--acts",
            "basic,burst,reset",
        ];
        let program = [
            "redis-server",
            "--port",
            "7101",
            "--save",
            "",
            "--dir",
            &*directory,
        ];
        all(&verdicts(&flags, &program), &WELL[..3]);
    }
}

#[test]
fn memcached() {
    if present("memcached", "--version") {
        let flags = [
            "--answer",
            "any",
            "--message",
            r"version\r\n",
            "--acts",
            "basic,burst,reset",
        ];
        let program = ["memcached", "-u", "root", "-p", "7102", "-U", "0"];
        all(&verdicts(&flags, &program), &WELL[..3]);
    }
}

#[test]
fn nginx() {
    if !present("nginx", "-v") {
        return;
    }
    let file = nginx_conf("nginx", "7103");
    let message = r"GET / HTTP/1.0\r\n\r\n";
    let flags = [
        "--answer",
        "any",
        "--message",
        message,
        "--acts",
        "basic,burst,reset",
    ];
    let found = verdicts(&flags, &["nginx", "-c", &file]);
    all(&found, &WELL[..3]);
}

/// A configuration for one worker that stays in the foreground.
pub fn nginx_conf(directory: &str, port: &str) -> String {
    let directory = scratch().join(directory);
    fs::create_dir_all(&directory).expect("a directory");
    let at = directory.display();
    let conf = format!(
        "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; client_body_temp_path {at}/1; proxy_temp_path {at}/2;\n\
         fastcgi_temp_path {at}/3; uwsgi_temp_path {at}/4; scgi_temp_path {at}/5;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }} }}\n"
    );
    let file = directory.join("conf");
    fs::write(&file, conf).expect("a configuration");
    file.to_string_lossy().into_owned()
}
