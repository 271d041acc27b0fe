//! How a connection ends, and what is reported of it.

mod close;
mod connect;
mod peer;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 11] = [
    peer::EOF,
    peer::HALF_CLOSE,
    peer::RESET,
    peer::MASK_ZERO,
    close::CLOSE_UNREGISTERS,
    close::CLOSE_UNREAD,
    connect::FRESH_SOCKET,
    connect::OUT_IS_CONNECTED,
    connect::HUP_PEER,
    connect::SO_ERROR,
    connect::EOF_UNCLOSED,
];
