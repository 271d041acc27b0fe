//! What an experiment needs other threads for: a sleep that somebody else
//! watches or ends.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use nix::unistd::gettid;

use crate::claims::patience::PATIENCE;
use crate::claims::trial::{Conn, Trial};
use crate::lab::witness::{Look, Sleep, Witness, move_up};
use crate::sys::Socket;
use crate::trace::{Call, CallFailed, Fd, Name, OfCall, Record};

/// Starts a thread; where the system has none left, an error that says so
/// (pthread_create(3)).
pub fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, CallFailed> {
    thread::Builder::new().spawn(work).of_call("pthread_create")
}

/// Looks in a row that must agree before a thread counts as asleep.
pub const LOOKS: u32 = 3;

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
        let look = witness
            .look(Some(current))
            .of_call("read(/proc/PID/stat)")?;
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

/// A thread that writes once the one that made it sleeps in epoll_wait.
pub struct Writer {
    thread: JoinHandle<Result<()>>,
    cancelled: Arc<AtomicBool>,
}

/// Makes an eventfd readable, once the calling thread sleeps in an
/// epoll_wait without timeout.
pub fn write_once_asleep(eventfd: &Socket) -> Result<Writer> {
    let witness = Witness::open(gettid().as_raw()).of_call("open(/proc/self/task/TID/stat)")?;
    let fd = move_up(eventfd).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&cancelled);
    let thread = spawn(move || {
        let over = || over.load(Ordering::Relaxed);
        falls_asleep(&witness, WAITS_FOR_EVER, for_anyone, over)?;
        // Also when it did not come to that: nobody shall sleep for ever.
        nix::unistd::write(&fd, &1_u64.to_ne_bytes()).of_call("write")?;
        Ok(())
    })?;
    Ok(Writer { thread, cancelled })
}

impl Writer {
    /// Ends the thread.
    pub fn join(self) -> Result<()> {
        self.cancelled.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("a thread has panicked"))?
    }
}

/// A thread that reads until EAGAIN or the end of the file.
pub struct Drain {
    thread: Option<JoinHandle<()>>,
    received: Receiver<Result<Vec<u8>, Errno>>,
    witness: Witness,
    fd: Fd,
    length: usize,
    /// Bytes so far, and how it ended.
    pub bytes: usize,
    pub ended: Option<Errno>,
}

impl Drain {
    /// recv(2) in a loop, in a thread of its own.
    pub fn start(conn: &Conn, length: usize) -> Result<Drain> {
        let (raw, name) = (conn.socket.as_raw_fd(), conn.name);
        let (out, received) = mpsc::channel();
        let (tid_out, tid) = mpsc::channel();
        let thread = spawn(move || {
            let _ = tid_out.send(gettid().as_raw());
            let mut buffer = vec![0; length];
            loop {
                let result = recv(raw, &mut buffer, MsgFlags::empty());
                let over = !matches!(result, Ok(1..));
                let _ = out.send(result.map(|n| buffer[..n].to_vec()));
                if over {
                    return;
                }
            }
        })?;
        let tid = tid.recv().context("a thread has died")?;
        Ok(Drain {
            thread: Some(thread),
            received,
            witness: Witness::open(tid).of_call("open(/proc/self/task/TID/stat)")?,
            fd: Fd { raw, name },
            length,
            bytes: 0,
            ended: None,
        })
    }

    /// Waits until the loop has ended, or sleeps in recv: true if it sleeps.
    pub fn sleeps(&mut self, t: &mut Trial) -> Result<bool> {
        let (fd, length) = (self.fd, self.length);
        let in_recv = |sleep| matches!(sleep, Sleep::ForOne { fd: raw, .. } if raw == fd.raw);
        let thread = self.thread.as_ref();
        let over = || thread.is_none_or(JoinHandle::is_finished);
        let sleeps = falls_asleep(&self.witness, Call::Recv { fd, length }, in_recv, over)?;
        self.take_in(t);
        Ok(sleeps)
    }

    /// Waits for the end of the loop; something must have ended it.
    pub fn join(mut self, t: &mut Trial) -> Result<()> {
        let thread = self.thread.take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            bail!("a thread has panicked");
        }
        self.take_in(t);
        Ok(())
    }

    /// What the loop has received, into the trace.
    fn take_in(&mut self, t: &mut Trial) {
        let (fd, length) = (self.fd, self.length);
        for result in self.received.try_iter() {
            let count = result.as_ref().map(|data| data.len() as i32);
            let count = count.map_err(|errno| *errno);
            let mut record = Record::new(Call::Recv { fd, length }, count, 0, 0);
            self.ended = self.ended.or(result.as_ref().err().copied());
            record.data = result.unwrap_or_default();
            self.bytes += record.data.len();
            t.record(record);
        }
    }
}

impl Drop for Drain {
    /// An experiment that failed leaves no thread asleep.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = shutdown(self.fd.raw, Shutdown::Both);
            let _ = thread.join();
        }
    }
}
