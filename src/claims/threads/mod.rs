//! Several threads or processes on one epoll.

mod awake;
mod changed;
pub(crate) mod crew;
pub(crate) mod drain;
pub(crate) mod flags;
mod fork;
mod numbers;
mod signals;
pub(crate) mod sleeper;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 11] = [
    awake::SHARED_EPOLL,
    awake::ET_ONE_THREAD,
    awake::ET_LOST_WAKEUP,
    changed::CTL_WHILE_WAITING,
    changed::CLOSE_WAKES,
    fork::FORK_SHARES,
    fork::NONBLOCK_SHARED,
    numbers::NUMBER_TWICE,
    numbers::STALE_BATCH,
    signals::SIGNAL_RACE,
    signals::SIGNALFD_FORK,
];
