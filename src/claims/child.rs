//! What an experiment needs another process for: signals, limits, and servers
//! that may not survive.
//!
//! The child is this program again, with a hidden command. It says what it has
//! to say in lines on its standard output.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdout, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::thread::{WAITS_FOR_EVER, falls_asleep, for_anyone};
use super::trial::until;
use crate::witness::Witness;

/// What the child is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Sleep in epoll_wait, and say how that ended.
    Wait,
}

/// The child's side: what the hidden command does.
pub fn play(role: Role) -> Result<ExitCode> {
    // Whatever becomes of the parent, no child stays behind.
    set_pdeathsig(Signal::SIGKILL).context("prctl(PR_SET_PDEATHSIG)")?;
    match role {
        Role::Wait => {
            let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
            let ended = epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE);
            say(&format!("{}", ended.err().map_or(0, |errno| errno as i32)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A line to the parent.
pub fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("write")
}

/// A child process, ended when this is dropped.
pub struct Child {
    process: std::process::Child,
    pub witness: Witness,
    out: BufReader<ChildStdout>,
}

impl Child {
    pub fn start(role: &[&str]) -> Result<Child> {
        // This very file, even if it has been replaced since.
        let mut command = Command::new("/proc/self/exe");
        command.arg("claims-child").args(role);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn().context("a child process")?;
        let out = process.stdout.take().context("no pipe to the child")?;
        let witness = Witness::of_process(process.id());
        let child = witness.context("/proc/PID/stat").map(|witness| Child {
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
        let read = self.out.read_line(&mut line).context("read")?;
        Ok((read > 0).then(|| line.trim_end().to_string()))
    }

    /// A line is there, or the child has ended.
    fn has_more(&self) -> Result<bool> {
        if !self.out.buffer().is_empty() {
            return Ok(true);
        }
        let mut asked = [PollFd::new(self.out.get_ref().as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut asked, PollTimeout::from(10_u8)).context("poll")? > 0)
    }

    /// A child that sleeps in epoll_wait is stopped and continued: what its
    /// call returned, or 0 if it slept on (signal(7), "Interruption of system
    /// calls and library functions by stop signals").
    pub fn interrupted_wait() -> Result<Result<i32, Errno>> {
        let mut child = Child::start(&["wait"])?;
        if !falls_asleep(&child.witness, WAITS_FOR_EVER, for_anyone, || false)? {
            bail!("the child does not sleep in epoll_wait");
        }
        kill(child.pid(), Signal::SIGSTOP).context("kill(SIGSTOP)")?;
        until("the child's stop", || {
            Ok(child.witness.look(None).context("/proc")?.state == 'T')
        })?;
        kill(child.pid(), Signal::SIGCONT).context("kill(SIGCONT)")?;
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
