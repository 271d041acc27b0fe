//! Connections over loopback, and what their clients do: plain calls, none of
//! them in the trace, each over when the kernel says that it has arrived.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, send, setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;

use crate::claims::patience::{PATIENCE, until};
use crate::lab::tcp_table::TcpTable;
use crate::lab::witness::move_up;
use crate::sys::{Socket, loopback};
use crate::trace::{Name, OfCall};

/// A TCP connection over loopback: our socket, and its client.
pub struct Conn {
    /// Our end: calls on it are traced.
    pub socket: Socket,
    /// The client's end; `None` once it has closed.
    pub peer: Option<TcpStream>,
    /// The client's letter in the trace.
    pub name: Name,
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Conn {
    /// Bytes in our receive buffer.
    pub fn unread(&self) -> Result<u64> {
        Ok(ioctl_fionread(&self.socket).of_call("ioctl(FIONREAD)")?)
    }

    /// The client's end.
    pub fn peer(&self) -> Result<&TcpStream> {
        self.peer.as_ref().context("the client has gone")
    }

    /// See [`Trial::sends`](super::Trial::sends); this one leaves no trace.
    pub fn sends(&self, data: &[u8]) -> Result<()> {
        let before = self.unread()?;
        let (mut peer, mut rest) = (self.peer()?, data);
        until("room in the client's send buffer", || {
            let taken = at_once(peer.write(rest)).of_call("write")?;
            rest = &rest[taken.unwrap_or(0)..];
            Ok(rest.is_empty())
        })?;
        until("what the client sent", || {
            Ok(self.unread()? >= before + data.len() as u64)
        })
    }

    /// See [`Trial::receives`](super::Trial::receives); this one leaves no trace.
    pub fn receives(&self, bytes: usize) -> Result<Vec<u8>> {
        let mut data = vec![0; bytes];
        let mut peer = self.peer()?;
        let mut filled = 0;
        until("what we sent", || {
            match at_once(peer.read(&mut data[filled..])).of_call("read")? {
                Some(0) => bail!("the client sees the end after {filled} of {bytes} bytes"),
                read => filled += read.unwrap_or(0),
            }
            Ok(filled == bytes)
        })?;
        Ok(data)
    }

    /// send(2), which leaves no trace: how many bytes the kernel took, and 0
    /// for EAGAIN.
    pub fn send_if_room(&self, data: &[u8]) -> Result<usize> {
        match send(self.socket.as_raw_fd(), data, MsgFlags::MSG_NOSIGNAL) {
            Ok(taken) => Ok(taken),
            Err(Errno::EAGAIN) => Ok(0),
            Err(errno) => Ok(Err(errno).of_call("send")?),
        }
    }

    /// Bytes in the client's receive buffer.
    pub fn unread_by_peer(&self) -> Result<u64> {
        Ok(ioctl_fionread(self.peer()?).of_call("ioctl(FIONREAD)")?)
    }

    /// See [`Trial::half_closes`](super::Trial::half_closes); this one leaves no trace.
    pub fn half_closes(&self) -> Result<()> {
        self.peer()?.shutdown(Shutdown::Write).of_call("shutdown")?;
        self.hears(PollFlags::RDHUP)
    }

    /// What ends a sleep in recv of our socket, though it may be closed by
    /// then: the client hangs up, by an fd of its own.
    pub fn hang_up(&self) -> Result<impl Fn() -> bool + use<>> {
        let peer = move_up(self.peer()?).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
        let peer = TcpStream::from(peer);
        Ok(move || peer.shutdown(Shutdown::Both).is_ok())
    }

    /// Waits until our socket has this condition.
    pub fn hears(&self, condition: PollFlags) -> Result<()> {
        hears(&self.socket, condition)
    }
}

/// What a call came to that does not block; `None` where it would have.
pub fn at_once<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        done => done.map(Some),
    }
}

/// Whether an fd has one of these conditions now.
pub fn has(fd: impl AsFd, conditions: PollFlags) -> Result<bool> {
    let mut asked = [PollFd::new(&fd, conditions)];
    poll(&mut asked, Some(&Timespec::default())).of_call("poll")?;
    Ok(asked[0].revents().intersects(conditions))
}

/// Waits until a socket has this condition.
pub fn hears(socket: impl AsFd, condition: PollFlags) -> Result<()> {
    until("the end of the connection", || has(&socket, condition))?;
    // poll looks without the socket's lock, so the packet may still be in
    // hand. FIONREAD takes the lock: now all who wait have been told.
    ioctl_fionread(&socket).of_call("ioctl(FIONREAD)")?;
    Ok(())
}

/// Closes a socket with a reset instead of a goodbye.
pub fn reset(socket: TcpStream) -> Result<()> {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&socket, sockopt::Linger, &at_once).of_call("setsockopt(SO_LINGER)")?;
    drop(socket);
    Ok(())
}

/// A port that nobody has, on loopback (ip(7)).
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The number of an fd that nobody has.
pub fn free_number(fd: impl AsFd) -> Result<i32> {
    let high = rustix::io::fcntl_dupfd_cloexec(fd, 500);
    let high = high.context("no fd 500: raise the limit, ulimit -n")?;
    Ok(high.as_raw_fd())
}

/// A listener on loopback, out of the way of the fds that the trace shows.
pub fn listen() -> Result<TcpListener> {
    let listener = loopback::listener()?;
    let high = move_up(&listener).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
    Ok(TcpListener::from(high))
}

/// A client, connected; its reads and writes do not block.
pub fn connect(listener: &TcpListener, buffer: Option<usize>) -> Result<TcpStream> {
    let address = listener.local_addr().of_call("getsockname")?;
    connect_to(address, buffer)
}

/// The same, to an address.
pub fn connect_to(address: SocketAddr, buffer: Option<usize>) -> Result<TcpStream> {
    let low = loopback::client()?;
    let socket = move_up(&low).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
    drop(low);
    if let Some(bytes) = buffer {
        setsockopt(&socket, sockopt::RcvBuf, &bytes).of_call("setsockopt(SO_RCVBUF)")?;
    }
    match loopback::connect(&socket, address, PATIENCE) {
        Err(failed) if failed.error.kind() == ErrorKind::TimedOut => bail!(
            "{failed} in {} s; net.core.somaxconn is how many may wait for accept",
            PATIENCE.as_secs()
        ),
        done => done?,
    }
    let stream = TcpStream::from(socket);
    stream
        .set_nodelay(true)
        .of_call("setsockopt(TCP_NODELAY)")?;
    Ok(stream)
}

/// A client connects, and waits in the listener's queue.
///
/// The kernel shows a connection a moment before it wakes those who wait for
/// the listener, but it holds the connection's lock until it has. So the client
/// sends two bytes, one after the other: the second is taken in when the lock
/// has been free.
pub fn knock(listener: SocketAddr) -> Result<TcpStream> {
    let client = connect_to(listener, None)?;
    let address = client.local_addr().of_call("getsockname")?;
    let Ok(table) = TcpTable::open(&listener) else {
        return Ok(client); // a kernel without the table: as good as it gets
    };
    for sent in 1..=2 {
        (&client).write_all(b"x").of_call("write")?;
        until("a connection", || {
            let end = table
                .server_end(listener, address)
                .of_call("read(/proc/self/net/tcp)")?;
            Ok(end.is_some_and(|end| end.unread >= sent))
        })?;
    }
    Ok(client)
}
