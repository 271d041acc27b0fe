//! What the loops share: the listener, connections, the echo and its
//! back-pressure, and what to do with errors that are no surprise.

pub mod blocking;
pub mod epoll;
#[expect(
    missing_docs,
    reason = "the table says it, with a column for each field"
)]
pub mod mode;
pub mod poll;
pub mod select;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::{Backlog, MsgFlags, SockFlag};

use crate::server::mode::Mode;

use crate::server::mode::SocketKind;
use crate::sys::{SockOpt, Socket, Sys};
use crate::trace::Failure;

/// What a server is started with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where it listens; with port 0 the kernel chooses one (ip(7)).
    pub addr: SocketAddr,
    /// Size of the receive buffer, in bytes.
    pub buffer: usize,
    /// A row of the table in [`mode`](crate::server::mode), or another combination.
    pub mode: Mode,
}

/// What a connection waits for once it has been served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// For more to read.
    Wait,
    /// For room in the send buffer: part of the echo is not out yet.
    WaitWritable,
    /// For nothing: the connection is over.
    Close,
}

/// The connections of a server, by fd.
pub type Connections = BTreeMap<RawFd, Connection>;

/// A socket that listens on `addr`: socket, setsockopt, bind, listen.
pub fn listener(sys: &mut Sys, addr: &SocketAddr, flags: SockFlag) -> Result<Socket, Failure> {
    let listener = sys.socket(addr, flags)?;
    sys.setsockopt(&listener, SockOpt::ReuseAddr)?;
    sys.setsockopt(&listener, SockOpt::NoDelay)?;
    sys.bind(&listener, addr)?;
    sys.listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// Makes a new connection what the mode wants it to be: adds O_NONBLOCK to the
/// flags that it has, or leaves it blocking, as accept4 made it.
pub fn prepare(sys: &mut Sys, mode: &Mode, socket: &Socket) -> Result<(), Failure> {
    if mode.socket == SocketKind::Nonblocking {
        let flags = sys.fcntl_getfl(socket)?;
        sys.fcntl_setfl(socket, flags | OFlag::O_NONBLOCK)?;
    }
    Ok(())
}

/// Asks again where a signal came before the call had done anything
/// (EINTR, signal(7)).
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    loop {
        match call() {
            Err(e) if e.errno == Errno::EINTR => {}
            other => return other,
        }
    }
}

/// Sorts an error on a connection: one that ends this connection alone, or a
/// surprise.
pub fn gone(error: Failure) -> Result<Next, Failure> {
    match error.errno {
        // The peer reset the connection, or the network lost it (tcp(7)).
        Errno::ECONNRESET | Errno::EPIPE | Errno::ETIMEDOUT => Ok(Next::Close),
        Errno::ECONNABORTED | Errno::ECONNREFUSED | Errno::ENOTCONN => Ok(Next::Close),
        Errno::EHOSTUNREACH | Errno::EHOSTDOWN | Errno::ENETUNREACH => Ok(Next::Close),
        Errno::ENETDOWN | Errno::ENONET | Errno::EPROTO | Errno::ENOPROTOOPT => Ok(Next::Close),
        // The kernel has no memory for this one: the others go on.
        Errno::ENOMEM | Errno::ENOBUFS => Ok(Next::Close),
        _ => Err(error),
    }
}

/// What came of an accept4.
pub enum Accepted {
    /// Accepted: blocking, whatever the listener is.
    Connection(Socket),
    /// Nobody was there after all, or the one who was has gone.
    Nobody,
    /// The process has no fd left; the connection stays in the backlog.
    NoFd,
}

/// accept4(2), with the errors that a server meets in its daily work sorted.
pub fn accept(sys: &mut Sys, listener: &Socket) -> Result<Accepted, Failure> {
    match retry(|| sys.accept4(listener)) {
        Ok(socket) => Ok(Accepted::Connection(socket)),
        Err(e) => match e.errno {
            Errno::EAGAIN => Ok(Accepted::Nobody),
            // Reset while it waited in the backlog.
            Errno::ECONNABORTED => Ok(Accepted::Nobody),
            // Errors of the new connection's network; accept(2) says to treat
            // them like EAGAIN.
            Errno::ENETDOWN | Errno::EPROTO | Errno::ENOPROTOOPT | Errno::EHOSTDOWN => {
                Ok(Accepted::Nobody)
            }
            Errno::ENONET | Errno::EHOSTUNREACH | Errno::EOPNOTSUPP | Errno::ENETUNREACH => {
                Ok(Accepted::Nobody)
            }
            // A firewall's rule, or a sandbox's: if it stays, it must not spin.
            Errno::EPERM => Ok(Accepted::NoFd),
            Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => Ok(Accepted::NoFd),
            _ => Err(e),
        },
    }
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    /// Its fd is the key in [`Connections`].
    pub socket: Socket,
    /// Received and not yet sent back; never more than one buffer, because
    /// nothing is read while something is unsent.
    unsent: Vec<u8>,
}

impl Connection {
    /// One that nothing has been received from.
    pub fn new(socket: Socket) -> Connection {
        let unsent = Vec::new();
        Connection { socket, unsent }
    }

    /// Part of the echo is not out yet.
    pub fn is_held_up(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends `data` back. What the kernel does not take is kept.
    pub fn echo(&mut self, sys: &mut Sys, data: &[u8]) -> Result<Next, Failure> {
        match send(sys, &self.socket, data) {
            Ok(taken) if taken == data.len() => Ok(Next::Wait),
            Ok(taken) => {
                self.unsent.extend_from_slice(&data[taken..]);
                Ok(Next::WaitWritable)
            }
            Err(e) => gone(e),
        }
    }

    /// Sends what was kept, as far as the kernel takes it now.
    pub fn flush(&mut self, sys: &mut Sys) -> Result<Next, Failure> {
        match send(sys, &self.socket, &self.unsent) {
            Ok(taken) => {
                self.unsent.drain(..taken);
            }
            Err(e) => return gone(e),
        }
        match self.is_held_up() {
            false => Ok(Next::Wait),
            true => Ok(Next::WaitWritable),
        }
    }
}

/// send(2), for a client that may not be reading: how much was taken, perhaps
/// nothing.
///
/// MSG_DONTWAIT, on a blocking socket too: one client that does not read must
/// not put the server to sleep. MSG_NOSIGNAL: EPIPE, and no SIGPIPE.
fn send(sys: &mut Sys, socket: &Socket, data: &[u8]) -> Result<usize, Failure> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    match retry(|| sys.send(socket, data, flags)) {
        Err(e) if e.errno == Errno::EAGAIN => Ok(0), // its buffers are full
        other => other,
    }
}

/// How long a listener is left alone when there is no fd for the next
/// connection. It stays readable all the while, and a level-triggered wait
/// would return at once, again and again.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether the listener is being left alone, and until when.
#[derive(Debug, Default)]
pub struct Pause(Option<Instant>);

impl Pause {
    /// Leaves the listener alone from now on.
    pub fn start(&mut self) {
        self.0 = Some(Instant::now() + PAUSE);
    }

    /// How long the next wait may last.
    pub fn timeout(&self) -> Option<Duration> {
        let until = self.0?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// True once, when the pause is over.
    pub fn over(&mut self) -> bool {
        let over = self.0.is_some_and(|until| Instant::now() >= until);
        if over {
            self.0 = None;
        }
        over
    }
}

/// Closes what a server still holds, each by a traced close.
pub fn close_all(sys: &mut Sys, connections: Connections, listener: Socket) -> Result<(), Failure> {
    for connection in connections.into_values() {
        sys.close(connection.socket)?;
    }
    sys.close(listener)
}
