//! The table: the epoll servers differ in three values and in nothing else.
//!
//! Each row of an epoll server differs from the one above in one value. Below
//! the table stand the two readers, which are the other half of the lesson:
//! what a server does when it has been told that a connection is readable.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::server::Connection;

use crate::server::Next;

use crate::server::gone;

use crate::server::retry;
use crate::sys::Sys;
use crate::trace::Failure;

/// What makes one epoll server behave unlike another.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// What epoll_ctl(2) registers a connection with.
    pub interest: EpollFlags,
    pub socket: SocketKind,
    pub read: Read,
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

const NONE: EpollFlags = EpollFlags::empty();
const IN: EpollFlags = EpollFlags::EPOLLIN;
const ET: EpollFlags = EpollFlags::EPOLLET;

#[rustfmt::skip]
mod table {
    use super::{Mode, ET, IN, NONE, Read::{Drain, Once}, SocketKind::{Blocking, Nonblocking}, row};

    // The server without epoll, for which no interest is registered.
    pub const BLOCKING:    Mode = row( NONE,          Blocking,    Drain );

    //                                 interest       socket       on readable
    pub const LT:          Mode = row( IN,            Blocking,    Once  );
    // On the command line: et-blocking --read once
    pub const ET_ONCE:     Mode = row( IN.union(ET),  Blocking,    Once  );
    pub const ET_BLOCKING: Mode = row( IN.union(ET),  Blocking,    Drain );
    pub const ET_NONBLOCK: Mode = row( IN.union(ET),  Nonblocking, Drain );
}
pub use table::{BLOCKING, ET_BLOCKING, ET_NONBLOCK, ET_ONCE, LT};

const fn row(interest: EpollFlags, socket: SocketKind, read: Read) -> Mode {
    Mode {
        interest,
        socket,
        read,
    }
}

impl Mode {
    /// What a server does when it is told that `connection` is readable.
    pub fn on_readable(
        &self,
        sys: &mut Sys,
        connection: &mut Connection,
        buffer: &mut [u8],
    ) -> Result<Next, Failure> {
        match self.read {
            Read::Once => recv_once(sys, connection, buffer),
            Read::Drain => recv_until_eagain(sys, connection, buffer),
        }
    }
}

/// One recv, whatever the connection still holds.
///
/// Level-triggered, the rest is reported again by the next wait.
/// Edge-triggered it is not: it stays in the kernel until something new comes.
fn recv_once(
    sys: &mut Sys,
    connection: &mut Connection,
    buffer: &mut [u8],
) -> Result<Next, Failure> {
    match retry(|| sys.recv(&connection.socket, buffer)) {
        Ok(0) => Ok(Next::Close), // the peer has hung up
        Ok(n) => connection.echo(sys, &buffer[..n]),
        // A report is a hint: what it spoke of may be gone.
        Err(e) if e.errno == Errno::EAGAIN => Ok(Next::Wait),
        Err(e) => gone(e),
    }
}

/// recv until the connection holds no more.
///
/// Only EAGAIN says so, and a blocking socket never says EAGAIN: on an empty
/// one recv puts the thread to sleep until more bytes or a hang-up come.
fn recv_until_eagain(
    sys: &mut Sys,
    connection: &mut Connection,
    buffer: &mut [u8],
) -> Result<Next, Failure> {
    loop {
        match retry(|| sys.recv(&connection.socket, buffer)) {
            Ok(0) => return Ok(Next::Close),
            Ok(n) => match connection.echo(sys, &buffer[..n])? {
                Next::Wait => {}
                // The echo is held up: read no more before it is out.
                held_up => return Ok(held_up),
            },
            // Drained: the next arrival is a new edge.
            Err(e) if e.errno == Errno::EAGAIN => return Ok(Next::Wait),
            Err(e) => return gone(e),
        }
    }
}
