//! How a program is started so that it can be watched from its first call on.
//!
//! This program starts itself once more. The helper stops, so that it can be
//! seized; then it applies the filter that makes the calls of interest stop,
//! and becomes the program (execve(2)).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use nix::libc;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, raise};
use nix::unistd::{getpid, getppid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::trace::error_text;
use crate::watch::processor::{Processor, Sys};

/// The words that make this program a helper. They are no commands: no help,
/// no completion and no suggestion has them.
const LAUNCH: &str = "watch-launch";
const BELL: &str = "watch-bell";

/// Exit status of a helper that could not become the program.
pub const NOT_STARTED: i32 = 127;

/// The helper's side, if this process is one.
pub fn play_if_asked(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let word = arguments.nth(1)?;
    if word == BELL {
        // Until somebody rings.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        return Some(ExitCode::SUCCESS);
    }
    if word != LAUNCH {
        return None;
    }
    let parent = arguments.next()?;
    let path = arguments.next()?;
    let name = arguments.next()?;
    let error = become_it(&parent, &path, &name, arguments);
    // On the program's terminal; its parent says what could not be started.
    eprintln!("{}: {}", path.to_string_lossy(), error_text(&error));
    Some(ExitCode::from(NOT_STARTED as u8))
}

fn become_it(
    parent: &OsStr,
    path: &OsStr,
    name: &OsStr,
    arguments: impl Iterator<Item = OsString>,
) -> anyhow::Error {
    let prepared = || -> Result<()> {
        // Should the parent die before it has seized us.
        set_pdeathsig(Signal::SIGKILL).context("prctl(PR_SET_PDEATHSIG)")?;
        if parent != OsStr::new(&getppid().to_string()) {
            bail!("its parent has ended"); // before that could be heard of
        }
        raise(Signal::SIGSTOP).context("raise(SIGSTOP)")?;
        set_pdeathsig(None).context("prctl(PR_SET_PDEATHSIG)")?;
        let program = filter().context("the seccomp filter")?;
        seccompiler::apply_filter(&program).context("seccomp")
    };
    match prepared() {
        Ok(()) => Command::new(path).arg0(name).args(arguments).exec().into(),
        Err(error) => error,
    }
}

/// Stops the calls of interest, and no other. Of fcntl and ioctl it is the
/// commands that change O_NONBLOCK, or make another fd.
fn filter() -> Result<BpfProgram> {
    let processor = Processor::here().context("no table for this processor")?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (number, sys) in processor.watched() {
        let second = |value: i64| -> Result<SeccompRule> {
            let is = SeccompCondition::new(
                1,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Eq,
                u64::from(value as u32),
            )?;
            Ok(SeccompRule::new(vec![is])?)
        };
        let rule = match sys {
            Sys::Fcntl => vec![
                second(libc::F_GETFL.into())?,
                second(libc::F_SETFL.into())?,
                second(libc::F_DUPFD.into())?,
                second(libc::F_DUPFD_CLOEXEC.into())?,
            ],
            Sys::Ioctl => vec![second(libc::FIONBIO as i64)?],
            _ => Vec::new(),
        };
        rules.insert(number, rule);
    }
    let here = std::env::consts::ARCH.try_into()?;
    let (others, ours) = (SeccompAction::Allow, SeccompAction::Trace(0));
    let filter = SeccompFilter::new(rules, others, ours, here)?;
    Ok(filter.try_into()?)
}

/// The command that starts the helper, and our end of the program's terminal.
///
/// A terminal, so that a C program prints line by line as it does there
/// (setvbuf(3)), and so that whoever reads standard input waits.
pub fn command(path: &Path, name: &OsStr, arguments: &[OsString]) -> Result<(Command, File)> {
    let pty = nix::pty::openpty(None, None).context("openpty")?;
    let close_on_exec = |fd: &OwnedFd| {
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC).context("fcntl(F_SETFD)")
    };
    close_on_exec(&pty.master)?;
    close_on_exec(&pty.slave)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(LAUNCH).arg(getpid().to_string());
    command.arg(path).arg(name).args(arguments);
    command
        .stdin(Stdio::from(pty.slave.try_clone().context("dup")?))
        .stdout(Stdio::from(pty.slave.try_clone().context("dup")?))
        .stderr(Stdio::from(pty.slave))
        // Ctrl-C is for us.
        .process_group(0);
    Ok((command, File::from(pty.master)))
}

/// Wakes the tracer, which waits for its children: a child that ends at once.
pub fn ring() -> Result<()> {
    // The tracer waits for it.
    bell(Stdio::null()).map(drop)
}

/// A child that ends when this is dropped. It is there before it is needed:
/// by then there may be no way to start one.
pub fn prepare_to_ring() -> Result<Option<ChildStdin>> {
    Ok(bell(Stdio::piped())?.stdin)
}

fn bell(stdin: Stdio) -> Result<Child> {
    Command::new("/proc/self/exe")
        .arg(BELL)
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("a child process")
}
