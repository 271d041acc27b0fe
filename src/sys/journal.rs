//! What the server thread and the lab both see, under one lock.

use std::mem;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::lab::report::Report;

use crate::lab::report::Run;
use crate::lab::report::scene::Scene;
use crate::trace::totals::Totals;
use crate::trace::{Call, Record};

/// Records that may wait for the lab before the server has to.
const MOST_RECORDS: usize = 8192;
/// Bytes of data that those records may hold.
const MOST_BYTES: usize = 1 << 20;

/// Who wants the records of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The lab: it follows the trace.
    Records,
    /// Nobody: the calls are counted, and that is all.
    Counts,
}

/// See [`State`].
#[derive(Debug, Default)]
pub struct Shared {
    state: Mutex<State>,
    /// The lab has taken the records.
    room: Condvar,
}

/// The server's whereabouts, and what a run has come to so far.
#[derive(Debug, Default)]
pub struct State {
    /// What is being run.
    pub run: Option<Run>,
    /// The server's thread.
    pub tid: Option<i32>,
    /// Calls entered so far: the same number at two looks means that the
    /// server has done nothing in between.
    pub steps: u64,
    /// The call that was entered last. A server that sleeps sleeps in it.
    pub current: Option<Call>,
    /// The listening socket, once it listens.
    pub listener: Option<RawFd>,
    /// Its address, once the lab has asked for it.
    pub address: Option<SocketAddr>,
    /// The server's part of it, counted at each return.
    pub totals: Totals,
    /// The lab's part of the story.
    pub scene: Scene,
    /// What the lab has not taken yet.
    records: Vec<Record>,
    bytes: usize,
    /// Whoever makes the calls takes the records too, and must not wait for
    /// himself.
    unbounded: bool,
}

impl Shared {
    /// For one thread that makes the calls and takes the records.
    pub fn unbounded() -> Shared {
        Shared {
            state: Mutex::new(State {
                unbounded: true,
                ..State::default()
            }),
            room: Condvar::new(),
        }
    }

    /// The state, locked.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // Counters stay right whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server is about to make `call`; `returned` is what has returned
    /// since it made the last one. One lock for both: what the server does
    /// between two calls nobody can see, and a call costs little.
    pub fn enter(&self, call: Option<Call>, returned: Option<&mut Record>, follow: Follow) {
        let mut state = self.lock();
        if let Some(record) = returned {
            state.count(record);
            if follow == Follow::Records {
                state = self.keep(mem::take(record), state);
            }
        }
        state.steps += 1;
        state.current = call;
    }

    /// Keeps a record for the lab. If there are too many, waits until it has
    /// taken them.
    fn keep<'a>(&self, record: Record, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.bytes += record.data.len();
        state.records.push(record);
        while state.is_full() {
            let woken = self.room.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Moves the records that have come into `records`, which is empty.
    pub fn take(&self, records: &mut Vec<Record>) {
        let mut state = self.lock();
        let was_full = state.is_full();
        mem::swap(&mut state.records, records);
        state.bytes = 0;
        drop(state);
        if was_full {
            self.room.notify_one();
        }
    }
}

impl State {
    /// The state at the start of a run.
    pub fn of(run: &Run) -> State {
        State {
            run: Some(run.clone()),
            ..State::default()
        }
    }

    /// What the run has come to so far.
    pub fn report(&self) -> Option<Report> {
        let run = self.run.as_ref()?;
        Some(Report::new(run, &self.totals, &self.scene))
    }

    fn count(&mut self, record: &Record) {
        self.totals.count(record);
        if let (Call::Listen { fd, .. }, Ok(_)) = (record.call, record.result) {
            self.listener = Some(fd.raw);
        }
    }

    fn is_full(&self) -> bool {
        !self.unbounded && (self.records.len() >= MOST_RECORDS || self.bytes >= MOST_BYTES)
    }
}
