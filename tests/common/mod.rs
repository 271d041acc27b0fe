//! What the tests share: running the program within a time limit, and reading
//! what it prints.

// Every test is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod case;
pub mod contract;
pub mod links;
pub mod listening;
pub mod markdown;
pub mod picture;
pub mod strace;
pub mod terminal;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once, mpsc};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

/// No run takes anywhere near as long; one that does hangs.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The commands that start a server.
pub const MODES: [&str; 4] = ["blocking", "lt", "et-blocking", "et-nonblock"];

/// What a program left behind.
pub struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The command line, for messages.
    pub command: String,
}

impl Output {
    pub fn stdout(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("stdout is UTF-8")
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Everything there is to say when a test fails.
    pub fn told(&self) -> String {
        format!(
            "{}\n{:?}\nstdout:\n{}\nstderr:\n{}",
            self.command,
            self.status,
            String::from_utf8_lossy(&self.stdout),
            self.stderr(),
        )
    }

    #[track_caller]
    pub fn ok(self) -> Output {
        assert!(self.status.success(), "failed: {}", self.told());
        self
    }

    /// The exit status as a shell sees it.
    pub fn shell_status(&self) -> i32 {
        let signal = || self.status.signal().map_or(-1, |signal| 128 + signal);
        self.status.code().unwrap_or_else(signal)
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json(&self) -> Lines {
        Lines::parse(&self.stdout())
    }
}

/// Ctrl-C ends what the tests start, even where they themselves were started
/// with SIGINT ignored, as shells start what is to run in the background: an
/// ignored signal stays ignored in a child, and one that is caught does not
/// stay caught (execve(2)).
pub fn interruptible() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").expect("/proc/self/status");
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        let sigint = Signal::SIGINT as i32;
        if ignored.expect("a mask of signals") & 1 << (sigint - 1) != 0 {
            let caught = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(sigint, caught).expect("catch SIGINT");
        }
    });
}

/// Takes away what says how things are to be shown. `ps` goes by COLUMNS too.
fn in_a_plain_pipe(command: &mut Command) {
    for variable in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "FORCE_COLOR",
        "COLUMNS",
    ] {
        command.env_remove(variable);
    }
}

/// The program, with the environment of a plain pipe.
pub fn epoll_lab<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    interruptible();
    let mut command = Command::new(env!("CARGO_BIN_EXE_epoll-lab"));
    command.args(args);
    in_a_plain_pipe(&mut command);
    command
}

/// The path of the program, for a shell.
pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_epoll-lab")
}

/// The program with `line` split at blanks: no argument here holds one.
pub fn lab(line: &str) -> Command {
    epoll_lab(line.split_ascii_whitespace())
}

/// A shell that runs `script`, in which `$LAB` is the program.
pub fn shell(script: &str) -> Command {
    interruptible();
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("LAB", program());
    in_a_plain_pipe(&mut command);
    command
}

/// Runs `command` to its end, with nothing on standard input.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    run_with(command, b"")
}

/// Runs `command` to its end, with `input` on standard input. A program that
/// does not end fails the test, and does not outlive it.
#[track_caller]
pub fn run_with(command: &mut Command, input: &[u8]) -> Output {
    run_within(LIMIT, command, input)
}

/// The same within another limit.
#[track_caller]
pub fn run_within(limit: Duration, command: &mut Command, input: &[u8]) -> Output {
    let told = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: under strace there are two processes to end.
        .process_group(0)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {told}: {e}"));
    // A program that takes no input may be gone already.
    let _ = child.stdin.take().expect("piped").write_all(input);

    let group = Pid::from_raw(child.id() as i32);
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let stderr = thread::spawn(move || read_all(&mut err));
        let stdout = read_all(&mut out);
        let stderr = stderr.join().expect("the reader of stderr");
        let status = child.wait().expect("wait for the program");
        let _ = sender.send((status, stdout, stderr));
    });
    match ended.recv_timeout(limit) {
        Ok((status, stdout, stderr)) => Output {
            status,
            stdout,
            stderr,
            command: told,
        },
        Err(_) => {
            let _ = killpg(group, Signal::SIGKILL);
            let left = ended.recv().map(|(_, stdout, stderr)| {
                let stdout = String::from_utf8_lossy(&stdout).into_owned();
                (stdout, String::from_utf8_lossy(&stderr).into_owned())
            });
            panic!("hangs: {told}\n{left:#?}");
        }
    }
}

fn read_all(from: impl Read) -> Vec<u8> {
    // More is no output but a loop: it waits in its pipe for the time limit.
    const MOST: u64 = 1 << 26;
    let mut bytes = Vec::new();
    let mut from = from.take(MOST);
    from.read_to_end(&mut bytes).expect("read from a pipe");
    bytes
}

/// The records of `--format json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines(pub Vec<Value>);

impl Lines {
    #[track_caller]
    pub fn parse(text: &str) -> Lines {
        let lines = text.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}"))
        });
        Lines(lines.collect())
    }

    /// The records of one type.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |line| line["type"] == kind)
    }

    /// The traced calls of one name.
    pub fn calls<'a>(&'a self, call: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of("call").filter(move |line| line["call"] == call)
    }

    #[track_caller]
    pub fn summary(&self) -> &Value {
        let mut summaries = self.of("summary");
        let summary = summaries.next().expect("there is a summary");
        assert!(summaries.next().is_none(), "there is one summary");
        summary
    }
}

/// What the program prints; it must succeed, and complain of nothing.
#[track_caller]
pub fn stdout(args: &[&str]) -> String {
    let output = run(&mut epoll_lab(args)).ok();
    assert!(output.stderr.is_empty(), "{}", output.told());
    output.stdout()
}

/// Runs a server command with `--format json`; the records.
#[track_caller]
pub fn records(line: &str) -> Lines {
    run(lab(line).args(["--format", "json"])).ok().json()
}

/// A number of a record.
#[track_caller]
pub fn number(record: &Value, key: &str) -> u64 {
    record[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {key} in {record}"))
}

/// Says that a test has tried nothing, where everybody can see it: the test
/// harness captures what `println!` prints, and nothing else.
///
/// Where `EPOLL_LAB_SKIP_NOTHING` is set, that is a failure.
#[track_caller]
pub fn skip(what: &str, why: &str) {
    let all = std::env::var_os("EPOLL_LAB_SKIP_NOTHING");
    assert!(all.is_none(), "{what} would be skipped: {why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}

/// The columns of a screen.
const SCREEN: usize = 80;

/// No line is wider than a screen.
#[track_caller]
pub fn narrow(text: &str) {
    for line in text.lines() {
        let columns = line.chars().count();
        assert!(columns <= SCREEN, "{columns} columns: {line}\nin:\n{text}");
    }
}
