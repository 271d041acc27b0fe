//! Fds that are no TCP sockets.

mod counters;
mod ends;
mod nested;
mod udp;

use crate::claims::claim::Claim;
pub use crate::claims::other::ends::unix_pair;
pub use crate::claims::other::udp::datagrams;

pub static CLAIMS: [Claim; 7] = [
    counters::EVENTFD_READ,
    counters::TIMERFD_TICKS,
    udp::UDP_SHORT,
    udp::UDP_ZERO,
    ends::EOF_IS_IN,
    ends::FIFO_IDLE,
    nested::NESTED,
];
