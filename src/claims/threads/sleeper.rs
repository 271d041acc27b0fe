//! Threads that sleep in one call each, and who of them has been woken.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollEvent};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::gettid;

use crate::claims::patience::{PATIENCE, until};
use crate::claims::thread::{LOOKS, spawn};
use crate::claims::trial::IN;
use crate::lab::witness::move_up;
use crate::trace::OfCall;

/// One thread in one call.
pub struct Sleeper {
    tid: i32,
    /// What the call has returned: `-1` and an errno as `-errno`, and
    /// [`ASLEEP`] as long as it has not.
    returned: Arc<AtomicI64>,
    thread: Option<JoinHandle<()>>,
    /// Ends its sleep, if nobody else has.
    wake: Box<dyn Fn() + Send>,
}

/// The call has not returned.
const ASLEEP: i64 = i64::MIN;

/// What the event that ends a thread carries.
const END: u64 = u64::MAX;

impl Sleeper {
    /// Makes the call in a thread of its own. Should the experiment fail while
    /// it sleeps, `wake` ends that.
    pub fn start(
        call: impl FnOnce() -> nix::Result<usize> + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Sleeper> {
        let returned = Arc::new(AtomicI64::new(ASLEEP));
        let out = Arc::clone(&returned);
        let (tid_out, tid) = mpsc::channel();
        let thread = spawn(move || {
            let _ = tid_out.send(gettid().as_raw());
            let result = match call() {
                Ok(value) => value as i64,
                Err(errno) => -(errno as i64),
            };
            out.store(result, Ordering::SeqCst);
        })?;
        Ok(Sleeper {
            tid: tid.recv().context("a thread has died")?,
            returned,
            thread: Some(thread),
            wake: Box::new(wake),
        })
    }

    /// epoll_wait(2) with room for one event, by the bare number of the epoll
    /// and with the timeout as it is.
    pub fn waits(epoll: &Epoll, timeout: i32) -> Result<Sleeper> {
        let epfd = epoll.0.as_raw_fd();
        let call = move || wait_raw(epfd, &mut [EpollEvent::empty()], timeout);
        Sleeper::start(call, alarm(epoll)?)
    }

    /// The same for ever, and what is reported goes into `seen`. Whoever calls
    /// this sees to its end.
    fn waits_seen(epfd: RawFd, seen: Arc<Mutex<Vec<u64>>>) -> Result<Sleeper> {
        let call = move || {
            let mut events = [EpollEvent::empty()];
            let ready = wait_raw(epfd, &mut events, -1)?;
            if let (Ok(mut seen), 1..) = (seen.lock(), ready) {
                seen.push(events[0].data());
            }
            Ok(ready)
        };
        Sleeper::start(call, || {})
    }

    /// What the call has returned, if it has.
    pub fn returned(&self) -> Option<nix::Result<usize>> {
        match self.returned.load(Ordering::SeqCst) {
            ASLEEP => None,
            value @ 0.. => Some(Ok(value as usize)),
            errno => Some(Err(Errno::from_raw(-errno as i32))),
        }
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
        let path = format!("/proc/self/task/{}/syscall", self.tid);
        let line = match fs::read_to_string(&path) {
            Ok(line) => line,
            // It has ended since it was asked.
            Err(_) if self.returned().is_some() => return Ok(None),
            Err(error) => return Err(error).context("/proc/self/task/TID/syscall"),
        };
        Ok(line.split(' ').next().and_then(|word| word.parse().ok()))
    }
}

impl Drop for Sleeper {
    /// If even `wake` was in vain, better a thread left asleep than two.
    fn drop(&mut self) {
        if self.returned().is_none() {
            (self.wake)();
        }
        let ended = until("the end of a sleep", || Ok(self.returned().is_some()));
        if let (Some(thread), Ok(())) = (self.thread.take(), ended) {
            let _ = thread.join();
        }
    }
}

/// What wakes whoever waits in this epoll, also when the epoll's number is
/// closed by then: an eventfd on its list, silent until it is written. It has
/// to stay open until they are awake: a closed fd is on no list.
pub fn alarm(epoll: &Epoll) -> Result<impl Fn() + Send + 'static> {
    let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).of_call("eventfd")?;
    let end = File::from(move_up(&end).of_call("fcntl(F_DUPFD_CLOEXEC)")?);
    let event = EpollEvent::new(IN, END);
    epoll.add(&end, event).of_call("epoll_ctl(ADD)")?;
    Ok(move || {
        let _ = (&end).write(&1_u64.to_ne_bytes());
    })
}

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

