//! What the lab knows of the run that is on, where a Ctrl-C finds it.
//!
//! The locks of a run are taken in this order: the audience's, the board's,
//! the journal's. Whoever holds one of them takes only those behind it, so
//! nobody waits for somebody who waits for him. The server takes the journal's
//! alone.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lab::report::scene::Scene;
use crate::lab::report::{Run, Summary};
use crate::sys::journal::Journal;

/// See [`Notes`].
#[derive(Debug, Default)]
pub struct Board(Mutex<Notes>);

/// The lab's side of a run; the server's is in its journal.
#[derive(Debug, Default)]
pub struct Notes {
    /// What is being run.
    pub run: Option<Run>,
    /// Where its server's calls are.
    pub journal: Arc<Journal>,
    /// The server's thread.
    pub tid: Option<i32>,
    /// Where the server listens, once the lab has asked for it.
    pub address: Option<SocketAddr>,
    /// The clients, and what was seen from outside.
    pub scene: Scene,
}

impl Board {
    /// The notes, locked.
    pub fn lock(&self) -> MutexGuard<'_, Notes> {
        // Each of them is right by itself, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wipes it for a run whose calls are kept in `journal`.
    pub fn begin(&self, run: &Run, journal: &Arc<Journal>) {
        *self.lock() = Notes {
            run: Some(run.clone()),
            journal: Arc::clone(journal),
            ..Notes::default()
        };
    }

    /// The run is over, and its summary is told.
    pub fn clear(&self) {
        self.lock().run = None;
    }

    /// What the run has come to so far; `None`: nothing was run.
    pub fn summary(&self) -> Option<Summary> {
        let notes = self.lock();
        let totals = &notes.journal.lock().totals;
        let run = notes.run.as_ref()?;
        Some(Summary::new(run, totals, &notes.scene))
    }
}
