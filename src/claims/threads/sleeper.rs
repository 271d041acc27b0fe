//! Threads that sleep in one call each, and who of them has been woken.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollEvent};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{MsgFlags, recv};

use crate::claims::patience::until;
use crate::claims::thread::{Thread, come_to_rest};
use crate::claims::trial::{Conn, IN};
use crate::lab::witness::move_up;
use crate::trace::OfCall;

/// One thread in one call.
pub struct Sleeper {
    /// What the call has returned: `-1` and an errno as `-errno`, and
    /// [`ASLEEP`] as long as it has not.
    returned: Arc<AtomicI64>,
    thread: Thread,
}

/// The call has not returned.
const ASLEEP: i64 = i64::MIN;

impl Sleeper {
    /// Makes the call in a thread of its own; over when that sleeps. `wake`
    /// makes it return.
    pub fn start(
        call: impl FnOnce() -> nix::Result<usize> + Send + 'static,
        wake: impl Fn() -> bool + 'static,
    ) -> Result<Sleeper> {
        let returned = Arc::new(AtomicI64::new(ASLEEP));
        let out = Arc::clone(&returned);
        let work = move || {
            let result = match call() {
                Ok(value) => value as i64,
                Err(errno) => -(errno as i64),
            };
            out.store(result, Ordering::SeqCst);
        };
        let thread = Thread::start(work, wake)?;
        let sleeper = Sleeper { returned, thread };
        sleeper.settle()?;
        Ok(sleeper)
    }

    /// Waits until it sleeps in its call or has returned from it: whether it
    /// has returned.
    pub fn settle(&self) -> Result<bool> {
        let back = come_to_rest(1, |_| self.returned().is_some(), |_| self.sleeps())?;
        Ok(!back.is_empty())
    }

    /// epoll_wait(2) with room for one event, by the bare number of the epoll
    /// and with the timeout as it is.
    #[expect(deprecated, reason = "the number may be closed, the timeout odd")]
    pub fn waits(epoll: &Epoll, timeout: i32) -> Result<Sleeper> {
        let epfd = epoll.0.as_raw_fd();
        let wait =
            move || nix::sys::epoll::epoll_wait(epfd, &mut [EpollEvent::empty()], timeout as isize);
        Sleeper::start(wait, alarm(epoll)?)
    }

    /// recv(2) of a connection's socket, by its bare number.
    pub fn receives(conn: &Conn) -> Result<Sleeper> {
        let fd = conn.socket.as_raw_fd();
        let receive = move || recv(fd, &mut [0; 16], MsgFlags::empty());
        Sleeper::start(receive, conn.hang_up()?)
    }

    /// What the call has returned, if it has.
    pub fn returned(&self) -> Option<nix::Result<usize>> {
        match self.returned.load(Ordering::SeqCst) {
            ASLEEP => None,
            value @ 0.. => Some(Ok(value as usize)),
            errno => Some(Err(Errno::from_raw(-errno as i32))),
        }
    }

    /// Waits until the call has returned, which something else brings about:
    /// what it has returned.
    pub fn ended(&self) -> Result<nix::Result<usize>> {
        until("the end of a sleep", || Ok(self.returned().is_some()))?;
        self.returned().context("the thread sleeps on")
    }

    /// Whether it sleeps in a call, as /proc has it.
    fn sleeps(&self) -> Result<bool> {
        Ok(self.call()?.is_some_and(waits))
    }

    /// Whether it sleeps in write(2).
    pub fn writes(&self) -> Result<bool> {
        Ok(self.call()? == Some(libc::SYS_write))
    }

    /// The number of the call that it sleeps in, proc_pid_syscall(5).
    fn call(&self) -> Result<Option<libc::c_long>> {
        let path = format!("/proc/self/task/{}/syscall", self.thread.tid);
        let line = match fs::read_to_string(&path) {
            Ok(line) => line,
            // It has ended since it was asked.
            Err(_) if self.returned().is_some() => return Ok(None),
            Err(error) => return Err(error).context("/proc/self/task/TID/syscall"),
        };
        Ok(line.split(' ').next().and_then(|word| word.parse().ok()))
    }
}

/// What wakes whoever waits in this epoll, also when the epoll's number is
/// closed by then: an eventfd on its list, silent until it is written. It is
/// open until the thread has ended: a closed fd is on no list.
pub fn alarm(epoll: &Epoll) -> Result<impl Fn() -> bool + use<>> {
    let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).of_call("eventfd")?;
    let end = File::from(move_up(&end).of_call("fcntl(F_DUPFD_CLOEXEC)")?);
    let event = EpollEvent::new(IN, END);
    epoll.add(&end, event).of_call("epoll_ctl(ADD)")?;
    Ok(move || (&end).write(&1_u64.to_ne_bytes()).is_ok())
}

/// What the event that ends a thread carries.
pub const END: u64 = u64::MAX;

/// Whether the call of this number is one that the experiments sleep in; a
/// thread on its way there may sleep for a page or a lock.
fn waits(number: libc::c_long) -> bool {
    match number {
        #[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "arm"))]
        libc::SYS_epoll_wait => true,
        libc::SYS_epoll_pwait | libc::SYS_recvfrom | libc::SYS_write => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::epoll::EpollCreateFlags;

    /// As when an experiment fails while others sleep.
    #[test]
    fn nobody_is_left_asleep() {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let sleepers = [-1, 60_000].map(|timeout| Sleeper::waits(&epoll, timeout).unwrap());
        assert!(sleepers.iter().all(|sleeper| !sleeper.settle().unwrap()));
        let tasks = sleepers
            .each_ref()
            .map(|sleeper| format!("/proc/self/task/{}", sleeper.thread.tid));
        assert!(tasks.iter().all(|task| fs::exists(task).unwrap()));
        drop(epoll); // its number; the waits hold the rest
        drop(sleepers);
        until("the end of both", || {
            Ok(!tasks.iter().any(|task| fs::exists(task).unwrap_or(true)))
        })
        .unwrap();
    }
}
