//! A call that no safe program can make: a child makes a safe one, and what it
//! asks for is changed on its way into the kernel (ptrace(2)). What comes back
//! is the kernel's own answer, and the child says it.

use std::os::fd::{AsFd, RawFd};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc::{self, c_long, user_regs_struct};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::claims::child::{Child, Role, say};
use crate::claims::patience::until;
use crate::claims::trial::IN;
use crate::trace::OfCall;

/// What a call came to: its result, or its errno.
pub type Said = Result<i64, Errno>;

/// epoll_create(2) with this size; where it makes an epoll, how many of three
/// fds can be added.
#[cfg(target_arch = "x86_64")]
pub fn epoll_create(size: i32) -> Result<Said> {
    bent(Role::BentCreate, &[], libc::SYS_epoll_create1, |call| {
        call.orig_rax = libc::SYS_epoll_create as u64;
        call.rdi = size as u64;
    })
}

/// Newer processors have epoll_create1 alone.
#[cfg(not(target_arch = "x86_64"))]
pub fn epoll_create(_size: i32) -> Result<Said> {
    bail!("on this processor the kernel has no epoll_create that takes a size")
}

/// epoll_wait(2) with timeout 0 and an `events` that points nowhere: into the
/// page at 0, which nobody has (mmap(2), `vm.mmap_min_addr`).
pub fn wait_nowhere(epoll: &Epoll) -> Result<Said> {
    const NOWHERE: u64 = 8;
    #[cfg(target_arch = "x86_64")]
    let (call, events) = (libc::SYS_epoll_wait, |call: &mut user_regs_struct| {
        call.rsi = NOWHERE;
    });
    // The C library has made epoll_wait of it.
    #[cfg(not(target_arch = "x86_64"))]
    let (call, events) = (libc::SYS_epoll_pwait, |call: &mut user_regs_struct| {
        call.regs[1] = NOWHERE;
    });
    bent(Role::BentWait, &[&epoll.0], call, events)
}

/// The number of the call that a thread is about to make.
fn number(call: &user_regs_struct) -> c_long {
    #[cfg(target_arch = "x86_64")]
    let number = call.orig_rax;
    #[cfg(not(target_arch = "x86_64"))]
    let number = call.regs[8];
    number as c_long
}

/// Starts a child, changes its first call of this number, and lets it go.
fn bent(
    role: Role,
    fds: &[&dyn AsFd],
    call: c_long,
    change: impl Fn(&mut user_regs_struct),
) -> Result<Said> {
    let mut child = Child::inheriting(role, fds, Stdio::null())?;
    let pid = child.pid();
    match stop(pid)? {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => {}
        // It cannot be traced, and has said why.
        WaitStatus::Exited(..) => bail!("{}", child.line()?.unwrap_or_default()),
        status => bail!("the child that is to be traced: {status:?}"),
    }
    ptrace::setoptions(pid, Options::PTRACE_O_TRACESYSGOOD).of_call("ptrace(SETOPTIONS)")?;
    let mut entered = false;
    loop {
        ptrace::syscall(pid, None).of_call("ptrace(SYSCALL)")?;
        match stop(pid)? {
            WaitStatus::PtraceSyscall(_) => entered = !entered,
            status => bail!("the child stops otherwise: {status:?}"),
        }
        let mut asked = ptrace::getregs(pid).of_call("ptrace(GETREGS)")?;
        if entered && number(&asked) == call {
            change(&mut asked);
            ptrace::setregs(pid, asked).of_call("ptrace(SETREGS)")?;
            break;
        }
    }
    ptrace::detach(pid, None).of_call("ptrace(DETACH)")?;
    let line = child.line()?.context("the child has died")?;
    let result: i64 = line
        .parse()
        .with_context(|| format!("the child says: {line}"))?;
    Ok(match result {
        0.. => Ok(result),
        errno => Err(Errno::from_raw(-errno as i32)),
    })
}

/// The next stop of a child, or its end.
fn stop(pid: Pid) -> Result<WaitStatus> {
    let mut status = WaitStatus::StillAlive;
    until("the child's stop", || {
        status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).of_call("waitpid")?;
        Ok(status != WaitStatus::StillAlive)
    })?;
    Ok(status)
}

/// The child's side: stops until its parent traces it.
fn is_traced() -> Result<()> {
    ptrace::traceme().of_call("ptrace(TRACEME)")?;
    raise(Signal::SIGSTOP).of_call("raise")?;
    Ok(())
}

/// The child's side: the call that is changed, and what it came to.
pub fn create() -> Result<ExitCode> {
    is_traced()?;
    let said = match Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC) {
        Ok(epoll) => {
            let mut added = Vec::new();
            for _ in 0..3 {
                let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).of_call("eventfd")?;
                let event = EpollEvent::new(IN, 0);
                epoll.add(&fd, event).of_call("epoll_ctl(ADD)")?;
                added.push(fd);
            }
            added.len() as i64
        }
        Err(errno) => -(errno as i64),
    };
    say(&said.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// The same; `numbers`: of an epoll that it has inherited.
#[expect(deprecated, reason = "an inherited fd is a number")]
pub fn wait(numbers: &[u64]) -> Result<ExitCode> {
    let [epoll] = numbers else {
        bail!("one number is expected");
    };
    is_traced()?;
    let ready = nix::sys::epoll::epoll_wait(*epoll as RawFd, &mut [EpollEvent::empty()], 0);
    let said = match ready {
        Ok(ready) => ready as i64,
        Err(errno) => -(errno as i64),
    };
    say(&said.to_string())?;
    Ok(ExitCode::SUCCESS)
}
