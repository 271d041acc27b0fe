//! What the server has done so far, under one lock: the calls that returned,
//! the one it is in, and what they add up to.
//!
//! The server writes, whoever follows it reads. Whoever holds the lock takes no
//! other, so the server never waits for somebody who waits for it.

use std::mem;
use std::ops::Deref;
use std::os::fd::RawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::trace::totals::Totals;
use crate::trace::{Call, Record};

/// Records that may wait for their reader before the server has to.
const MOST_RECORDS: usize = 8192;
/// Bytes of data that those records may hold.
const MOST_BYTES: usize = 1 << 20;

/// Records in the order in which the calls returned. Their room is used again
/// and again.
#[derive(Debug, Default)]
pub struct Batch {
    records: Vec<Record>,
    /// How many of them are new.
    new: usize,
}

impl Batch {
    /// Takes a record in, and gives an old one for it.
    fn exchange(&mut self, record: &mut Record) {
        if self.new == self.records.len() {
            self.records.push(Record::default());
        }
        mem::swap(&mut self.records[self.new], record);
        self.new += 1;
    }

    /// The records for good.
    pub fn into_records(mut self) -> Vec<Record> {
        self.records.truncate(self.new);
        self.records
    }
}

impl Deref for Batch {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        &self.records[..self.new]
    }
}

/// Who wants the records of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Somebody follows the trace, and sees times in it.
    Timed,
    /// Somebody follows it, and sees no times: nobody asks the clock.
    Records,
    /// Nobody: the calls are counted, and that is all.
    Counts,
}

/// See [`State`].
#[derive(Debug, Default)]
pub struct Journal {
    state: Mutex<State>,
    /// The records have been taken.
    room: Condvar,
    /// Nobody holds the server any more.
    released: Condvar,
}

/// Where a server is, and what its calls have come to.
#[derive(Debug, Default)]
pub struct State {
    /// Calls entered so far: the same number at two looks means that the
    /// server has done nothing in between.
    pub steps: u64,
    /// The call that was entered last. A server that sleeps sleeps in it.
    pub current: Option<Call>,
    /// The wait that it has come to, and is held before.
    pub held: Option<Call>,
    /// It is to be held before its next wait.
    hold: bool,
    /// The listening socket, once it listens.
    pub listener: Option<RawFd>,
    /// The epoll instance, once it has one.
    pub epoll: Option<RawFd>,
    /// Counted at each return.
    pub totals: Totals,
    /// What nobody has taken yet.
    records: Batch,
    bytes: usize,
    /// Whoever makes the calls takes the records too, and must not wait for
    /// himself.
    unbounded: bool,
}

impl Journal {
    /// For one thread that makes the calls and takes the records.
    pub fn unbounded() -> Journal {
        Journal {
            state: Mutex::new(State {
                unbounded: true,
                ..State::default()
            }),
            room: Condvar::new(),
            released: Condvar::new(),
        }
    }

    /// The state, locked.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // Counters stay right whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server is about to make `call`; `returned` is what has returned
    /// since it made the last one. One lock for both: what the server does
    /// between two calls nobody can see, and a call costs little.
    #[inline]
    pub fn enter(&self, call: Option<Call>, returned: Option<&mut Record>, follow: Follow) {
        let mut state = self.lock();
        if let Some(record) = returned {
            state.count(record);
            if follow != Follow::Counts {
                state = self.keep(record, state);
            }
        }
        if state.hold && call.is_some_and(|call| call.is_wait()) {
            state = self.stay(call, state);
        }
        state.steps += 1;
        state.current = call;
    }

    /// From here on the server comes to its next wait and no further, as one
    /// that is still busy: see [`State::held`].
    pub fn hold(&self) {
        self.lock().hold = true;
    }

    /// It goes on.
    pub fn release(&self) {
        let mut state = self.lock();
        (state.hold, state.held) = (false, None);
        self.released.notify_one();
    }

    /// Stays before the wait `call` for as long as the server is held.
    fn stay<'a>(
        &self,
        call: Option<Call>,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        while state.hold {
            state.held = call;
            let woken = self.released.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Keeps a record for whoever follows. If there are too many, waits until
    /// they have been taken.
    fn keep<'a>(
        &self,
        record: &mut Record,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        state.bytes += record.data.len();
        state.records.exchange(record);
        while state.is_full() {
            let woken = self.room.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Moves the records that have come into `records`; what was in it has been
    /// told. The state that goes with them, still locked, is of the same moment:
    /// its totals count these records and none that come later.
    pub fn take(&self, records: &mut Batch) -> MutexGuard<'_, State> {
        records.new = 0;
        let mut state = self.lock();
        if state.is_full() {
            // It wakes when the lock is free.
            self.room.notify_one();
        }
        mem::swap(&mut state.records, records);
        state.bytes = 0;
        state
    }
}

impl State {
    #[inline]
    fn count(&mut self, record: &Record) {
        self.totals.count(record);
        match (record.call, record.result) {
            (Call::Listen { fd, .. }, Ok(_)) => self.listener = Some(fd.raw),
            (Call::EpollCreate1, Ok(fd)) => self.epoll = Some(fd),
            _ => {}
        }
    }

    fn is_full(&self) -> bool {
        !self.unbounded && (self.records.len() >= MOST_RECORDS || self.bytes >= MOST_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Fd, Name};

    #[test]
    fn what_is_taken_and_what_is_counted_are_of_one_moment() {
        let journal = Journal::default();
        let mut all = 0;
        let mut taken = Batch::default();
        for calls in [1, 3, 2] {
            for _ in 0..calls {
                let mut record = Record {
                    call: Call::EpollWait {
                        epfd: Fd {
                            raw: 4,
                            name: Name::Plain,
                        },
                        maxevents: 8,
                        timeout: -1,
                    },
                    ..Record::default()
                };
                journal.enter(Some(record.call), Some(&mut record), Follow::Records);
            }
            let state = journal.take(&mut taken);
            all += taken.len() as u64;
            assert_eq!(taken.len(), calls);
            assert_eq!((state.totals.returns, state.steps), (all, all));
            assert!(state.current.is_some());
            drop(state);
        }
    }

    #[test]
    fn calls_that_nobody_follows_are_counted_and_not_kept() {
        let journal = Journal::default();
        let mut record = Record::new(Call::Socket, Err(nix::errno::Errno::EMFILE), 0, 0);
        journal.enter(None, Some(&mut record), Follow::Counts);
        let mut taken = Batch::default();
        let state = journal.take(&mut taken);
        assert!(taken.is_empty() && state.current.is_none());
        assert_eq!(state.totals.faults.len(), 1);
    }
}
