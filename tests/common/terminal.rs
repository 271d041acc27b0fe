//! What a reader does at a prompt: types a line as a page has it, types into
//! the program, and looks at what it shows.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::listening::{Listening, Stream, eventually};
use super::{program, shell, skip};

/// The address in the pages. A test takes another: this one may be taken.
const ADDRESS: &str = "127.0.0.1:9999";

/// A shell about to run `line`, in which `epoll-lab` is the program.
pub fn prompt(line: &str) -> Command {
    // One simple command takes the shell's place, and has its number.
    let line = match line.contains(['|', '(', ';']) {
        true => line.to_string(),
        false => format!("exec {line}"),
    };
    let home = Path::new(program()).parent().expect("it is in a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = shell(&line);
    command.env("PATH", format!("{}:{path}", home.display()));
    command
}

/// Whether all of `programs` are there. If not, it says that `line` is skipped.
pub fn present(line: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|name| {
        let found = shell(&format!("command -v {name}")).output();
        !found.is_ok_and(|output| output.status.success())
    });
    if let Some(name) = missing {
        skip(&format!("`{line}`"), &format!("there is no {name}"));
    }
    missing.is_none()
}

/// The server that `line` starts, on a free port.
#[track_caller]
pub fn listen(line: &str) -> Listening {
    assert!(line.contains(ADDRESS), "where does it listen: {line}");
    let line = line.replace(ADDRESS, "127.0.0.1:0");
    Listening::start(&mut prompt(&line))
}

/// `line`, which speaks of the server of the page, for the server `pid` at
/// `port`.
pub fn meant(line: &str, port: u16, pid: Pid) -> String {
    line.replace(":9999", &format!(":{port}"))
        .replace(" 9999", &format!(" {port}"))
        .replace("$(pidof epoll-lab)", &pid.to_string())
}

/// A terminal in which a program runs. It ends with the test at the latest.
pub struct Terminal {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
}

impl Terminal {
    #[track_caller]
    pub fn open(line: &str) -> Terminal {
        let mut child = prompt(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {line}: {e}"));
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        Terminal {
            stdin: child.stdin.take(),
            stdout: Stream::read(out, Vec::new()),
            stderr: Stream::read(err, Vec::new()),
            child,
        }
    }

    /// The program, if the line is one simple command; and its process group.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    #[track_caller]
    pub fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("not at its end");
        stdin.write_all(text.as_bytes()).expect("type");
    }

    /// What stands on standard output so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// Waits until `text` stands on standard output.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        eventually(text, || self.so_far().contains(text).then_some(()));
    }

    /// Waits until `text` stands on standard error, as prompts do.
    #[track_caller]
    pub fn asks(&self, text: &str) {
        eventually(text, || {
            let told = String::from_utf8_lossy(&self.stderr.so_far()).into_owned();
            told.contains(text).then_some(())
        });
    }

    /// What a key does to all that runs in the terminal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        killpg(self.pid(), signal).expect("send a signal");
    }

    #[track_caller]
    pub fn ctrl_c(mut self) {
        self.signal(Signal::SIGINT);
        eventually("it ends after Ctrl-C", || {
            self.child.try_wait().expect("wait for the program")
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Of one that has ended already the number may be another's by now.
        if let Ok(None) = self.child.try_wait() {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}
