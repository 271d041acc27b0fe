//! The child's side of the experiments on what two processes share.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::{TimeSpec, TimeValLike};

use crate::claims::child::{Child, OF_THE_CHILD, Role, duplicate, say};

/// Waits until the parent says so.
fn told_to_go_on() -> Result<()> {
    io::stdin().read_exact(&mut [0]).context("read")
}

/// `numbers`: of the epoll and of a socket, both inherited.
#[expect(deprecated, reason = "an inherited fd is a number")]
pub fn fork(numbers: &[u64]) -> Result<ExitCode> {
    let [epoll, socket] = numbers else {
        bail!("two numbers are expected");
    };
    let (epoll, socket) = (*epoll as RawFd, *socket as RawFd);
    let control = |op, fd, data| {
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN, data);
        nix::sys::epoll::epoll_ctl(epoll, op, fd, &mut event).context("epoll_ctl")
    };
    let own = EventFd::from_value_and_flags(1, EfdFlags::EFD_CLOEXEC).context("eventfd")?;
    control(EpollOp::EpollCtlAdd, own.as_raw_fd(), OF_THE_CHILD)?;
    say("added")?;
    told_to_go_on()?;
    drop(own);
    control(EpollOp::EpollCtlDel, socket, 0)?;
    say("deleted")?;
    told_to_go_on()?;
    let ready = nix::sys::epoll::epoll_wait(epoll, &mut [EpollEvent::empty()], 0);
    say(&ready.context("epoll_wait")?.to_string())?;
    Ok(ExitCode::SUCCESS)
}

pub fn set_nonblock() -> Result<ExitCode> {
    let stdin = io::stdin();
    let flags = fcntl(&stdin, FcntlArg::F_GETFL).context("fcntl")?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(&stdin, FcntlArg::F_SETFL(flags)).context("fcntl")?;
    say("set")?;
    Ok(ExitCode::SUCCESS)
}

fn usr1() -> SigSet {
    let mut set = SigSet::empty();
    set.add(Signal::SIGUSR1);
    set
}

/// Says what the two waits returned, EINTR being -1, and how often the
/// handler has run.
pub fn signal_race() -> Result<ExitCode> {
    let handled = Arc::new(AtomicUsize::new(0));
    let signal = Signal::SIGUSR1 as i32;
    signal_hook::flag::register_usize(signal, Arc::clone(&handled), 1).context("sigaction")?;
    let pending = || -> Result<usize> {
        let before = handled.swap(0, Ordering::SeqCst);
        usr1().thread_block().context("sigprocmask")?;
        raise(Signal::SIGUSR1).context("raise")?;
        Ok(before)
    };
    let result = |result: nix::Result<i64>| match result {
        Err(Errno::EINTR) => Ok(-1),
        result => result.context("wait"),
    };
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    pending()?;
    usr1().thread_unblock().context("sigprocmask")?;
    let mut events = [EpollEvent::empty()];
    let apart = epoll.wait(&mut events, EpollTimeout::from(100_u8));
    let apart = result(apart.map(|ready| ready as i64))?;
    let mut times = pending()?;
    let mut fds = [PollFd::new(epoll.0.as_fd(), PollFlags::POLLIN)];
    // The handler runs in the call, before it returns.
    let together = ppoll(&mut fds, Some(TimeSpec::seconds(10)), Some(SigSet::empty()));
    let together = result(together.map(i64::from))?;
    times += handled.load(Ordering::SeqCst);
    say(&format!("{apart} {together} {times}"))?;
    Ok(ExitCode::SUCCESS)
}

fn reports(epoll: &Epoll) -> Result<usize> {
    epoll
        .wait(&mut [EpollEvent::empty()], EpollTimeout::ZERO)
        .context("epoll_wait")
}

fn polled(fd: impl AsFd) -> Result<i32> {
    let mut asked = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, PollTimeout::ZERO).context("poll")
}

/// Says what this process and its child were told, in order.
pub fn signalfd_parent() -> Result<ExitCode> {
    usr1().thread_block().context("sigprocmask")?;
    let signals = SignalFd::with_flags(&usr1(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
    let signals = signals.context("signalfd")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let event = EpollEvent::new(EpollFlags::EPOLLIN, 0);
    epoll.add(&signals, event).context("epoll_ctl")?;
    raise(Signal::SIGUSR1).context("raise")?;
    let before = reports(&epoll)?;
    let stdin = duplicate(&signals)?;
    let mut child = Child::inheriting(Role::SignalfdChild, &[&epoll.0], stdin)?;
    let childs = child.line()?.context("the child has died")?;
    let (after, still) = (reports(&epoll)?, polled(&signals)?);
    say(&format!("{before} {childs} {after} {still}"))?;
    Ok(ExitCode::SUCCESS)
}

/// `numbers`: of the parent's epoll; its signalfd is the standard input.
#[expect(deprecated, reason = "an inherited fd is a number")]
pub fn signalfd_child(numbers: &[u64]) -> Result<ExitCode> {
    let [epoll] = numbers else {
        bail!("one number is expected");
    };
    let inherited = || {
        let ready = nix::sys::epoll::epoll_wait(*epoll as RawFd, &mut [EpollEvent::empty()], 0);
        ready.context("epoll_wait")
    };
    usr1().thread_block().context("sigprocmask")?;
    let first = inherited()?;
    raise(Signal::SIGUSR1).context("raise")?;
    let (again, signals) = (inherited()?, io::stdin());
    let own = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let event = EpollEvent::new(EpollFlags::EPOLLIN, 0);
    own.add(&signals, event).context("epoll_ctl")?;
    let (polled, own) = (polled(&signals)?, reports(&own)?);
    say(&format!("{first} {again} {polled} {own}"))?;
    // Its end would be a signal to the parent, and that rings the parent's
    // signalfd: it stays until it is killed.
    loop {
        std::thread::park();
    }
}
