//! A running program, followed until somebody has seen enough, and left as it
//! was found.

use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::lab::audience::{self, Event};
use crate::trace::totals::Totals;
use crate::trace::{Name, OfCall};
use crate::watch::launch;
use crate::watch::processor::Processor;
use crate::watch::rest::Settle;
use crate::watch::sleeper::Sleeper;
use crate::watch::state::{End, ServerEnd, Shared, State};
use crate::watch::tracer::{Target, Tracer};

/// Between two looks at what has happened.
const PAUSE: Duration = Duration::from_millis(10);

/// How long it may take to let go of it.
const PATIENCE: Duration = Duration::from_secs(3);

/// When it has been seen enough of, and what became of it then.
#[derive(Debug, Default)]
pub struct Ending {
    /// The signal that asked for it; 0: nobody has asked yet.
    pub signal: AtomicI32,
    /// The program has been let go; false: it could not be.
    pub let_go: OnceLock<bool>,
    /// All that there is to be told has been told.
    told: AtomicBool,
}

impl Ending {
    fn is_asked_for(&self) -> bool {
        self.signal.load(Ordering::Acquire) != 0
    }
}

/// What has been seen of it.
#[derive(Debug)]
pub struct Followed {
    /// Counts of its calls.
    pub totals: Totals,
    /// The server's ends of the connections, by client.
    pub ends: Vec<(Name, ServerEnd)>,
    /// It has ended meanwhile.
    pub end: Option<End>,
    /// Signals that could not be delivered.
    pub lost_signals: Vec<i32>,
    /// Ports that it listens on beside the one that is followed.
    pub others: Vec<String>,
}

/// Follows the process with all its threads and children, until it is asked
/// to end.
///
/// # Errors
///
/// The process may not be traced, or could not be let go; standard output.
pub fn follow(
    processor: &'static Processor,
    process: i32,
    port: Option<u16>,
    audience: &audience::Shared,
    ending: &Ending,
) -> Result<Followed> {
    let mut state = State::new(port, 0);
    state.limit = usize::MAX;
    let shared = Arc::new(Shared::new(state));
    let seen = Arc::clone(&shared);
    let bell = launch::prepare_to_ring()?;
    let told = thread::scope(|scope| -> Result<()> {
        // Before anybody is traced, and whatever becomes of the telling.
        thread::Builder::new()
            .spawn_scoped(scope, || let_go(&shared, ending, bell))
            .of_call("pthread_create")?;
        let tracer = thread::Builder::new()
            .name("tracer".into())
            .spawn(move || Tracer::run(processor, seen, Target::Attach(process)))
            .of_call("pthread_create");
        shared.lock().gone |= tracer.is_err();
        let told = tracer.map_err(Into::into);
        let told = told.and_then(|_| tell_all(processor, &shared, audience, ending));
        ending.told.store(true, Ordering::Release);
        told
    });
    if ending.let_go.get() == Some(&false) {
        let seconds = PATIENCE.as_secs();
        bail!("process {process} could not be let go within {seconds} s");
    }
    told?;
    let state = shared.lock();
    if let Some(error) = &state.error {
        bail!(error.clone());
    }
    Ok(Followed {
        totals: state.totals.clone(),
        ends: state
            .ends
            .iter()
            .map(|(index, end)| (Name::Client(*index), *end))
            .collect(),
        end: state.end,
        lost_signals: state.lost_signals.iter().copied().collect(),
        others: state.others.iter().cloned().collect(),
    })
}

/// Lets the program go as soon as it has been seen enough of: whoever writes
/// meanwhile may have to wait for a reader.
fn let_go(shared: &Shared, ending: &Ending, bell: Option<ChildStdin>) {
    let is_over = || {
        let asked = ending.is_asked_for() || ending.told.load(Ordering::Acquire);
        asked || shared.lock().gone
    };
    while !is_over() {
        thread::sleep(PAUSE);
    }
    shared.lock().detach = true;
    drop(bell);
    let began = Instant::now();
    while !shared.lock().gone && began.elapsed() < PATIENCE {
        thread::sleep(PAUSE);
        // Where there is no process to be had, there may be one soon.
        let _ = launch::ring();
    }
    let _ = ending.let_go.set(shared.lock().gone);
}

fn tell_all(
    processor: &Processor,
    shared: &Shared,
    audience: &audience::Shared,
    ending: &Ending,
) -> Result<()> {
    let mut told: Option<u64> = None;
    let mut quiet = true;
    loop {
        let records: Vec<_> = shared.lock().records.drain(..).collect();
        if records.is_empty() && !quiet {
            audience.tell(&Event::Finish)?;
        }
        quiet = records.is_empty();
        for record in &records {
            audience.tell(&Event::Call(record))?;
        }
        if ending.is_asked_for() || shared.lock().gone {
            return Ok(());
        }
        let settle = Settle {
            processor,
            shared,
            clients: &mut [],
            wait: PAUSE,
        };
        if records.is_empty()
            && let Some(sleeper) = settle.asleep_now().filter(Sleeper::is_for_one)
            && told != Some(sleeper.asleep.steps)
        {
            told = Some(sleeper.asleep.steps);
            if let Some(call) = &sleeper.whole {
                audience.tell(&Event::DoesNotReturn(call))?;
            }
        }
        thread::sleep(PAUSE);
    }
}
