//! A call that has begun, and what its fds stand for.

use std::os::fd::RawFd;

use crate::trace::{Call, Fd, Name};
use crate::watch::processor::Sys;

/// Bytes that are kept of what a call moves.
pub const KEPT: usize = 1 << 16;

/// What the fds of a process stand for.
pub trait Names {
    /// The listener, a client, or nothing that has a name.
    fn name(&mut self, fd: RawFd) -> Name;

    /// The fd that was registered with this user data (epoll_ctl(2)).
    fn registered(&mut self, epfd: RawFd, data: u64) -> Option<RawFd>;

    /// Bytes in the receive buffer of a client's connection.
    fn unread(&mut self, fd: RawFd) -> Option<u64>;

    /// The fd with its name.
    fn fd(&mut self, raw: RawFd) -> Fd {
        Fd {
            raw,
            name: self.name(raw),
        }
    }
}

/// A call that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Which one, of those that the C library makes of it.
    pub sys: Sys,
    /// As they stood in the registers.
    pub args: [u64; 6],
    /// The same in the words of the trace.
    pub call: Call,
    /// The bytes that it offers.
    pub data: Vec<u8>,
    /// Which entry of the program it was.
    pub seq: u64,
}
