//! A prediction that is broken off: at a question, while the trace is held
//! back, and before it is shown.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc::SYS_recvfrom;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{LIMIT, lab};

/// The program with `input` typed, and more to come.
struct Talk {
    child: Child,
    asked: String,
}

impl Talk {
    fn begin(line: &str, input: &str) -> Talk {
        let child = lab(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the program starts");
        let stdin = child.stdin.as_mut().expect("piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        let asked = String::new();
        Talk { child, asked }
    }

    /// Until standard error has come to `what`.
    fn until(mut self, what: &str) -> Talk {
        let stderr = self.child.stderr.as_mut().expect("piped");
        let mut byte = [0];
        while !self.asked.contains(what) {
            let read = stderr.read(&mut byte).expect("read");
            assert_eq!(read, 1, "no {what:?} in {}", self.asked);
            self.asked.push(byte[0].into());
        }
        self
    }

    /// Until the server's thread sleeps in recv.
    fn until_asleep(self) -> Talk {
        let began = Instant::now();
        let tasks = format!("/proc/{}/task", self.child.id());
        let recv = format!("{SYS_recvfrom} ");
        while began.elapsed() < LIMIT {
            let tasks = fs::read_dir(&tasks).expect("it runs").flatten();
            let mut calls = tasks.flat_map(|task| fs::read_to_string(task.path().join("syscall")));
            if calls.any(|call| call.starts_with(&recv)) {
                return self;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("no thread sleeps in recv");
    }

    /// Its standard output, and the signal it died of.
    fn end(mut self, signal: Signal) -> String {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("kill");
        let mut shown = String::new();
        let mut stdout = self.child.stdout.take().expect("piped");
        stdout.read_to_string(&mut shown).expect("UTF-8");
        let status = self.child.wait().expect("wait");
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(status.signal(), Some(signal as i32), "{status:?}: {shown}");
        shown
    }
}

const SIGNALS: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];

#[test]
fn at_a_question_nothing_has_been_run() {
    for signal in SIGNALS {
        let talk = Talk::begin("et-blocking --predict", "3\n");
        let shown = talk.until("2. Will B have its answer?").end(signal);
        assert!(shown.starts_with("et-blocking | edge-triggered"), "{shown}");
        assert!(!shown.contains("=>") && !shown.contains("recv("), "{shown}");
    }
}

/// The summary, and the trace so far: nothing is lost.
#[test]
fn while_the_trace_is_held_back() {
    for signal in SIGNALS {
        let talk = Talk::begin("et-blocking --predict --stall 60s", "3\nyes\n\n\n");
        let talk = talk.until("a client that starves is watched for 1m");
        let shown = talk.until_asleep().end(signal);
        assert_eq!(shown.matches("\nclient  ").count(), 1, "{shown}");
        assert_eq!(shown.matches("=>").count(), 1, "{shown}");
        assert!(
            shown.contains("    recv(5<A>, \"HELLO\", 5) = 5"),
            "{shown}"
        );
    }
}

/// The summary is out, and there is no second one.
#[test]
fn before_the_trace_is_shown() {
    for signal in SIGNALS {
        let talk = Talk::begin("lt --predict", "3\n4\n\n\n");
        let shown = talk.until("Show the trace?").end(signal);
        assert_eq!(shown.matches("=>").count(), 1, "{shown}");
        assert!(!shown.contains("client  reports"), "{shown}");
        assert!(!shown.contains("epoll_wait("), "{shown}");
    }
}
