//! Ctrl-C: the summary of what has been so far, and the exit status that the
//! shell expects.
//!
//! A thread that sleeps in recv notices no signal that is kept from it, so the
//! signal gets a thread of its own, which waits for it in sigwait(3).

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;

use crate::show::Screen;

use crate::lab::report::Api;
use crate::lab::report::scene::Stuck;
use crate::lab::tcp_table::TcpTable;
use crate::lab::witness::{Sleep, Witness};
use crate::show::tell;
use crate::sys::journal::Shared;
use crate::trace::Call;

/// Tells the signal thread that it is not needed any more.
const DISMISSED: Signal = Signal::SIGUSR1;

/// The signal thread, and the signals that are kept from all others.
#[derive(Debug)]
pub struct Interrupt {
    signals: SigSet,
    thread: JoinHandle<()>,
    /// The signal thread may end: anybody can send SIGUSR1.
    dismissed: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on SIGINT and SIGTERM end the process by way of the summary.
    /// To be called before any other thread is started: threads inherit what
    /// is blocked.
    pub fn summarize(shared: &Arc<Shared>, screen: &Arc<Mutex<Screen>>) -> Result<Interrupt> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, DISMISSED]);
        signals.thread_block().context("cannot block SIGINT")?;
        let (shared, screen) = (Arc::clone(shared), Arc::clone(screen));
        let dismissed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&dismissed);
        let thread = thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                while let Ok(signal) = signals.wait() {
                    match signal {
                        DISMISSED if seen.load(Ordering::Acquire) => return,
                        DISMISSED => {}
                        signal => end(signal, &shared, &screen),
                    }
                }
            })
            .context("cannot start the signal thread")?;
        Ok(Interrupt {
            signals,
            thread,
            dismissed,
        })
    }

    /// Ends the signal thread; Ctrl-C ends the process at once again.
    pub fn dismiss(self) -> Result<()> {
        self.dismissed.store(true, Ordering::Release);
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
/// counted; a server that never rests is not waited for. Also its steps so far
/// ([`State::steps`](crate::sys::journal::State::steps)).
fn wait_for_rest(shared: &Shared) -> Option<(Sleep, u64)> {
    let tid = shared.lock().tid?;
    let witness = Witness::open(tid).ok()?;
    let began = Instant::now();
    let mut before = None;
    while began.elapsed() < PATIENCE {
        let (steps, current) = {
            let state = shared.lock();
            (state.steps, state.current)
        };
        match witness.look(current) {
            Ok(look) if before == Some(steps) && look.sleep.is_some() => {
                return look.sleep.map(|sleep| (sleep, steps));
            }
            Ok(look) => before = look.sleep.map(|_| steps),
            Err(_) => return None, // the thread has ended
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

/// What stands in the kernel at the end: how much is unread, and for clients
/// that are not the lab's, whether the server sleeps for one of them. Gives the
/// call that has begun and will not return any more: it counts.
fn note_the_end(shared: &Shared, rest: Option<(Sleep, u64)>) -> Option<Call> {
    let mut guard = shared.lock();
    let state = &mut *guard;
    let sleep = rest.filter(|(_, steps)| *steps == state.steps);
    let sleep = sleep.map(|(sleep, _)| sleep);
    let begun = match sleep {
        Some(Sleep::ForOne { .. }) => state.current,
        _ => None,
    };
    if let Some(call) = &begun {
        state.totals.count_begun(call);
    }
    let (Some(run), Some(address)) = (&state.run, state.address) else {
        return begun;
    };
    let table = TcpTable::open(&address).and_then(|table| table.server_ends(address.port()));
    for (port, end) in table.unwrap_or_default() {
        let mut open = state.totals.connections.values_mut();
        if let Some(connection) = open.find(|c| c.port == port && !c.closed) {
            connection.unread = end.unread;
        }
    }
    if run.clients > 0 {
        return begun;
    }
    let open = state.totals.connections.values().filter(|c| !c.closed);
    match (sleep, run.api) {
        (Some(Sleep::ForAnyone { .. }), _) => {
            state.scene.stranded_outside = open.map(|connection| connection.unread).sum();
        }
        (Some(Sleep::ForOne { .. }), Api::None) | (None, _) => {}
        (Some(Sleep::ForOne { call, .. }), _) => {
            if let Some(fd) = begun.and_then(|call| call.fd()) {
                state.scene.stuck.get_or_insert(Stuck {
                    call,
                    fd,
                    starved: Vec::new(),
                    sent: 0,
                });
            }
        }
    }
    begun
}

fn end(signal: Signal, shared: &Shared, screen: &Mutex<Screen>) {
    let rest = wait_for_rest(shared);
    let begun = note_the_end(shared, rest);
    // The terminal has shown ^C, and perhaps a prompt, on a line of its own.
    if io::stderr().is_terminal() {
        tell("");
    }
    // Kept to the end: nobody else prints after the summary.
    let mut screen = patiently_lock(screen);
    if let Some(screen) = &mut screen {
        // Nobody is left to be told that standard output is gone.
        let _ = screen.take_records(shared, &mut Vec::new());
        if let Some(call) = begun {
            let _ = screen.does_not_return(&call);
        }
        let report = shared.lock().report();
        if let Some(report) = report {
            let _ = screen.summary(&report);
        }
    }
    // By the signal itself, so that the shell sees what it was; and by no
    // other that may be pending.
    let _ = SigSet::from(signal).thread_unblock();
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
