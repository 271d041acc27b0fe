//! The event loop on select, for reading beside [`poll`](super::poll) and
//! [`epoll`](super::epoll).
//!
//! The kernel keeps nothing between two calls: the sets are filled anew for
//! each, and what comes back are the same sets, without the fds that are not
//! ready. Which ones are left, the program has to find out by testing.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::select::{FD_SETSIZE, FdSet};
use nix::sys::socket::SockFlag;

use crate::server::config::Config;
use crate::server::connection::{Connection, Connections, on_ready};
use crate::server::door::{Listener, close_all};
use crate::server::mode::Mode;
use crate::sys::{Socket, Sys};
use crate::trace::Failure;

/// Serves until the listener is shut down.
pub fn serve(sys: &mut Sys, config: &Config) -> Result<(), Failure> {
    let Config { addr, buffer, mode } = config;
    let mut listener = Listener::open(sys, addr, SockFlag::SOCK_NONBLOCK)?;
    let mut connections = Connections::new();
    let mut buffer = vec![0; *buffer];

    loop {
        let ready = wait(sys, &listener, &connections)?;
        listener.pause_is_over(); // it is in the next set again

        for fd in ready {
            if fd != listener.as_raw_fd() {
                on_ready(sys, mode, fd, &mut connections, &mut buffer)?;
            } else {
                match listener.accept(sys) {
                    Ok(Some(socket)) => register(sys, mode, socket, &mut connections)?,
                    Ok(None) => {}
                    // It has been shut down, which readfds cannot say.
                    Err(e) if e.errno == Errno::EINVAL => {
                        return close_all(sys, connections, listener);
                    }
                    Err(e) => return Err(e),
                }
            }
        }
    }
}

/// One select: the sets filled, the call, and the search for the ready fds.
fn wait(
    sys: &mut Sys,
    listener: &Listener,
    connections: &Connections,
) -> Result<Vec<RawFd>, Failure> {
    let mut readfds = FdSet::new();
    let mut writefds = FdSet::new();
    let mut highest = -1;
    if !listener.is_paused() {
        readfds.insert(listener.as_fd());
        highest = listener.as_raw_fd();
    }
    for (fd, connection) in connections {
        if connection.is_held_up() {
            writefds.insert(connection.socket.as_fd());
        } else {
            readfds.insert(connection.socket.as_fd());
        }
        highest = highest.max(*fd);
    }

    let timeout = listener.timeout();
    let ready = match sys.select(highest + 1, &mut readfds, &mut writefds, timeout) {
        Ok(ready) => ready,
        Err(e) if e.errno == Errno::EINTR => return Ok(Vec::new()), // a signal
        Err(e) => return Err(e),
    };

    // select says how many are ready, and not which: test one after the other
    // until so many have been found.
    let mut found = Vec::new();
    let mut tested = 0;
    let sockets = connections
        .values()
        .map(|connection| connection.socket.as_fd());
    for fd in std::iter::once(listener.as_fd()).chain(sockets) {
        if found.len() == ready {
            break;
        }
        tested += 1;
        if readfds.contains(fd) || writefds.contains(fd) {
            found.push(fd.as_raw_fd());
        }
    }
    sys.tested(tested);
    Ok(found)
}

/// Takes a new connection in, if an fd_set has a bit for it.
fn register(
    sys: &mut Sys,
    mode: &Mode,
    socket: Socket,
    connections: &mut Connections,
) -> Result<(), Failure> {
    // FD_SET beyond the end of the set writes into foreign memory (select(2)).
    if socket.as_raw_fd() as usize >= FD_SETSIZE {
        return sys.close(socket);
    }
    let connection = Connection::new(sys, mode, socket)?;
    connections.insert(connection.socket.as_raw_fd(), connection);
    Ok(())
}
