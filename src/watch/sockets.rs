//! The sockets of another process: /proc/PID/net/tcp, and what a second fd for
//! one of them tells (pidfd_getfd(2)).

use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use rustix::net::{AddressFamily, SocketType, getpeername, getsockname, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::lab::tcp_table::{Row, rows};
use crate::watch::proc;

/// The TCP sockets in the network of process `process`.
pub fn table(process: i32) -> Vec<Row> {
    let read = |file| fs::read_to_string(format!("/proc/{process}/net/{file}"));
    let tables = ["tcp", "tcp6"].map(|file| read(file).unwrap_or_default());
    tables.iter().flat_map(|table| rows(table)).collect()
}

/// The fds of a process's listening TCP sockets.
pub fn listeners(process: i32) -> Vec<RawFd> {
    let table = table(process);
    let listens = |fd: &RawFd| {
        let inode = proc::socket_inode(process, *fd);
        inode.is_some_and(|inode| {
            let row = table.iter().find(|row| row.inode == inode);
            row.is_some_and(Row::listens)
        })
    };
    proc::fds(process).into_iter().filter(listens).collect()
}

/// A handle for a process, which no other one can take the place of.
pub fn pidfd(process: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(process)?, PidfdFlags::empty()).ok()
}

/// A second fd for an open file of the process. To be dropped before the
/// process goes on: while it lives, a close(2) of the first sends no FIN.
pub fn borrow(pidfd: &OwnedFd, fd: RawFd) -> Option<OwnedFd> {
    pidfd_getfd(pidfd.as_fd(), fd, PidfdGetfdFlags::empty()).ok()
}

/// Bytes in the receive buffer (FIONREAD).
pub fn unread(pidfd: &OwnedFd, fd: RawFd) -> Option<u64> {
    rustix::io::ioctl_fionread(borrow(pidfd, fd)?).ok()
}

/// Makes the send buffer of a connection small.
pub fn shrink_send_buffer(pidfd: &OwnedFd, fd: RawFd, bytes: usize) -> bool {
    let socket = borrow(pidfd, fd);
    socket.is_some_and(|socket| sockopt::set_socket_send_buffer_size(&socket, bytes).is_ok())
}

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Takes TCP connections in, on this port.
    Listener(SocketAddr),
    /// Own address and the peer's.
    Connection(SocketAddr, SocketAddr),
    /// A TCP socket that is neither yet.
    Unconnected,
    /// A socket of another family (unix(7)) or type.
    Other(&'static str),
}

/// Asks the socket itself.
pub fn kind(pidfd: &OwnedFd, fd: RawFd) -> Kind {
    let Some(socket) = borrow(pidfd, fd) else {
        return Kind::Other("socket");
    };
    let kind = sockopt::socket_type(&socket);
    match sockopt::socket_domain(&socket) {
        Ok(AddressFamily::INET | AddressFamily::INET6) if kind == Ok(SocketType::STREAM) => {}
        Ok(AddressFamily::INET | AddressFamily::INET6) => return Kind::Other("UDP socket"),
        Ok(AddressFamily::UNIX) => return Kind::Other("Unix socket"),
        Ok(AddressFamily::NETLINK) => return Kind::Other("netlink socket"),
        _ => return Kind::Other("socket"),
    }
    let own = getsockname(&socket).ok();
    let Some(own) = own.and_then(|own| SocketAddr::try_from(own).ok()) else {
        return Kind::Unconnected;
    };
    if sockopt::socket_acceptconn(&socket) == Ok(true) {
        return Kind::Listener(own);
    }
    let peer = getpeername(&socket).ok().flatten();
    match peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
        Some(peer) => Kind::Connection(own, peer),
        None => Kind::Unconnected,
    }
}
