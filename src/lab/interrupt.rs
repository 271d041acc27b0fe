//! Ctrl-C: the summary of what has been so far, and the exit status that the
//! shell expects.
//!
//! A thread that sleeps in recv notices no signal that is kept from it, so the
//! signal gets a thread of its own, which waits for it in sigwait(3).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;

use crate::lab::audience::{Audience, Event, OutputError, Shared};
use crate::lab::board::Board;
use crate::lab::report::scene::{Scene, Stuck};
use crate::lab::report::{EventLoop, Summary};
use crate::lab::tcp_table::TcpTable;
use crate::lab::witness::{Sleep, Witness};
use crate::sys::journal::Batch;
use crate::trace::totals::Totals;
use crate::trace::{Call, OfCall};

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
    pub fn summarize(board: &Arc<Board>, audience: &Shared) -> Result<Interrupt> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, DISMISSED]);
        signals.thread_block().context("cannot block SIGINT")?;
        let (board, audience) = (Arc::clone(board), audience.clone());
        let dismissed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&dismissed);
        let thread = thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                while let Ok(signal) = signals.wait() {
                    match signal {
                        DISMISSED if seen.load(Ordering::Acquire) => return,
                        DISMISSED => {}
                        signal => end(signal, &board, &audience),
                    }
                }
            })
            .of_call("pthread_create")?;
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

/// The exit status after this signal, as a shell has it; 0: there was none.
pub fn status_after(signal: i32) -> u8 {
    match signal {
        0 => 0,
        signal => (128 + signal) as u8,
    }
}

/// How long whoever tells something is given to come to the end of it.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How long a server that is at work is given to come to rest.
const PATIENCE: Duration = Duration::from_millis(300);

/// A server that was seen asleep.
struct Rest {
    sleep: Sleep,
    /// Its steps by then ([`State::steps`](crate::sys::journal::State::steps)).
    steps: u64,
    witness: Witness,
}

impl Rest {
    /// Nobody has woken it since. What arrives wakes it at once, long before
    /// it has read any of it.
    fn goes_on(&self, current: Option<Call>) -> bool {
        let look = self.witness.look(current).ok();
        look.and_then(|look| look.sleep) == Some(self.sleep)
    }
}

/// Waits until the server sleeps, so that what its clients have seen is
/// counted; a server that never rests is not waited for.
fn wait_for_rest(board: &Board) -> Option<Rest> {
    let (tid, journal) = {
        let notes = board.lock();
        (notes.tid?, Arc::clone(&notes.journal))
    };
    let witness = Witness::open(tid).ok()?;
    let began = Instant::now();
    let mut before = None;
    while began.elapsed() < PATIENCE {
        let (steps, current) = {
            let state = journal.lock();
            (state.steps, state.current)
        };
        match witness.look(current) {
            Ok(look) if before == Some(steps) && look.sleep.is_some() => {
                let sleep = look.sleep?;
                return Some(Rest {
                    sleep,
                    steps,
                    witness,
                });
            }
            Ok(look) => before = look.sleep.map(|_| steps),
            Err(_) => return None, // the thread has ended
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

/// How a run ended, all of it of one moment.
#[derive(Default)]
struct Last {
    /// What nobody has heard of yet.
    records: Batch,
    /// The call that has begun and will not return any more: it counts.
    begun: Option<Call>,
    /// `None`: nothing is being run.
    summary: Option<Summary>,
}

impl Last {
    /// `rest`: see [`wait_for_rest`]. The server can make no further call
    /// known while this looks.
    fn of(board: &Board, rest: Option<Rest>) -> Last {
        let mut last = Last::default();
        let mut guard = board.lock();
        let notes = &mut *guard;
        let mut state = notes.journal.take(&mut last.records);
        let rest = rest.filter(|rest| rest.steps == state.steps);
        if let Some(Sleep::ForOne { .. }) = rest.as_ref().map(|rest| rest.sleep) {
            last.begun = state.current;
        }
        if let Some(call) = &last.begun {
            state.totals.count_begun(call);
        }
        let Some(run) = &notes.run else { return last };
        // How much is unread only the kernel can say.
        if let Some(address) = notes.address {
            let ends = TcpTable::open(&address).and_then(|table| table.server_ends(address));
            for end in ends.unwrap_or_default() {
                let mut open = state.totals.connections.values_mut();
                if let Some(connection) =
                    open.find(|c| !c.closed && c.peer.is_some_and(|peer| end.is_of(peer)))
                {
                    connection.unread = end.unread;
                }
            }
            if run.clients == 0 {
                // Bytes that have come meanwhile are unread, and not stranded.
                let rest = rest.filter(|rest| rest.goes_on(state.current));
                let sleep = rest.map(|rest| rest.sleep);
                note_outside(&mut notes.scene, &state.totals, run.api, sleep, last.begun);
            }
        }
        last.summary = Some(Summary::new(run, &state.totals, &notes.scene));
        last
    }
}

/// Where the clients are not the lab's: whether the server sleeps for one of
/// them, or beside bytes that nothing will report.
fn note_outside(
    scene: &mut Scene,
    totals: &Totals,
    api: EventLoop,
    sleep: Option<Sleep>,
    begun: Option<Call>,
) {
    match (sleep, api) {
        (Some(Sleep::ForAnyone { .. }), _) => {
            let open = totals.connections.values().filter(|c| !c.closed);
            scene.stranded_outside = open.map(|connection| connection.unread).sum();
        }
        // The server without multiplexing sleeps like that by design.
        (Some(Sleep::ForOne { .. }), EventLoop::None) | (None, _) => {}
        (Some(Sleep::ForOne { call, .. }), _) => {
            if let Some(fd) = begun.and_then(|call| call.fd()) {
                scene.stuck.get_or_insert(Stuck {
                    call,
                    fd,
                    starved: Vec::new(),
                    sent: 0,
                });
            }
        }
    }
}

fn end(signal: Signal, board: &Board, audience: &Shared) {
    let rest = wait_for_rest(board);
    // Kept to the end: nobody else is heard after the summary.
    let mut audience = audience.last_word(LAST_WORD);
    if let Some(audience) = &mut audience {
        // Nobody is left to be told that standard output is gone.
        let _ = tell(&mut **audience, &Last::of(board, rest));
    }
    // By the signal itself, so that the shell sees what it was; and by no
    // other that may be pending.
    let _ = SigSet::from(signal).thread_unblock();
    let _ = raise(signal);
    // Still here: the signal is ignored.
    std::process::exit(status_after(signal as i32).into());
}

fn tell(audience: &mut dyn Audience, last: &Last) -> Result<(), OutputError> {
    audience.hear(&Event::Interrupted)?;
    for record in last.records.iter() {
        audience.hear(&Event::Call(record))?;
    }
    if let Some(call) = &last.begun {
        audience.hear(&Event::DoesNotReturn(call))?;
    }
    if let Some(summary) = &last.summary {
        audience.hear(&Event::Summary(summary))?;
    }
    audience.flush()
}
