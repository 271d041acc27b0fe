//! The listener: how it is opened, what accept4 may bring, the pause when there
//! is no fd left, and the end.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{Backlog, SockFlag};

use crate::server::connection::Connections;
use crate::server::errors::retry;
use crate::sys::{SockOpt, Socket, Sys};
use crate::trace::Failure;

/// How long a listener is left alone when there is no fd for the next
/// connection. It stays readable all the while, and a level-triggered wait
/// would return at once, again and again.
const PAUSE: Duration = Duration::from_millis(10);

/// A socket that listens, and whether it is being left alone.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    paused_until: Option<Instant>,
}

/// A socket that listens on `addr`: socket, setsockopt, bind, listen.
pub fn listening(sys: &mut Sys, addr: &SocketAddr, flags: SockFlag) -> Result<Socket, Failure> {
    let socket = sys.socket(addr, flags)?;
    sys.setsockopt(&socket, SockOpt::ReuseAddr)?;
    sys.setsockopt(&socket, SockOpt::NoDelay)?;
    sys.bind(&socket, addr)?;
    sys.listen(&socket, Backlog::MAXCONN)?;
    Ok(socket)
}

impl Listener {
    /// Listens on `addr`. With SOCK_NONBLOCK in `flags` accept4 never sleeps.
    pub fn open(sys: &mut Sys, addr: &SocketAddr, flags: SockFlag) -> Result<Listener, Failure> {
        Ok(Listener {
            socket: listening(sys, addr, flags)?,
            paused_until: None,
        })
    }

    /// accept4(2), with the errors that a server meets in its daily work sorted:
    /// `None` is nobody after all, or no fd for somebody. Then the connection
    /// stays in the backlog, and the listener is left alone from now on.
    pub fn accept(&mut self, sys: &mut Sys) -> Result<Option<Socket>, Failure> {
        match retry(|| sys.accept4(&self.socket)) {
            Ok(socket) => Ok(Some(socket)),
            Err(e) => match e.errno {
                Errno::EAGAIN => Ok(None),
                // Reset while it waited in the backlog.
                Errno::ECONNABORTED => Ok(None),
                // Errors of the new connection's network; accept(2) says to
                // treat them like EAGAIN.
                Errno::ENETDOWN | Errno::EPROTO | Errno::ENOPROTOOPT | Errno::EHOSTDOWN => Ok(None),
                Errno::ENONET | Errno::EHOSTUNREACH | Errno::EOPNOTSUPP | Errno::ENETUNREACH => {
                    Ok(None)
                }
                // A firewall's rule, or a sandbox's: if it stays, it must not spin.
                Errno::EPERM => Ok(self.pause()),
                Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => Ok(self.pause()),
                _ => Err(e),
            },
        }
    }

    /// Leaves the listener alone from now on: nobody comes.
    fn pause(&mut self) -> Option<Socket> {
        self.paused_until = Some(Instant::now() + PAUSE);
        None
    }

    /// Sleeps out a pause, where there is no other fd to wait for.
    pub fn sleep(&mut self, sys: &mut Sys) -> Result<(), Failure> {
        self.paused_until = None;
        retry(|| sys.clock_nanosleep(PAUSE))
    }

    /// How long the next wait may last; `None` is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        let until = self.paused_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// It is being left alone.
    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    /// True once, when the pause is over.
    pub fn pause_is_over(&mut self) -> bool {
        let over = |until| Instant::now() >= until;
        self.paused_until.take_if(|until| over(*until)).is_some()
    }

    /// Closes the listener.
    pub fn close(self, sys: &mut Sys) -> Result<(), Failure> {
        sys.close(self.socket)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Closes what a server still holds, each by a traced close.
pub fn close_all(
    sys: &mut Sys,
    connections: Connections,
    listener: Listener,
) -> Result<(), Failure> {
    for connection in connections.into_values() {
        sys.close(connection.socket)?;
    }
    listener.close(sys)
}
