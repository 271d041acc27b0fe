//! Who hears what happens, and what there is to be heard.
//!
//! The lab tells one stream of [`Event`]s and shows nothing itself: whoever
//! listens decides what to make of it. The formats of a screen are listeners,
//! and so is whatever else wants to know of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::lab::report::scene::{Asleep, Blocked, Step};
use crate::lab::report::{Run, Summary};
use crate::trace::{Call, Name, Record, io_error_text};

/// What happens, in the order in which it happened.
///
/// A run is [`Run`](Event::Run), then calls, steps and what is seen from
/// outside, then [`Summary`](Event::Summary). A listener leaves out what it has
/// no use for.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What is about to be run.
    Run(&'a Run),
    /// An experiment begins that is none of the servers.
    Trial(&'static str),
    /// The server can be reached, by clients from outside.
    Listening(SocketAddr),
    /// The calls of the set-up, where they come together.
    SetUp(&'a [Record]),
    /// One part of a run begins, in the words of its heading.
    Act(&'a str),
    /// A call has returned.
    Call(&'a Record),
    /// Calls that returned, and are not told one by one.
    Folded(&'a Folded),
    /// So many reports of a client are not among the calls.
    Unseen(Name, u64),
    /// A call has been entered in which the server sleeps for one client.
    DoesNotReturn(&'a Call),
    /// The server has come to rest: all that was sent has arrived, and it
    /// sleeps here.
    Rest(&'a Asleep),
    /// A client takes a step.
    Step(&'a Step),
    /// What /proc says of a server that sleeps for one client, at once: what
    /// follows may take its time.
    Evidence(&'a Blocked),
    /// The server asleep for one client while others wait; `stall`: how long
    /// that was to be watched.
    Blocked {
        /// Who waits, and how long that was seen.
        blocked: &'a Blocked,
        /// As it was asked for.
        stall: Duration,
    },
    /// Bytes unread although the server sleeps where a report would wake it.
    Stranded {
        /// How many bytes, by client.
        unread: &'a [(Name, u64)],
        /// Where it sleeps.
        asleep: &'a Asleep,
    },
    /// The listener is shut down, which ends the run.
    ShutDown {
        /// Where the server slept until then.
        asleep: &'a Asleep,
        /// Nanoseconds from the start of the run.
        at_ns: u64,
    },
    /// The server has come to an end of its own: which.
    Ended(&'a str),
    /// What no call and no step says.
    Note(&'a str),
    /// Nothing that follows joins the last line.
    Finish,
    /// SIGINT or SIGTERM: the summary is all that follows, if there is one.
    Interrupted,
    /// What the run came to.
    Summary(&'a Summary),
}

/// Calls that are not told one by one.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// By name: how often.
    pub calls: BTreeMap<&'static str, u64>,
    /// What goes on meanwhile, where it is the kernel's affair how often;
    /// `None`: the numbers are the same in every run.
    pub what: Option<&'static str>,
}

impl Folded {
    /// How many calls.
    pub fn count(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// Whoever hears a run.
///
/// It may be called from any thread, one at a time: whoever tells holds its
/// lock.
pub trait Audience: Send {
    /// Something has happened. An error ends the run: nobody hears it any
    /// more.
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError>;

    /// There may be nothing more for a while: what was heard goes out.
    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// All of them hear everything, in this order.
impl Audience for Vec<Box<dyn Audience>> {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        self.iter_mut().try_for_each(|one| one.hear(event))
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.iter_mut().try_for_each(|one| one.flush())
    }
}

/// Nobody.
impl Audience for () {
    fn hear(&mut self, _: &Event<'_>) -> Result<(), OutputError> {
        Ok(())
    }
}

/// An audience that the lab and the signal thread both tell.
#[derive(Clone)]
pub struct Shared {
    /// Somebody has the last word: nobody else is heard any more.
    closing: Arc<AtomicBool>,
    audience: Arc<Mutex<dyn Audience>>,
}

impl Shared {
    /// From here on it is told of under a lock.
    pub fn new(audience: impl Audience + 'static) -> Shared {
        Shared {
            closing: Arc::default(),
            audience: Arc::new(Mutex::new(audience)),
        }
    }

    /// The audience, locked; never again where somebody has the last word.
    pub fn lock(&self) -> MutexGuard<'_, dyn Audience + 'static> {
        while self.closing.load(Ordering::Acquire) {
            thread::park();
        }
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The audience for the last word before the process ends, unless somebody
    /// holds it for so long who cannot get rid of his output.
    pub fn last_word(&self, patience: Duration) -> Option<MutexGuard<'_, dyn Audience + 'static>> {
        // Who tells one thing after the other would lock it again at once.
        self.closing.store(true, Ordering::Release);
        let began = Instant::now();
        loop {
            match self.audience.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if began.elapsed() > patience => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Tells it, and lets it show that at once.
    pub fn tell(&self, event: &Event<'_>) -> Result<(), OutputError> {
        let mut audience = self.lock();
        audience.hear(event)?;
        audience.flush()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// Standard output cannot be written to.
#[derive(Debug, Error)]
#[error("write to standard output: {}", io_error_text(.0))]
pub struct OutputError(pub io::Error);

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> OutputError {
        OutputError(error)
    }
}
