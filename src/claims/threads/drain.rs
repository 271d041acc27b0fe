//! A thread that drains a socket, which may put it to sleep.

use std::os::fd::AsRawFd;
use std::sync::mpsc::{self, Receiver};

use anyhow::Result;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::claims::thread::{Thread, falls_asleep};
use crate::claims::trial::{Conn, Trial};
use crate::lab::witness::Sleep;
use crate::trace::{Call, Fd, Record};

/// A thread that reads until EAGAIN or the end of the file.
pub struct Drain {
    thread: Thread,
    received: Receiver<Result<Vec<u8>, Errno>>,
    fd: Fd,
    length: usize,
}

impl Drain {
    /// recv(2) in a loop, in a thread of its own.
    pub fn start(conn: &Conn, length: usize) -> Result<Drain> {
        let (raw, name) = (conn.socket.as_raw_fd(), conn.name);
        let (out, received) = mpsc::channel();
        let work = move || {
            let mut buffer = vec![0; length];
            loop {
                let result = recv(raw, &mut buffer, MsgFlags::empty());
                let over = !matches!(result, Ok(1..));
                let _ = out.send(result.map(|n| buffer[..n].to_vec()));
                if over {
                    return;
                }
            }
        };
        Ok(Drain {
            thread: Thread::start(work, conn.hang_up()?)?,
            received,
            fd: Fd { raw, name },
            length,
        })
    }

    /// Waits until the loop has ended, or sleeps in recv: true if it sleeps.
    pub fn sleeps(&mut self, t: &mut Trial) -> Result<bool> {
        let (fd, length) = (self.fd, self.length);
        let in_recv = |sleep| matches!(sleep, Sleep::ForOne { fd: raw, .. } if raw == fd.raw);
        let over = || self.thread.is_over();
        let witness = &self.thread.witness;
        let sleeps = falls_asleep(witness, Call::Recv { fd, length }, in_recv, over)?;
        self.take_in(t);
        Ok(sleeps)
    }

    /// Waits for the end of the loop; something must have ended it.
    pub fn join(mut self, t: &mut Trial) -> Result<()> {
        self.thread.join()?;
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
            record.data = result.unwrap_or_default();
            t.record(record);
        }
    }
}
