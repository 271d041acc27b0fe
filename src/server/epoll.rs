//! The event loop on epoll: the listing of epoll(7), with the errors in.
//!
//! `lt`, `et-blocking` and `et-nonblock` are this one function. What tells
//! them apart is the [`Mode`](crate::server::mode::Mode) that they hand in.

use std::os::fd::{AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::socket::SockFlag;

use crate::server::Accepted;

use crate::server::Config;

use crate::server::Connection;

use crate::server::Connections;

use crate::server::Next;

use crate::server::Pause;
use crate::server::mode::Mode;
use crate::sys::{Socket, Sys};
use crate::trace::{CtlOp, Failure};

/// How many events one wait may bring. What is ready beyond that comes with
/// the next wait.
const MAX_EVENTS: usize = 64;

/// Serves until the listener is shut down.
pub fn serve(sys: &mut Sys, config: &Config) -> Result<(), Failure> {
    let mode = &config.mode;
    let listener = super::listener(sys, &config.addr, SockFlag::SOCK_NONBLOCK)?;
    let epoll = sys.epoll_create1()?;
    // Level-triggered in every mode: one accept a report is enough, because the
    // kernel reports again while anybody is left in the queue. O_NONBLOCK,
    // because whoever was reported may have gone before it is accepted.
    sys.epoll_ctl(&epoll, CtlOp::Add, &listener, EpollFlags::EPOLLIN)?;

    let mut connections = Connections::new();
    let mut buffer = vec![0; config.buffer];
    let mut events = [EpollEvent::empty(); MAX_EVENTS];
    let mut pause = Pause::default();

    loop {
        let ready = match sys.epoll_wait(&epoll, &mut events, pause.timeout()) {
            Ok(ready) => ready,
            Err(e) if e.errno == Errno::EINTR => 0, // a signal; nothing is lost
            Err(e) => return Err(e),
        };
        if pause.over() {
            sys.epoll_ctl(&epoll, CtlOp::Mod, &listener, EpollFlags::EPOLLIN)?;
        }
        for event in &events[..ready] {
            let fd = event.data() as RawFd;
            if fd == listener.as_raw_fd() {
                if event.events().contains(EpollFlags::EPOLLHUP) {
                    super::close_all(sys, connections, listener)?;
                    return sys.close_epoll(epoll);
                }
                match super::accept(sys, &listener)? {
                    Accepted::Connection(socket) => {
                        register(sys, mode, &epoll, socket, &mut connections)?;
                    }
                    Accepted::Nobody => {}
                    Accepted::NoFd => {
                        // Readable as it is, it would end every wait at once.
                        let silent = EpollFlags::empty();
                        sys.epoll_ctl(&epoll, CtlOp::Mod, &listener, silent)?;
                        pause.start();
                    }
                }
            } else if let Some(connection) = connections.get_mut(&fd) {
                let next = match connection.is_held_up() {
                    false => on_readable(sys, mode, &epoll, connection, &mut buffer)?,
                    true => on_writable(sys, mode, &epoll, connection)?,
                };
                if next == Next::Close
                    && let Some(connection) = connections.remove(&fd)
                {
                    // The kernel takes a closed socket off the interest list.
                    sys.close(connection.socket)?;
                }
            }
        }
    }
}

/// Puts a new connection on the interest list.
fn register(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    socket: Socket,
    connections: &mut Connections,
) -> Result<(), Failure> {
    super::prepare(sys, mode, &socket)?;
    match sys.epoll_ctl(epoll, CtlOp::Add, &socket, mode.interest) {
        Ok(()) => {
            connections.insert(socket.as_raw_fd(), Connection::new(socket));
            Ok(())
        }
        // The interest list is full (epoll_ctl(2)): this client is refused,
        // the others go on.
        Err(e) if matches!(e.errno, Errno::ENOSPC | Errno::ENOMEM) => sys.close(socket),
        Err(e) => Err(e),
    }
}

/// Reads as the mode reads. An echo that is held up makes the connection wait
/// for EPOLLOUT instead of EPOLLIN: nothing more is read until it is out.
fn on_readable(
    sys: &mut Sys,
    mode: &Mode,
    epoll: &Epoll,
    connection: &mut Connection,
    buffer: &mut [u8],
) -> Result<Next, Failure> {
    let next = mode.on_readable(sys, connection, buffer)?;
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
    let next = connection.flush(sys)?;
    if next == Next::Wait {
        sys.epoll_ctl(epoll, CtlOp::Mod, &connection.socket, mode.interest)?;
    }
    Ok(next)
}
