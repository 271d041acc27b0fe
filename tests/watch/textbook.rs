//! Lesson 13: the textbook's two servers, as its reader makes them, put to the
//! faults that it speaks of.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::common::{run, skip};
use crate::servers::{diagnosis, is_there, may_trace, records, scratch};

/// The command lines of the lesson that compile `lt-print`, `et-print` and
/// `et-asan`.
const LESSON: &str = include_str!("../../lessons/13-the-textbook-tried.md");

/// Two tests that need one program do not compile it into one another's hands.
static COMPILER: Mutex<()> = Mutex::new(());

/// Runs the lesson's line that makes `built`, for the server `name`; where the
/// program stands then. `None`: not here, which the test has said.
#[track_caller]
pub fn build(built: &str, name: &str) -> Option<String> {
    if !is_there("cc", &["--version"]) || !is_there("sed", &["--version"]) {
        skip(name, "cc or sed is missing");
        return None;
    }
    if !may_trace() {
        skip(name, "ptrace is forbidden here");
        return None;
    }
    let made = format!("-o lessons/c/{built} -");
    let mut lines = LESSON.lines().filter_map(|line| line.strip_prefix("$ "));
    let line = lines.find(|line| line.ends_with(&made)).expect("a line");
    let program = scratch().join(format!("{built}-{name}"));
    let program = program.to_str().expect("a path").to_string();
    let _one_at_a_time = COMPILER.lock().unwrap_or_else(PoisonError::into_inner);
    if Path::new(&program).exists() {
        return Some(program);
    }
    let source = format!("lessons/c/{name}.c");
    let line = line.replace("lessons/c/et.c", &source);
    let line = line.replace("lessons/c/lt.c", &source);
    let line = line.replace(&format!("lessons/c/{built}"), &program);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(&line);
    shell.current_dir(env!("CARGO_MANIFEST_DIR"));
    let made = run(&mut shell);
    if line.contains("-fsanitize") && !Path::new(&program).exists() {
        skip(name, "cc has no -fsanitize=address");
        return None;
    }
    made.ok();
    Some(program)
}

#[track_caller]
fn word(act: &str, program: &[&str]) -> String {
    let diagnosis = diagnosis(act, &[program, &["9999"]].concat());
    diagnosis["verdict"].as_str().expect("a word").to_string()
}

#[test]
fn a_reset_and_a_slow_reader() {
    let (Some(lt), Some(et)) = (build("lt-print", "lt"), build("et-print", "et")) else {
        return;
    };
    assert_eq!(word("reset", &[&lt]), "OK");
    assert_eq!(word("slow", &[&lt]), "STUCK FOR A SLOW READER");
    assert_eq!(word("reset", &[&et]), "DIES OF A RESET");
    assert_eq!(word("slow", &[&et]), "LOST");
}

#[test]
fn a_full_stdout_and_no_fd_left() {
    for (built, name) in [("lt-print", "lt"), ("et-print", "et")] {
        let Some(program) = build(built, name) else {
            return;
        };
        let shell = |line: &str| {
            let line = line.replace("SERVER", &program);
            word("basic", &["sh", "-c", &line, "sh"])
        };
        assert_eq!(shell("exec SERVER $1 > /dev/full"), "OK");
        assert_eq!(shell("ulimit -n 6; exec SERVER $1"), "BUSY");
    }
}

/// Bytes of B's line are A's: `read` ends nothing with a 0.
#[test]
fn the_line_of_the_client_before() {
    let Some(lt) = build("lt-print", "lt") else {
        return;
    };
    let all = records(&["--acts", "basic", "--trace"], &[&lt, "9999"]);
    let text = format!("{:?}", all.of("call").collect::<Vec<&Value>>());
    assert!(text.contains("pingOworld123"), "{text}");
}

#[test]
fn a_message_as_long_as_the_buffer() {
    let (Some(et), Some(lt)) = (build("et-asan", "et"), build("et-asan", "lt")) else {
        return;
    };
    let full = "x".repeat(1024);
    let almost = "x".repeat(1023);
    for (program, message, wanted) in [
        (&et, "HELL", "OK"),
        (&et, "HELLO", "EXITS"),
        (&lt, &almost, "OK"),
        (&lt, &full, "EXITS"),
    ] {
        let flags = ["--acts", "basic", "--message", message];
        let all = records(&flags, &[program, "9999"]);
        let found = all.of("diagnosis").next().expect("a diagnosis");
        assert_eq!(found["verdict"], wanted, "{} bytes: {found}", message.len());
    }
}
