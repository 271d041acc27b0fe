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
        for (fd, revents) in ready {
            if fd == listener.as_raw_fd() {
                if revents.contains(PollFlags::POLLHUP) {
                    return super::close_all(sys, connections, listener);
                }
                match super::accept(sys, &listener)? {
                    Accepted::Connection(socket) => {
                        super::prepare(sys, &config.mode, &socket)?;
                        connections.insert(socket.as_raw_fd(), Connection::new(socket));
                    }
                    Accepted::Nobody => {}
                    Accepted::NoFd => pause.start(), // left out of the array
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

/// One poll: the array, the call, and the search for the ready fds.
///
/// A C program keeps its array from call to call. Here an entry borrows its
/// socket, so that it cannot outlive it, and the array is made anew.
fn wait(
    sys: &mut Sys,
    listener: &Socket,
    connections: &Connections,
    pause: &Pause,
) -> Result<Vec<(RawFd, PollFlags)>, Failure> {
    let mut fds = Vec::with_capacity(connections.len() + 1);
    if pause.timeout().is_none() {
        fds.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
    }
    for connection in connections.values() {
        let events = match connection.is_held_up() {
            false => PollFlags::POLLIN,
            true => PollFlags::POLLOUT,
        };
        fds.push(PollFd::new(connection.socket.as_fd(), events));
    }

    let ready = match sys.poll(&mut fds, pause.timeout()) {
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
