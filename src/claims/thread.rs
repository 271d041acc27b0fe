//! What an experiment needs other threads for: a sleep that somebody else
//! watches or ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::unistd::gettid;

use crate::claims::patience::{PATIENCE, until};
use crate::lab::witness::{Look, Sleep, Witness, move_up};
use crate::sys::Socket;
use crate::trace::{Call, CallFailed, Fd, Name, OfCall};

/// Starts a thread; where the system has none left, an error that says so
/// (pthread_create(3)).
pub fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, CallFailed> {
    thread::Builder::new().spawn(work).of_call("pthread_create")
}

/// A thread, and what ends its sleep. Dropped, it is woken and joined: an
/// experiment that fails midway leaves nobody asleep.
pub struct Thread<T = ()> {
    pub witness: Witness,
    /// Under `/proc/self/task`.
    pub tid: i32,
    thread: Option<JoinHandle<Option<T>>>,
    /// Kept until the thread has ended: it may hold what the sleep is about.
    wake: Box<dyn Fn() -> bool>,
}

impl<T: Send + 'static> Thread<T> {
    /// `wake` makes each call return that `work` may sleep in, and says
    /// whether it could.
    pub fn start(
        work: impl FnOnce() -> T + Send + 'static,
        wake: impl Fn() -> bool + 'static,
    ) -> Result<Thread<T>> {
        let (out, opened) = mpsc::channel();
        let thread = spawn(move || {
            let tid = gettid().as_raw();
            let witness = Witness::open(tid).of_call("open(/proc/self/task/TID/stat)");
            let seen = witness.is_ok();
            let _ = out.send(witness.map(|witness| (witness, tid)));
            // Whom nobody can watch begins nothing.
            seen.then(work)
        })?;
        let (witness, tid) = opened.recv().context("a thread has died")??;
        Ok(Thread {
            witness,
            tid,
            thread: Some(thread),
            wake: Box::new(wake),
        })
    }
}

impl<T> Thread<T> {
    /// Whether its work is done.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end of its work, which something else brings about.
    pub fn join(&mut self) -> Result<T> {
        let thread = self.thread.take().context("a thread is joined twice")?;
        let ended = thread.join().ok().flatten();
        ended.context("a thread has panicked")
    }

    /// Wakes it, and waits for the end of its work.
    pub fn end(&mut self) -> Result<T> {
        if !self.wake() {
            bail!("a thread cannot be woken");
        }
        self.join()
    }

    fn wake(&self) -> bool {
        self.is_over() || (self.wake)()
    }
}

impl<T> Drop for Thread<T> {
    fn drop(&mut self) {
        // Where no word reaches it, better a thread left asleep than two.
        let ends = || until("the end of a thread", || Ok(self.is_over())).is_ok();
        if self.thread.is_some() && self.wake() && ends() {
            let _ = self.join();
        }
    }
}

/// Looks in a row that must agree before a thread counts as asleep.
pub const LOOKS: u32 = 3;

/// Waits until each of so many threads is back from its call or sleeps in it:
/// those that are back.
pub fn come_to_rest(
    threads: usize,
    is_back: impl Fn(usize) -> bool,
    sleeps: impl Fn(usize) -> Result<bool>,
) -> Result<Vec<usize>> {
    let deadline = Instant::now() + PATIENCE;
    let (mut agreed, mut last) = (0, None);
    while agreed < LOOKS {
        let mut back = Vec::new();
        let mut settled = true;
        for index in 0..threads {
            // Back first: who sleeps in the look after that has not been woken.
            match is_back(index) {
                true => back.push(index),
                false => settled &= sleeps(index)?,
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

/// What a thread does now; `current` is the call that it is in, if that is
/// known.
pub fn look(witness: &Witness, current: Option<Call>) -> Result<Look> {
    Ok(witness.look(current).of_call("read(/proc/PID/stat)")?)
}

/// Looks until a thread sleeps as `wanted`, or `over`; whether it does.
pub fn falls_asleep(
    witness: &Witness,
    current: Call,
    wanted: impl Fn(Sleep) -> bool,
    mut over: impl FnMut() -> bool,
) -> Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    let mut agreed = 0;
    while agreed < LOOKS {
        let look = look(witness, Some(current))?;
        agreed = match look {
            Look {
                sleep: Some(sleep), ..
            } if wanted(sleep) => agreed + 1,
            _ => 0,
        };
        if over() {
            return Ok(false);
        }
        if Instant::now() > deadline {
            bail!("a thread did not come to rest: state {}", look.state);
        }
        thread::yield_now();
    }
    Ok(true)
}

/// An epoll_wait without timeout, as a thread that sleeps in it is asked about.
pub const WAITS_FOR_EVER: Call = Call::EpollWait {
    epfd: Fd {
        raw: -1,
        name: Name::Plain,
    },
    maxevents: 1,
    timeout: -1,
};

/// True for a sleep that any ready fd can end.
pub fn for_anyone(sleep: Sleep) -> bool {
    matches!(sleep, Sleep::ForAnyone { .. })
}

/// Makes an eventfd readable, in a thread of its own, once the calling thread
/// sleeps in an epoll_wait without timeout.
pub fn write_once_asleep(eventfd: &Socket) -> Result<Thread<Result<()>>> {
    let sleeper = Witness::open(gettid().as_raw()).of_call("open(/proc/self/task/TID/stat)")?;
    let fd = move_up(eventfd).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&cancelled);
    let work = move || {
        let over = || over.load(Ordering::Relaxed);
        let asleep = falls_asleep(&sleeper, WAITS_FOR_EVER, for_anyone, over);
        // Also when it did not come to that: nobody shall sleep for ever.
        nix::unistd::write(&fd, &1_u64.to_ne_bytes()).of_call("write")?;
        asleep.map(drop)
    };
    Thread::start(work, move || {
        cancelled.store(true, Ordering::Relaxed);
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    use nix::sys::eventfd::EventFd;

    /// A thread that sleeps in read until it is woken, and then says so.
    fn reader(said: &Arc<AtomicBool>) -> Thread {
        let eventfd = Arc::new(EventFd::new().expect("eventfd"));
        let (end, said) = (Arc::clone(&eventfd), Arc::clone(said));
        let work = move || {
            nix::unistd::read(eventfd.as_fd(), &mut [0; 8]).expect("read");
            said.store(true, Ordering::SeqCst);
        };
        let wake = move || end.write(1) == Ok(8);
        Thread::start(work, wake).expect("a thread")
    }

    #[test]
    fn whoever_fails_midway_leaves_nobody_asleep() {
        let over = Arc::new(AtomicBool::new(false));
        let experiment = || -> Result<()> {
            let _asleep = reader(&over);
            bail!("a call has failed");
        };
        assert!(experiment().is_err());
        assert!(over.load(Ordering::SeqCst));
    }

    #[test]
    fn whoever_is_over_is_not_woken() {
        let mut thread = Thread::start(|| 7, || panic!("nobody sleeps")).expect("a thread");
        until("its end", || Ok(thread.is_over())).expect("in time");
        assert_eq!(thread.end().expect("a result"), 7);
        assert!(thread.join().is_err());
    }
}
