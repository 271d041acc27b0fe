//! The event loop on select, for reading beside [`epoll`](super::epoll).
//!
//! The kernel keeps nothing between two calls: the sets are filled anew for
//! each, and what comes back are the same sets, without the fds that are not
//! ready. Which ones are left, the program has to find out by testing.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::select::{FD_SETSIZE, FdSet};
use nix::sys::socket::SockFlag;

use crate::server::Accepted;

use crate::server::Config;

use crate::server::Connection;

use crate::server::Connections;

use crate::server::Next;

use crate::server::Pause;
use crate::sys::{Socket, Sys};
use crate::trace::Failure;

/// Serves until the listener is shut down.
pub fn serve(sys: &mut Sys, config: &Config) -> Result<(), Failure> {
    let listener = super::listener(sys, &config.addr, SockFlag::SOCK_NONBLOCK)?;
    let mut connections = Connections::new();
    let mut buffer = vec![0; config.buffer];
    let mut pause = Pause::default();

    loop {
        let ready = wait(sys, &listener, &connections, &pause)?;
        pause.over();
        for fd in ready {
            if fd == listener.as_raw_fd() {
                match super::accept(sys, &listener) {
                    Ok(Accepted::Connection(socket)) => {
                        register(sys, config, socket, &mut connections)?;
                    }
                    Ok(Accepted::Nobody) => {}
                    Ok(Accepted::NoFd) => pause.start(), // left out of the set
                    // The listener has been shut down: readfds cannot say so.
                    Err(e) if e.errno == Errno::EINVAL => {
                        return super::close_all(sys, connections, listener);
                    }
                    Err(e) => return Err(e),
                }
            } else if let Some(connection) = connections.get_mut(&fd) {
                let next = match connection.is_held_up() {
                    false => config.mode.on_readable(sys, connection, &mut buffer)?,
                    true => connection.flush(sys)?,
                };
                if next == Next::Close
                    && let Some(connection) = connections.remove(&fd)
                {
                    sys.close(connection.socket)?;
                }
            }
        }
    }
}

/// One select: the sets filled, the call, and the search for the ready fds.
fn wait(
    sys: &mut Sys,
    listener: &Socket,
    connections: &Connections,
    pause: &Pause,
) -> Result<Vec<RawFd>, Failure> {
    let mut readfds = FdSet::new();
    let mut writefds = FdSet::new();
    let mut highest = -1;
    if pause.timeout().is_none() {
        readfds.insert(listener.as_fd());
        highest = listener.as_raw_fd();
    }
    for (fd, connection) in connections {
        match connection.is_held_up() {
            false => readfds.insert(connection.socket.as_fd()),
            true => writefds.insert(connection.socket.as_fd()),
        }
        highest = highest.max(*fd);
    }

    let timeout = pause.timeout();
    let ready = match sys.select(highest + 1, &mut readfds, &mut writefds, timeout) {
        Ok(ready) => ready,
        Err(e) if e.errno == Errno::EINTR => return Ok(Vec::new()), // a signal
        Err(e) => return Err(e),
    };

    // select says how many are ready, and not which: test one after the other
    // until so many have been found.
    let mut found = Vec::new();
    let mut tested = 0;
    let sockets = connections.values().map(|connection| &connection.socket);
    for socket in std::iter::once(listener).chain(sockets) {
        if found.len() == ready {
            break;
        }
        tested += 1;
        let fd = socket.as_fd();
        if readfds.contains(fd) || writefds.contains(fd) {
            found.push(socket.as_raw_fd());
        }
    }
    sys.tested(tested);
    Ok(found)
}

/// Takes a new connection in, if an fd_set has a bit for it.
fn register(
    sys: &mut Sys,
    config: &Config,
    socket: Socket,
    connections: &mut Connections,
) -> Result<(), Failure> {
    // FD_SET beyond the end of the set writes into foreign memory (select(2)).
    if socket.as_raw_fd() as usize >= FD_SETSIZE {
        return sys.close(socket);
    }
    super::prepare(sys, &config.mode, &socket)?;
    connections.insert(socket.as_raw_fd(), Connection::new(socket));
    Ok(())
}
