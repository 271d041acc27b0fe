//! A client's connection: the two readers, which are the other half of the
//! lesson; the echo; and what becomes of an echo that the kernel does not take.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::MsgFlags;

use crate::server::errors::{gone, retry};
use crate::server::mode::{Mode, Read, SocketKind};
use crate::sys::{Socket, Sys};
use crate::trace::Failure;

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
    /// Makes a new connection what the mode wants it to be: adds O_NONBLOCK to
    /// the flags that it has, or leaves it blocking, as accept4 made it.
    pub fn new(sys: &mut Sys, mode: &Mode, socket: Socket) -> Result<Connection, Failure> {
        if mode.socket == SocketKind::Nonblocking {
            let flags = sys.fcntl_getfl(&socket)?;
            sys.fcntl_setfl(&socket, flags | OFlag::O_NONBLOCK)?;
        }
        let unsent = Vec::new();
        Ok(Connection { socket, unsent })
    }

    /// What a server does when it is told that this connection is readable.
    pub fn read_and_echo(
        &mut self,
        sys: &mut Sys,
        mode: &Mode,
        buffer: &mut [u8],
    ) -> Result<Next, Failure> {
        match mode.read {
            Read::Once => self.recv_once(sys, buffer),
            Read::Drain => self.recv_until_eagain(sys, buffer),
        }
    }

    /// One recv, whatever the connection still holds.
    ///
    /// Level-triggered, the rest is reported again by the next wait.
    /// Edge-triggered it is not: it stays in the kernel until something new
    /// comes.
    fn recv_once(&mut self, sys: &mut Sys, buffer: &mut [u8]) -> Result<Next, Failure> {
        match retry(|| sys.recv(&self.socket, buffer)) {
            Ok(0) => Ok(Next::Close), // the peer has hung up
            Ok(n) => self.echo(sys, &buffer[..n]),
            // A report is a hint: what it spoke of may be gone.
            Err(e) if e.errno == Errno::EAGAIN => Ok(Next::Wait),
            Err(e) => gone(e).map(|()| Next::Close),
        }
    }

    /// recv until the connection holds no more.
    ///
    /// Only EAGAIN says so, and a blocking socket never says EAGAIN: on an
    /// empty one recv puts the thread to sleep until more bytes or a hang-up
    /// come.
    fn recv_until_eagain(&mut self, sys: &mut Sys, buffer: &mut [u8]) -> Result<Next, Failure> {
        loop {
            match retry(|| sys.recv(&self.socket, buffer)) {
                Ok(0) => return Ok(Next::Close),
                Ok(n) => match self.echo(sys, &buffer[..n])? {
                    Next::Wait => {}
                    // The echo is held up: read no more before it is out.
                    held_up => return Ok(held_up),
                },
                // Drained: the next arrival is a new edge.
                Err(e) if e.errno == Errno::EAGAIN => return Ok(Next::Wait),
                Err(e) => return gone(e).map(|()| Next::Close),
            }
        }
    }

    /// Sends `data` back. What the kernel does not take is kept.
    fn echo(&mut self, sys: &mut Sys, data: &[u8]) -> Result<Next, Failure> {
        match send(sys, &self.socket, data) {
            Ok(taken) if taken == data.len() => Ok(Next::Wait),
            Ok(taken) => {
                self.unsent.extend_from_slice(&data[taken..]);
                Ok(Next::WaitWritable)
            }
            Err(e) => gone(e).map(|()| Next::Close),
        }
    }

    /// Part of the echo is not out yet.
    pub fn is_held_up(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// What a server does when it is told that this connection is writable:
    /// sends what was kept, as far as the kernel takes it now.
    pub fn echo_the_rest(&mut self, sys: &mut Sys) -> Result<Next, Failure> {
        match send(sys, &self.socket, &self.unsent) {
            Ok(taken) => {
                self.unsent.drain(..taken);
            }
            Err(e) => return gone(e).map(|()| Next::Close),
        }
        match self.unsent.len() {
            0 => Ok(Next::Wait),
            _ => Ok(Next::WaitWritable),
        }
    }
}

/// Serves the connection of which select or poll has said that it is ready, as
/// `on_ready` of the event loop on epoll. Nothing is to be registered: the next
/// call asks for what the connection waits for now.
pub fn on_ready(
    sys: &mut Sys,
    mode: &Mode,
    fd: RawFd,
    connections: &mut Connections,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let Some(connection) = connections.get_mut(&fd) else {
        return Ok(()); // stale: cannot be, while each closes its own fd alone
    };
    let next = if connection.is_held_up() {
        connection.echo_the_rest(sys)?
    } else {
        connection.read_and_echo(sys, mode, buffer)?
    };
    if next == Next::Close
        && let Some(connection) = connections.remove(&fd)
    {
        sys.close(connection.socket)?;
    }
    Ok(())
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
