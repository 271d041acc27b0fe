//! How a connection ends, and what is reported of it.

mod close;
mod peer;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 6] = [
    peer::EOF,
    peer::HALF_CLOSE,
    peer::RESET,
    peer::MASK_ZERO,
    close::CLOSE_UNREGISTERS,
    close::CLOSE_UNREAD,
];
