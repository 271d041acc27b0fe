//! The event loop on poll, for reading beside [`select`](super::select) and
//! [`epoll`](super::epoll).
//!
//! An array instead of bitmaps: no limit on the fds but the process's own, and
//! the question (`events`) survives the answer (`revents`). The whole array
//! still goes into the kernel at every call, and the program still has to look
//! through it.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
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
        listener.pause_is_over(); // it is in the next array again

        for (fd, revents) in ready {
            if fd != listener.as_raw_fd() {
                on_ready(sys, mode, fd, &mut connections, &mut buffer)?;
            } else if revents.contains(PollFlags::POLLHUP) {
                return close_all(sys, connections, listener);
            } else if let Some(socket) = listener.accept(sys)? {
                register(sys, mode, socket, &mut connections)?;
            }
        }
    }
}

/// One poll: the array, the call, and the search for the ready fds.
///
/// A C program keeps its array from call to call. Here an entry borrows its
/// socket, so that it cannot outlive it, and the array is made anew.
fn wait(
    sys: &mut Sys,
    listener: &Listener,
    connections: &Connections,
) -> Result<Vec<(RawFd, PollFlags)>, Failure> {
    let mut fds = Vec::with_capacity(connections.len() + 1);
    if !listener.is_paused() {
        fds.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
    }
    for connection in connections.values() {
        let events = if connection.is_held_up() {
            PollFlags::POLLOUT
        } else {
            PollFlags::POLLIN
        };
        fds.push(PollFd::new(connection.socket.as_fd(), events));
    }

    let ready = match sys.poll(&mut fds, listener.timeout()) {
        Ok(ready) => ready,
        Err(e) if e.errno == Errno::EINTR => return Ok(Vec::new()), // a signal
        Err(e) => return Err(e),
    };

    // poll says how many are ready; which, stands in the array.
    let mut found = Vec::new();
    let mut tested = 0;
    for fd in &fds {
        if found.len() == ready {
            break;
        }
        tested += 1;
        if let Some(revents) = fd.revents()
            && !revents.is_empty()
        {
            found.push((fd.as_fd().as_raw_fd(), revents));
        }
    }
    sys.tested(tested);
    Ok(found)
}

/// Takes a new connection in: it is in the next array.
fn register(
    sys: &mut Sys,
    mode: &Mode,
    socket: Socket,
    connections: &mut Connections,
) -> Result<(), Failure> {
    let connection = Connection::new(sys, mode, socket)?;
    connections.insert(connection.socket.as_raw_fd(), connection);
    Ok(())
}
