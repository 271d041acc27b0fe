//! What an experiment needs another process for: signals, limits, and servers
//! that may not survive.
//!
//! The child is this program again, started with a word of its own. It says what it has
//! to say in lines on its standard output.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::claims::patience::until;
use crate::claims::thread::{WAITS_FOR_EVER, falls_asleep, for_anyone};
use crate::lab::witness::Witness;
use crate::trace::OfCall;

/// What the child is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sleep in epoll_wait, and say how that ended.
    Wait,
    /// The textbook's server, level-triggered.
    TextbookLt,
    /// The textbook's server, edge-triggered.
    TextbookEt,
    /// The server of `et-nonblock`.
    Ours,
}

impl Role {
    const ALL: [Role; 4] = [Role::Wait, Role::TextbookLt, Role::TextbookEt, Role::Ours];

    pub fn name(self) -> &'static str {
        match self {
            Role::Wait => "wait",
            Role::TextbookLt => "textbook-lt",
            Role::TextbookEt => "textbook-et",
            Role::Ours => "ours",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The word that makes this program a child. It is no command: no help, no
/// completion and no suggestion has it.
pub const CHILD: &str = "claims-child";

/// A line to the parent.
pub fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let said = writeln!(out, "{line}").and_then(|()| out.flush());
    Ok(said.of_call("write")?)
}

/// A child process, ended when this is dropped.
pub struct Child {
    process: std::process::Child,
    pub witness: Witness,
    out: BufReader<ChildStdout>,
}

impl Child {
    /// `files`: its limit on open files.
    pub fn start(role: Role, files: Option<u64>) -> Result<Child> {
        // This very file, even if it has been replaced since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(CHILD).arg(role.name());
        command.arg(std::process::id().to_string());
        command.args(files.map(|files| files.to_string()));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn().of_call("posix_spawn")?;
        let out = process.stdout.take().context("no pipe to the child")?;
        let witness = Witness::of_process(process.id());
        let child = witness
            .of_call("open(/proc/PID/stat)")
            .map(|witness| Child {
                process,
                witness,
                out: BufReader::new(out),
            })?;
        Ok(child)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }

    /// The next line that the child says; `None` when it has ended.
    pub fn line(&mut self) -> Result<Option<String>> {
        until("a line from the child", || self.has_more())?;
        let mut line = String::new();
        let read = self.out.read_line(&mut line).of_call("read")?;
        Ok((read > 0).then(|| line.trim_end().to_string()))
    }

    /// A line is there, or the child has ended.
    pub fn has_more(&self) -> Result<bool> {
        if !self.out.buffer().is_empty() {
            return Ok(true);
        }
        let mut asked = [PollFd::new(self.out.get_ref().as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut asked, PollTimeout::ZERO).of_call("poll")? > 0)
    }

    /// A child that sleeps in epoll_wait is stopped and continued: what its
    /// call returned, or 0 if it slept on (signal(7), "Interruption of system
    /// calls and library functions by stop signals").
    pub fn interrupted_wait() -> Result<Result<i32, Errno>> {
        let mut child = Child::start(Role::Wait, None)?;
        let ended = || child.has_more().unwrap_or(true);
        if !falls_asleep(&child.witness, WAITS_FOR_EVER, for_anyone, ended)? {
            bail!("the child does not sleep in epoll_wait");
        }
        kill(child.pid(), Signal::SIGSTOP).of_call("kill(SIGSTOP)")?;
        until("the child's stop", || {
            Ok(child
                .witness
                .look(None)
                .of_call("read(/proc/PID/stat)")?
                .state
                == 'T')
        })?;
        kill(child.pid(), Signal::SIGCONT).of_call("kill(SIGCONT)")?;
        let mut spoke = Ok(false);
        let slept_on = falls_asleep(&child.witness, WAITS_FOR_EVER, for_anyone, || {
            spoke = child.has_more();
            !matches!(spoke, Ok(false))
        })?;
        if slept_on {
            return Ok(Ok(0));
        }
        let answer = child.line()?.context("the child has died")?;
        Ok(match answer.parse().context("the child's answer")? {
            0 => Ok(0),
            errno => Err(Errno::from_raw(errno)),
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Gone already: good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