#[expect(deprecated, reason = "the number may be closed, the timeout odd")]
fn wait_raw(epfd: RawFd, events: &mut [EpollEvent], timeout: i32) -> nix::Result<usize> {
    nix::sys::epoll::epoll_wait(epfd, events, timeout as isize)
}

/// Waits until each of them sleeps in its call or has returned from it: those
/// that have returned.
pub fn settle(sleepers: &[Sleeper]) -> Result<Vec<usize>> {
    let deadline = Instant::now() + PATIENCE;
    let (mut agreed, mut last) = (0, None);
    while agreed < LOOKS {
        let mut back = Vec::new();
        let mut settled = true;
        for (index, sleeper) in sleepers.iter().enumerate() {
            // Back first: who sleeps in the look after that has not been woken.
            match sleeper.returned() {
                Some(_) => back.push(index),
                None => settled &= sleeper.sleeps()?,
            }
        }
        agreed = match settled && last.as_ref().is_none_or(|last| *last == back) {
            true => agreed + 1,
            false => 0,
        };
        last = settled.then_some(back);
        if Instant::now() > deadline {
            bail!("the threads do not come to rest");
        }
        thread::yield_now();
    }
    Ok(last.unwrap_or_default())
}

/// So many threads that sleep in one epoll, each for one event.
pub struct Crowd {
    /// Dropped first, when `end` is readable.
    threads: Vec<Sleeper>,
    epfd: RawFd,
    seen: Arc<Mutex<Vec<u64>>>,
    end: EventFd,
}

impl Crowd {
    /// Over when all sleep; the epoll must outlive the crowd.
    pub fn start(epoll: &Epoll, threads: usize) -> Result<Crowd> {
        let mut crowd = Crowd {
            threads: Vec::new(),
            epfd: epoll.0.as_raw_fd(),
            seen: Arc::default(),
            end: EventFd::from_flags(EfdFlags::EFD_CLOEXEC).context("eventfd")?,
        };
        // On the list from the start, and without interest: the end is a MOD.
        let silent = EpollEvent::new(nix::sys::epoll::EpollFlags::empty(), END);
        epoll
            .add(crowd.end.as_fd(), silent)
            .context("epoll_ctl(ADD)")?;
        for _ in 0..threads {
            let sleeper = Sleeper::waits_seen(crowd.epfd, Arc::clone(&crowd.seen))?;
            crowd.threads.push(sleeper);
        }
        crowd.settle()?;
        Ok(crowd)
    }

    /// Waits for rest: how many have returned.
    pub fn settle(&self) -> Result<usize> {
        Ok(settle(&self.threads)?.len())
    }

    /// What has been reported, by `data`.
    pub fn seen(&self) -> Vec<u64> {
        self.seen
            .lock()
            .map(|seen| seen.clone())
            .unwrap_or_default()
    }
}

impl Drop for Crowd {
    /// Level-triggered and never read: it wakes one after the other.
    #[expect(deprecated, reason = "the epoll's number is all that is kept")]
    fn drop(&mut self) {
        use nix::sys::epoll::{EpollOp, epoll_ctl};
        let _ = self.end.write(1);
        let raw = self.end.as_raw_fd();
        let mut event = EpollEvent::new(IN, END);
        let _ = epoll_ctl(self.epfd, EpollOp::EpollCtlMod, raw, &mut event);
        self.threads.clear();
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
        assert_eq!(settle(&sleepers).unwrap(), [0_usize; 0]);
        let tasks = sleepers
            .each_ref()
            .map(|sleeper| format!("/proc/self/task/{}", sleeper.tid));
        assert!(tasks.iter().all(|task| fs::exists(task).unwrap()));
        drop(epoll); // its number; the waits hold the rest
        drop(sleepers);
        until("the end of both", || {
            Ok(!tasks.iter().any(|task| fs::exists(task).unwrap_or(true)))
        })
        .unwrap();
    }
}
