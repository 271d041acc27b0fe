//! EPOLLOUT, and what send has to do with arrival.

mod delivery;
mod edges;
mod late;
mod writable;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 9] = [
    writable::LT_WRITABLE_SPIN,
    writable::ET_WRITABLE_ONCE,
    writable::ET_WRITABLE_REFILL,
    writable::ET_IN_BRINGS_OUT,
    delivery::NONBLOCK_BOTH,
    delivery::SEND_DELIVERED,
    edges::OUT_ONCE,
    edges::OUT_NEEDS_EAGAIN,
    late::OUT_IGNORED,
];
