//! Ctrl-C: the summary of what has been so far, and the exit status that the
//! shell expects.
//!
//! A thread that sleeps in recv notices no signal that is kept from it, so the
//! signal gets a thread of its own, which waits for it in sigwait(3).

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, raise};

use crate::render::Screen;
use crate::report::{Report, Run};
use crate::shared::Shared;

/// From now on SIGINT and SIGTERM end the process by way of the summary. To be
/// called before any other thread is started: threads inherit what is blocked.
pub fn summarize_on_signal(
    run: &Run,
    shared: &Arc<Shared>,
    screen: &Arc<Mutex<Screen>>,
) -> Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context("cannot block SIGINT")?;
    let (run, shared, screen) = (run.clone(), Arc::clone(shared), Arc::clone(screen));
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let Ok(signal) = signals.wait() else { return };
            if let Some(mut screen) = patiently_lock(&screen) {
                let report = {
                    let state = shared.lock();
                    Report::new(&run, &state.totals, &state.scene)
                };
                // Nobody is left to be told that standard output is gone.
                let _ = screen.summary(&report);
            }
            // By the signal itself, so that the shell sees what it was.
            let _ = signals.thread_unblock();
            let _ = raise(signal);
            // Still here: the signal is ignored.
            std::process::exit(128 + signal as i32);
        })
        .context("cannot start the signal thread")?;
    Ok(())
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
