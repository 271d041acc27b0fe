//! A running program, followed until somebody has seen enough, and left as it
//! was found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Follows the process with all its threads and children, until `enough`.
pub fn follow(
    processor: &'static Processor,
    process: i32,
    port: Option<u16>,
    audience: &audience::Shared,
    enough: &AtomicBool,
) -> Result<Followed> {
    let mut state = State::new(port, 0);
    state.limit = usize::MAX;
    let shared = Arc::new(Shared::new(state));
    let seen = Arc::clone(&shared);
    let tracer = thread::Builder::new()
        .name("tracer".into())
        .spawn(move || Tracer::run(processor, seen, Target::Attach(process)))
        .of_call("pthread_create")?;
    let told = tell_all(processor, &shared, audience, enough);
    // Whatever has become of the telling, the program is let go.
    shared.lock().detach = true;
    let began = Instant::now();
    while !shared.lock().gone && began.elapsed() < PATIENCE {
        launch::ring()?;
        thread::sleep(PAUSE);
    }
    if shared.lock().gone {
        let _ = tracer.join();
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

fn tell_all(
    processor: &Processor,
    shared: &Shared,
    audience: &audience::Shared,
    enough: &AtomicBool,
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
        if enough.load(Ordering::Acquire) || shared.lock().gone {
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
