//! Ctrl-C: the summary of what has been so far, and the exit status that the
//! shell expects.
//!
//! A thread that sleeps in recv notices no signal that is kept from it, so the
//! signal gets a thread of its own, which waits for it in sigwait(3).

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;

use crate::render::Screen;
use crate::shared::Shared;
use crate::witness::Witness;

/// Tells the signal thread that it is not needed any more.
const DISMISSED: Signal = Signal::SIGUSR1;

/// The signal thread, and the signals that are kept from all others.
#[derive(Debug)]
pub struct Interrupt {
    signals: SigSet,
    thread: JoinHandle<()>,
}

impl Interrupt {
    /// From now on SIGINT and SIGTERM end the process by way of the summary.
    /// To be called before any other thread is started: threads inherit what
    /// is blocked.
    pub fn summarize(shared: &Arc<Shared>, screen: &Arc<Mutex<Screen>>) -> Result<Interrupt> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, DISMISSED]);
        signals.thread_block().context("cannot block SIGINT")?;
        let (shared, screen) = (Arc::clone(shared), Arc::clone(screen));
        let thread = thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if let Ok(signal) = signals.wait()
                    && signal != DISMISSED
                {
                    end(signal, &signals, &shared, &screen);
                }
            })
            .context("cannot start the signal thread")?;
        Ok(Interrupt { signals, thread })
    }

    /// Ends the signal thread; Ctrl-C ends the process at once again.
    pub fn dismiss(self) -> Result<()> {
        kill(Pid::this(), DISMISSED).context("cannot send SIGUSR1")?;
        let _ = self.thread.join();
        self.signals
            .thread_unblock()
            .context("cannot unblock SIGINT")
    }
}

/// How long a server that is at work is given to come to rest.
const PATIENCE: Duration = Duration::from_millis(300);

/// Waits until the server sleeps, so that what its clients have seen is
/// counted; a server that never rests is not waited for.
fn wait_for_rest(shared: &Shared) {
    let Some(witness) = shared.lock().tid.and_then(|tid| Witness::open(tid).ok()) else {
        return;
    };
    let began = Instant::now();
    let mut before = None;
    while began.elapsed() < PATIENCE {
        let (steps, current) = {
            let state = shared.lock();
            (state.steps, state.current)
        };
        match witness.look(current) {
            Ok(look) if look.sleep.is_some() && before == Some(steps) => return,
            Ok(look) => before = look.sleep.map(|_| steps),
            Err(_) => return, // the thread has ended
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn end(signal: Signal, signals: &SigSet, shared: &Shared, screen: &Mutex<Screen>) {
    wait_for_rest(shared);
    if let Some(mut screen) = patiently_lock(screen) {
        // Nobody is left to be told that standard output is gone.
        let _ = screen.take_records(shared, &mut Vec::new());
        let report = shared.lock().report();
        if let Some(report) = report {
            let _ = screen.summary(&report);
        }
    }
    // By the signal itself, so that the shell sees what it was.
    let _ = signals.thread_unblock();
    let _ = raise(signal);
    // Still here: the signal is ignored.
    std::process::exit(128 + signal as i32);
}

/// The screen, unless somebody holds it who cannot get rid of his output.
fn patiently_lock(screen: &Mutex<Screen>) -> Option<MutexGuard<'_, Screen>> {
    for _ in 0..100 {
        match screen.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}
