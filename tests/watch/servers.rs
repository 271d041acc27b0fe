//! The programs that are watched, and what is watched of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::common::{Lines, Output, epoll_lab, run, skip};

/// Compiled once each, with these definitions.
static COMPILED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());

/// A server of `tests/servers`: `et -DONE_RECV`. `None`: it cannot be built or
/// watched here, which the test has said.
#[track_caller]
pub fn server(spec: &str) -> Option<PathBuf> {
    if !is_there("cc", &["--version"]) {
        skip(spec, "cc is missing");
        return None;
    }
    if !may_trace() {
        skip(spec, "ptrace is forbidden here");
        return None;
    }
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = compiled.get(spec) {
        return Some(path.clone());
    }
    let mut words = spec.split_ascii_whitespace();
    let name = words.next().expect("a name");
    let path = scratch().join(spec.replace(' ', ""));
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Wno-unused", "-pthread", "-o"]);
    cc.arg(&path).args(words).arg(source(&format!("{name}.c")));
    run(&mut cc).ok();
    compiled.insert(spec.into(), path.clone());
    Some(path)
}

/// A file of `tests/servers`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/servers")
        .join(name)
}

/// A directory for this run of the tests.
pub fn scratch() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

/// The command runs.
pub fn is_there(command: &str, args: &[&str]) -> bool {
    Command::new(command).args(args).output().is_ok()
}

/// A program of ours may be traced here.
pub fn may_trace() -> bool {
    let output = run(&mut epoll_lab(["watch", "--", "true"]));
    !output.stderr().contains("may not be traced")
}

/// Watches `program` with these flags.
#[track_caller]
pub fn watch(flags: &[&str], program: &[&str]) -> Output {
    let mut args = vec!["watch"];
    args.extend(flags);
    args.push("--");
    args.extend(program);
    run(&mut epoll_lab(args))
}

/// The records of that.
#[track_caller]
pub fn records(flags: &[&str], program: &[&str]) -> Lines {
    let flags = [&["--format", "json", "--stall", "50ms"], flags].concat();
    watch(&flags, program).ok().json()
}

/// The diagnosis of one act.
#[track_caller]
pub fn diagnosis(act: &str, program: &[&str]) -> Value {
    let lines = records(&["--acts", act], program);
    let mut found = lines.of("diagnosis");
    let diagnosis = found.next().expect("a diagnosis").clone();
    assert_eq!(diagnosis["act"], act);
    assert!(found.next().is_none(), "one for each act");
    diagnosis
}
