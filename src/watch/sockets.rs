//! The sockets of another process: /proc/PID/net/tcp, and what a second fd for
//! one of them tells (pidfd_getfd(2)).

use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use rustix::net::{AddressFamily, SocketType, getpeername, getsockname, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::watch::proc;

/// TCP_ESTABLISHED and TCP_LISTEN of the kernel's include/net/tcp_states.h.
const ESTABLISHED: u8 = 1;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;

/// A row of /proc/net/tcp or tcp6 (proc_net_tcp(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its own port.
    pub local: u16,
    /// The peer's.
    pub remote: u16,
    /// From tcp_states.h.
    state: u8,
    /// Bytes unread; of a listener, connections that wait to be accepted.
    queue: u64,
    /// 0 where the connection has not been accepted, or is not open any more.
    pub inode: u64,
    /// From the second of the two files.
    pub v6: bool,
}

impl Row {
    /// Bytes in the receive buffer. A FIN counts as one in the kernel's table.
    pub fn unread(&self) -> u64 {
        self.queue
            .saturating_sub(u64::from(self.state == CLOSE_WAIT))
    }

    /// Both ends may still send.
    pub fn established(&self) -> bool {
        self.state == ESTABLISHED
    }

    /// The peer has hung up, and whoever has accepted it has not closed it.
    pub fn is_left_open(&self) -> bool {
        self.state == CLOSE_WAIT && self.inode != 0
    }

    /// A socket that takes connections in.
    pub fn listens(&self) -> bool {
        self.state == LISTEN
    }
}

/// The TCP sockets in the network of process `process`.
pub fn table(process: i32) -> Vec<Row> {
    let mut rows = Vec::new();
    for (file, v6) in [("tcp", false), ("tcp6", true)] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{file}"));
        let text = text.unwrap_or_default();
        rows.extend(text.lines().skip(1).filter_map(|line| parse(line, v6)));
    }
    rows
}

fn parse(line: &str, v6: bool) -> Option<Row> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    Some(Row {
        local: port(fields.get(1)?)?,
        remote: port(fields.get(2)?)?,
        state: u8::from_str_radix(fields.get(3)?, 16).ok()?,
        queue: u64::from_str_radix(fields.get(4)?.split_once(':')?.1, 16).ok()?,
        inode: fields.get(9)?.parse().ok()?,
        v6,
    })
}

/// Fd, port and family of each listening TCP socket of a process.
pub fn listeners(process: i32) -> Vec<(RawFd, Row)> {
    let table = table(process);
    let of = |fd| {
        let inode = proc::socket_inode(process, fd)?;
        let row = table.iter().find(|row| row.inode == inode && row.listens());
        row.map(|row| (fd, *row))
    };
    proc::fds(process).into_iter().filter_map(of).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read() {
        let row = "   1: 0100007F:270F 0100007F:9C40 08 00000000:00000009 00:00000000 \
            00000000     0        0 23456 1 0000000000000000 20 4 30 10 -1";
        let row = parse(row, false).expect("a row");
        assert_eq!((row.local, row.remote, row.inode), (9999, 40000, 23456));
        assert_eq!(row.unread(), 8, "the ninth is the FIN");
        assert!(!row.established() && !row.listens());
    }
}
