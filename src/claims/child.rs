//! What an experiment needs another process for: signals, limits, and servers
//! that may not survive.
//!
//! The child is this program again, started with a word of its own. It says what it has
//! to say in lines on its standard output.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::io::FdFlags;

use crate::claims::patience::until;
use crate::claims::thread::{WAITS_FOR_EVER, falls_asleep, for_anyone, look};
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
    /// What a forked child does to an epoll.
    Fork,
    /// Sets O_NONBLOCK on its standard input.
    SetNonblock,
    /// A signal that is unblocked before a wait, and in it.
    SignalRace,
    /// A signalfd on an epoll that a child inherits.
    SignalfdParent,
    /// That child.
    SignalfdChild,
    /// An epoll_create1 that its parent changes.
    BentCreate,
    /// An epoll_wait that its parent changes.
    BentWait,
}

impl Role {
    const ALL: [Role; 11] = [
        Role::Wait,
        Role::TextbookLt,
        Role::TextbookEt,
        Role::Ours,
        Role::Fork,
        Role::SetNonblock,
        Role::SignalRace,
        Role::SignalfdParent,
        Role::SignalfdChild,
        Role::BentCreate,
        Role::BentWait,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Role::Wait => "wait",
            Role::TextbookLt => "textbook-lt",
            Role::TextbookEt => "textbook-et",
            Role::Ours => "ours",
            Role::Fork => "fork",
            Role::SetNonblock => "set-nonblock",
            Role::SignalRace => "signal-race",
            Role::SignalfdParent => "signalfd-parent",
            Role::SignalfdChild => "signalfd-child",
            Role::BentCreate => "bent-create",
            Role::BentWait => "bent-wait",
        }
    }

    /// Whether it has been given fds from 3 up.
    pub fn inherits(self) -> bool {
        matches!(self, Role::Fork | Role::SignalfdChild | Role::BentWait)
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The word that makes this program a child. It is no command: no help, no
/// completion and no suggestion has it.
pub const CHILD: &str = "claims-child";

/// What the event of an fd that a child has added carries.
pub const OF_THE_CHILD: u64 = 0xc41d;

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
    /// Where it is told to go on; see [`Child::go`].
    go: Option<ChildStdin>,
}

impl Child {
    /// `files`: its limit on open files.
    pub fn start(role: Role, files: Option<u64>) -> Result<Child> {
        let files: Vec<String> = files.iter().map(u64::to_string).collect();
        Child::spawn(role, &files, Stdio::null())
    }

    /// A child that has `fds` open under the numbers that they have here, which
    /// it is told; `stdin` may be one open file more, or the pipe of
    /// [`Child::go`].
    pub fn inheriting(role: Role, fds: &[&dyn AsFd], stdin: Stdio) -> Result<Child> {
        let numbers = fds.iter().map(|fd| fd.as_fd().as_raw_fd().to_string());
        let numbers: Vec<String> = numbers.collect();
        let close_on_exec = |flags| -> Result<()> {
            for fd in fds {
                rustix::io::fcntl_setfd(fd.as_fd(), flags).context("fcntl(F_SETFD)")?;
            }
            Ok(())
        };
        // Who is started meanwhile by another thread inherits them as well, and
        // closes them at once.
        close_on_exec(FdFlags::empty())?;
        let child = Child::spawn(role, &numbers, stdin);
        close_on_exec(FdFlags::CLOEXEC)?;
        child
    }

    fn spawn(role: Role, arguments: &[String], stdin: Stdio) -> Result<Child> {
        // This very file, even if it has been replaced since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(CHILD).arg(role.name());
        command.arg(std::process::id().to_string()).args(arguments);
        command.stdin(stdin).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn().of_call("posix_spawn")?;
        let out = process.stdout.take().context("no pipe to the child")?;
        let go = process.stdin.take();
        let witness = Witness::of_process(process.id()).of_call("open(/proc/PID/stat)")?;
        Ok(Child {
            process,
            witness,
            out: BufReader::new(out),
            go,
        })
    }

    /// Lets it take its next step.
    pub fn go(&mut self) -> Result<()> {
        let mut go = self.go.as_ref().context("no pipe to the child")?;
        go.write_all(b"\n").context("write")
    }

    /// Its next line must be this one.
    pub fn expect(&mut self, wanted: &str) -> Result<()> {
        match self.line()? {
            Some(line) if line == wanted => Ok(()),
            Some(line) => bail!("the child says: {line}"),
            None => bail!("the child has died"),
        }
    }

    pub fn pid(&self) -> Pid {
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
            Ok(look(&child.witness, None)?.state == 'T')
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

/// Another fd for the same open file, for a child.
pub fn duplicate(fd: &impl AsFd) -> Result<Stdio> {
    let fd = fd.as_fd().try_clone_to_owned();
    Ok(Stdio::from(fd.context("F_DUPFD_CLOEXEC")?))
}

impl Drop for Child {
    fn drop(&mut self) {
        // Gone already: good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
