//! What the acts come to, as counts.

use crate::lab::report::Trigger;

/// Bytes that P reads at a time.
pub const READ: usize = 512;

/// The four parts, in the order in which they are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Act {
    /// Nothing to send.
    #[default]
    Idle,
    /// The send buffer is filled.
    Fill,
    /// The peer reads, and makes room.
    Drain,
    /// EPOLLOUT is registered only while something waits to be sent.
    OnDemand,
}

impl Act {
    /// As they are played.
    pub const ALL: [Act; 4] = [Act::Idle, Act::Fill, Act::Drain, Act::OnDemand];

    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Act::Idle => "idle",
            Act::Fill => "fill",
            Act::Drain => "drain",
            Act::OnDemand => "on-demand",
        }
    }
}

/// What an act came to.
///
/// A wait that does not sleep, made while P reads on, is counted only if it
/// brings the report: how many it takes is the kernel's affair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Which of the four.
    pub act: Act,
    /// Calls of epoll_wait.
    pub waits: u64,
    /// Those that brought EPOLLOUT.
    pub reports: u64,
    /// The last wait brought nothing, for as long as it was let wait.
    pub silent: bool,
    /// Bytes that W sent (`fill`), that P read until the report (`drain`), that
    /// were sent when EPOLLOUT came (`on-demand`).
    pub bytes: u64,
    /// `drain`: recv calls of P until the report.
    pub reads: u64,
    /// Nanoseconds from the first wait to the last report.
    pub busy_ns: u64,
}

impl Played {
    /// Nothing of it has been played.
    pub fn new(act: Act) -> Played {
        Played {
            act,
            ..Played::default()
        }
    }
}

/// Bytes that were sent and had not arrived at P.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// When the buffer was full.
    pub full: u64,
    /// When EPOLLOUT came.
    pub at_report: u64,
}

/// All acts with one trigger.
#[derive(Clone, Debug)]
pub struct Side {
    /// How W's socket is registered.
    pub trigger: Trigger,
    /// As [`Act::ALL`] has them.
    pub acts: [Played; 4],
    /// Played in the second and the third act.
    pub queue: Queue,
    /// Bytes that W sent in all, and P received.
    pub sent: u64,
    /// Fewer than `sent` would be bytes lost: the program fails.
    pub received: u64,
}

/// What is shown below the traces.
#[derive(Clone, Debug)]
pub struct WriteEvents {
    /// How often W asked at most.
    pub limit: u32,
    /// Level-triggered first; only one with `--trigger`.
    pub sides: Vec<Side>,
}

impl Side {
    /// The act's measurement.
    pub fn of(&self, act: Act) -> &Played {
        &self.acts[act as usize]
    }

    /// Every byte that was sent has arrived.
    pub fn is_whole(&self) -> bool {
        self.sent == self.received
    }
}
