//! The table: the epoll servers differ in three values and in nothing else.
//!
//! Each row of an epoll server differs from the one above in one value. What
//! "once" and "drain" do stands in [`connection`](crate::server::connection).

#[rustfmt::skip]
mod table {
    use crate::server::mode::{Mode, Read::*, SocketKind::*, row, ET, IN, NONE};

    //                                 interest       socket       on readable
    // The server without epoll, for which no interest is registered.
    pub const BLOCKING:    Mode = row( NONE,          Blocking,    Drain );

    pub const LT:          Mode = row( IN,            Blocking,    Once  );
    // On the command line: et-blocking --read once
    pub const ET_ONCE:     Mode = row( IN.union(ET),  Blocking,    Once  );
    pub const ET_BLOCKING: Mode = row( IN.union(ET),  Blocking,    Drain );
    pub const ET_NONBLOCK: Mode = row( IN.union(ET),  Nonblocking, Drain );
}
pub use table::{BLOCKING, ET_BLOCKING, ET_NONBLOCK, ET_ONCE, LT};

use nix::sys::epoll::EpollFlags;

const NONE: EpollFlags = EpollFlags::empty();
const IN: EpollFlags = EpollFlags::EPOLLIN;
const ET: EpollFlags = EpollFlags::EPOLLET;

/// What makes one epoll server behave unlike another.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// What epoll_ctl(2) registers a connection with.
    pub interest: EpollFlags,
    pub socket: SocketKind,
    pub read: Read,
}

const fn row(interest: EpollFlags, socket: SocketKind, read: Read) -> Mode {
    Mode {
        interest,
        socket,
        read,
    }
}

/// Whether recv(2) on a connection may put the thread to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    Blocking,
    Nonblocking,
}

impl SocketKind {
    /// The name in the JSON contract, and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SocketKind::Blocking => "blocking",
            SocketKind::Nonblocking => "nonblocking",
        }
    }
}

/// How much a server reads when a connection is readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Once,
    Drain,
}

impl Read {
    /// The name in the JSON contract, and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Read::Once => "once",
            Read::Drain => "drain",
        }
    }
}
