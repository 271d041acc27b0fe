//! What an experiment needs another process for: signals, limits, and servers
//! that may not survive.
//!
//! The child is this program again, started with a word of its own. It says what it has
//! to say in lines on its standard output.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::{ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockaddrIn, getsockname};
use nix::unistd::Pid;

use crate::claims::patience::until;
use crate::claims::textbook;
use crate::claims::textbook::Edition;
use crate::claims::thread::{WAITS_FOR_EVER, falls_asleep, for_anyone};
use crate::lab::witness::Witness;
use crate::server;
use crate::server::{Config, mode};
use crate::sys::Sys;
use crate::sys::journal::{Follow, Journal};

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

    fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The word that makes this program a child. It is no command: no help, no
/// completion and no suggestion has it.
const CHILD: &str = "claims-child";

/// The child's side, if this process is one: `claims-child ROLE [FILES]`.
pub fn play_if_asked(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    // Whoever is not asked may have been given any bytes.
    let arguments: Vec<String> = arguments
        .skip(1)
        .take(3)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let (role, files) = match arguments.as_slice() {
        [child, role] if child == CHILD => (role, None),
        [child, role, files] if child == CHILD => (role, files.parse().ok()),
        _ => return None,
    };
    let role = Role::from_name(role)?;
    Some(play(role, files).unwrap_or_else(|error| {
        // Read by nobody but the parent.
        let _ = say(&format!("{error:#}"));
        ExitCode::FAILURE
    }))
}

fn play(role: Role, files: Option<u64>) -> Result<ExitCode> {
    // Whatever becomes of the parent, no child stays behind.
    set_pdeathsig(Signal::SIGKILL).context("prctl(PR_SET_PDEATHSIG)")?;
    if let Some(files) = files {
        setrlimit(Resource::RLIMIT_NOFILE, files, files).context("setrlimit")?;
    }
    match role {
        Role::Wait => sleep_in_epoll_wait(),
        Role::TextbookLt => textbook::serve(Edition::Level),
        Role::TextbookEt => textbook::serve(Edition::Edge),
        Role::Ours => serve_ours(),
    }
}

fn sleep_in_epoll_wait() -> Result<ExitCode> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let ended = epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE);
    say(&format!("{}", ended.err().map_or(0, |errno| errno as i32)))?;
    Ok(ExitCode::SUCCESS)
}

/// Says where it listens, and the first time that no fd is left.
fn serve_ours() -> Result<ExitCode> {
    let journal = Arc::new(Journal::default());
    let config = Config {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        buffer: 4096,
        mode: mode::ET_NONBLOCK,
    };
    let seen = Arc::clone(&journal);
    let server = thread::spawn(move || {
        let mut sys = Sys::new(seen, Follow::Counts, Instant::now());
        server::epoll::serve(&mut sys, &config)
    });
    let (mut listening, mut full) = (false, false);
    while !server.is_finished() {
        thread::sleep(Duration::from_micros(200));
        let state = journal.lock();
        let faults = &state.totals.faults;
        if let (false, Some(fd)) = (listening, state.listener) {
            let address: SockaddrIn = getsockname(fd).context("getsockname")?;
            say(&address.to_string())?;
            listening = true;
        }
        if !full && faults.contains_key(&(Errno::EMFILE as i32)) {
            say("EMFILE")?;
            full = true;
        }
    }
    let ended = server.join();
    ended.map_err(|_| anyhow!("the server has panicked"))??;
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
    /// `files`: its limit on open files.
    pub fn start(role: Role, files: Option<u64>) -> Result<Child> {
        // This very file, even if it has been replaced since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(CHILD).arg(role.name());
        command.args(files.map(|files| files.to_string()));
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
    pub fn has_more(&self) -> Result<bool> {
        if !self.out.buffer().is_empty() {
            return Ok(true);
        }
        let mut asked = [PollFd::new(self.out.get_ref().as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut asked, PollTimeout::ZERO).context("poll")? > 0)
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
