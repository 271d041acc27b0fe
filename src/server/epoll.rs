//! The event loop on epoll: the listing of epoll(7), with the errors in.
//!
//! `lt`, `et-blocking` and `et-nonblock` are this one function. What tells
//! them apart is the [`Mode`] that they hand in.

use std::os::fd::{AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::socket::SockFlag;

use crate::server::config::Config;
use crate::server::connection::{Connection, Connections, Next};
use crate::server::door::{Listener, close_all};
use crate::server::mode::Mode;
use crate::sys::{Socket, Sys};
use crate::trace::{CtlOp, Failure};

/// How many events one wait may bring. What is ready beyond that comes with
/// the next wait.
const MAX_EVENTS: usize = 64;

/// Serves until the listener is shut down.
pub fn serve(sys: &mut Sys, config: &Config) -> Result<(), Failure> {
    let Config { addr, buffer, mode } = config;
    let mut listener = Listener::open(sys, addr, SockFlag::SOCK_NONBLOCK)?;
    let epoll = sys.epoll_create1()?;
    // Level-triggered in every mode: one accept a report is enough, because the
    // kernel reports again while anybody is left in the queue. O_NONBLOCK,
    // because whoever was reported may have gone before it is accepted.
    sys.epoll_ctl(&epoll, CtlOp::Add, &listener, EpollFlags::EPOLLIN)?;

    let mut connections = Connections::new();
    let mut buffer = vec![0; *buffer];
    let mut events = [EpollEvent::empty(); MAX_EVENTS];

    loop {
        let timeout = listener.timeout();
        let ready = match sys.epoll_wait(&epoll, &mut events, timeout) {
            Ok(ready) => ready,
            Err(e) if e.errno == Errno::EINTR => 0, // a signal; nothing is lost
            Err(e) => return Err(e),
        };
        listen_again(sys, &epoll, &mut listener)?; // when a pause is over

        for event in &events[..ready] {
            let fd = event.data() as RawFd;
            if fd != listener.as_raw_fd() {
                on_ready(sys, mode, &epoll, fd, &mut connections, &mut buffer)?;
            } else if event.events().contains(EpollFlags::EPOLLHUP) {
                close_all(sys, connections, listener)?; // it has been shut down
                return sys.close_epoll(epoll);
            } else if let Some(socket) = accept(sys, &epoll, &mut listener)? {
                register(sys, mode, &epoll, socket, &mut connections)?;
            }
        }
    }
}

/// Serves the connection of which epoll_wait has said that it is ready. Whether
/// with bytes, a hang-up or an error (EPOLLIN, EPOLLHUP, EPOLLERR): recv says.
fn on_ready(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    fd: RawFd,
    connections: &mut Connections,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let Some(connection) = connections.get_mut(&fd) else {
        return Ok(()); // stale: cannot be, while each closes its own fd alone
    };
    let next = if connection.is_held_up() {
        on_writable(sys, mode, epoll, connection)?
    } else {
        on_readable(sys, mode, epoll, connection, buffer)?
    };
    if next == Next::Close
        && let Some(connection) = connections.remove(&fd)
    {
        // The kernel takes a closed socket off the interest list.
        sys.close(connection.socket)?;
    }
    Ok(())
}

/// Puts a new connection on the interest list. What has arrived before is
/// reported by the next wait, edge-triggered too: EPOLL_CTL_ADD looks once.
fn register(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    socket: Socket,
    connections: &mut Connections,
) -> Result<(), Failure> {
    let connection = Connection::new(sys, mode, socket)?;
    let socket = &connection.socket;
    match sys.epoll_ctl(epoll, CtlOp::Add, socket, mode.interest) {
        Ok(()) => {
            connections.insert(socket.as_raw_fd(), connection);
            Ok(())
        }
        // The interest list is full (epoll_ctl(2)): this client is refused,
        // the others go on.
        Err(e) if matches!(e.errno, Errno::ENOSPC | Errno::ENOMEM) => sys.close(connection.socket),
        Err(e) => Err(e),
    }
}

/// recv, as the mode reads, and send: in [`crate::server::connection`]. An echo
/// that is held up makes the connection wait for EPOLLOUT, not for EPOLLIN.
fn on_readable(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    connection: &mut Connection,
    buffer: &mut [u8],
) -> Result<Next, Failure> {
    let next = connection.read_and_echo(sys, mode, buffer)?;
    if next == Next::WaitWritable {
        let out = EpollFlags::EPOLLOUT | (mode.interest & EpollFlags::EPOLLET);
        sys.epoll_ctl(epoll, CtlOp::Mod, &connection.socket, out)?;
    }
    Ok(next)
}

/// Sends what was held up. Back on EPOLLIN, edge-triggered too: EPOLL_CTL_MOD
/// asks for readiness afresh, so bytes that came meanwhile are reported.
fn on_writable(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    connection: &mut Connection,
) -> Result<Next, Failure> {
    let next = connection.echo_the_rest(sys)?;
    if next == Next::Wait {
        sys.epoll_ctl(epoll, CtlOp::Mod, &connection.socket, mode.interest)?;
    }
    Ok(next)
}

/// Accepts one. When there is no fd for it, the listener is left alone for a
/// while: readable as it is, it would end every wait at once.
fn accept(
    sys: &mut Sys,
    epoll: &Epoll,
    listener: &mut Listener,
) -> Result<Option<Socket>, Failure> {
    let accepted = listener.accept(sys)?;
    if listener.is_paused() {
        sys.epoll_ctl(epoll, CtlOp::Mod, listener, EpollFlags::empty())?;
    }
    Ok(accepted)
}

/// Asks for connections again.
fn listen_again(sys: &mut Sys, epoll: &Epoll, listener: &mut Listener) -> Result<(), Failure> {
    if listener.pause_is_over() {
        sys.epoll_ctl(epoll, CtlOp::Mod, listener, EpollFlags::EPOLLIN)?;
    }
    Ok(())
}
