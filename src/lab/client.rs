//! The scripted clients: real sockets, written to and read by the lab.
//!
//! They use read(2) and write(2) on non-blocking fds of their own from
//! [`LAB_FDS`](crate::lab::witness::LAB_FDS) up, so that the server's fd numbers
//! and the server's recv and send stay its own in every trace.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use nix::errno::Errno;
use rustix::net::sockopt::Timeout;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::lab::witness::move_up;
use crate::trace::{CallFailed, OfCall};

/// How long a client waits for a place in the listener's queue.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client of the script.
#[derive(Debug, Default)]
pub struct Client {
    /// Connected, until it closes.
    socket: Option<File>,
    /// Where it connected from, once it has.
    pub address: Option<SocketAddr>,
    /// Bytes that write(2) took.
    pub sent: u64,
    /// What came back, byte for byte.
    back: Vec<u8>,
    /// How much of it has been received in a step of the script.
    received: usize,
    /// It has said that it will send no more.
    pub hung_up: bool,
    /// The server's steps when this client last sent something or hung up.
    pub acted_at: Option<u64>,
    /// How the connection ended, as seen from here.
    pub end: Option<End>,
    /// All that it was told to send so far.
    said: Vec<u8>,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server has hung up.
    EndOfFile,
    /// The connection failed, with this errno.
    Failed(Errno),
}

impl Client {
    /// Connects to the server.
    ///
    /// # Errors
    ///
    /// The call that failed: socket(2), fcntl(2), setsockopt(2), connect(2) or
    /// getsockname(2).
    pub fn connect(&mut self, server: SocketAddr) -> Result<(), CallFailed> {
        let family = match server {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let low = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .of_call("socket")?;
        // Up before the connect: the number is the one that the server's
        // accept4 should get.
        let socket = move_up(&low).of_call("fcntl(F_DUPFD_CLOEXEC)")?;
        drop(low);
        // While the listener's queue is full, connect(2) waits; SO_SNDTIMEO
        // limits that, and ends it with EINPROGRESS (socket(7)).
        let (timeout, full) = (Timeout::Send, "the listener's queue is full");
        rustix::net::sockopt::set_socket_timeout(&socket, timeout, Some(PATIENCE))
            .of_call("setsockopt(SO_SNDTIMEO)")?;
        let connected = rustix::net::connect(&socket, &server).map_err(|errno| match errno {
            rustix::io::Errno::INPROGRESS => io::Error::new(
                ErrorKind::TimedOut,
                format!(
                    "no answer within {} s: {full} (net.core.somaxconn)",
                    PATIENCE.as_secs()
                ),
            ),
            errno => errno.into(),
        });
        connected.of_call("connect")?;
        let stream = TcpStream::from(socket);
        stream
            .set_nodelay(true)
            .of_call("setsockopt(TCP_NODELAY)")?;
        stream.set_nonblocking(true).of_call("ioctl(FIONBIO)")?;
        self.address = Some(stream.local_addr().of_call("getsockname")?);
        self.socket = Some(File::from(std::os::fd::OwnedFd::from(stream)));
        Ok(())
    }

    /// Sends `message`, as far as the kernel takes it now; [`Client::push`]
    /// sends the rest.
    pub fn say(&mut self, message: &[u8]) -> io::Result<()> {
        self.said.extend_from_slice(message);
        self.push()
    }

    /// Bytes that it was told to send, whether or not the kernel has them yet.
    pub fn said(&self) -> u64 {
        self.said.len() as u64
    }

    /// What came back.
    pub fn answer(&self) -> &[u8] {
        &self.back
    }

    /// What has come back since the last time.
    pub fn receive(&mut self) -> &[u8] {
        let new = std::mem::replace(&mut self.received, self.back.len());
        &self.back[new..]
    }

    /// Something has come back that no step has received.
    pub fn has_more(&self) -> bool {
        self.received < self.back.len()
    }

    /// How many bytes came back.
    pub fn came_back(&self) -> u64 {
        self.back.len() as u64
    }

    /// Something came back that had not been sent.
    pub fn is_damaged(&self) -> bool {
        !self.said.starts_with(&self.back)
    }

    /// Takes in what has come back.
    pub fn pump(&mut self) -> io::Result<()> {
        let mut part = [0; 16384];
        while self.end.is_none() {
            let Some(socket) = &mut self.socket else {
                break;
            };
            match socket.read(&mut part) {
                Ok(0) => self.end = Some(End::EndOfFile),
                Ok(n) => self.back.extend_from_slice(&part[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => self.failed(e)?,
            }
        }
        Ok(())
    }

    /// Sends what is still to be sent, as far as the kernel takes it now.
    pub fn push(&mut self) -> io::Result<()> {
        // A server that has closed its end is written to all the same: what
        // comes of that is the kernel's answer.
        while self.sent < self.said() && !self.has_failed() && !self.hung_up {
            let Some(socket) = &mut self.socket else {
                break;
            };
            match socket.write(&self.said[self.sent as usize..]) {
                Ok(n) => self.sent += n as u64,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => self.failed(e)?,
            }
        }
        Ok(())
    }

    /// Its connection has failed: there is no call left to make.
    pub fn has_failed(&self) -> bool {
        matches!(self.end, Some(End::Failed(_)))
    }

    /// A reset ends this connection and is reported with it; a signal is
    /// nothing; the rest is a surprise.
    fn failed(&mut self, error: io::Error) -> io::Result<()> {
        match (error.kind(), error.raw_os_error()) {
            (ErrorKind::Interrupted, _) => Ok(()),
            (ErrorKind::ConnectionReset | ErrorKind::BrokenPipe, Some(errno)) => {
                self.end = Some(End::Failed(Errno::from_raw(errno)));
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Hangs up: shutdown(2) with SHUT_WR. It can still read.
    pub fn hang_up(&mut self) -> io::Result<()> {
        self.hung_up = true;
        if let Some(socket) = &self.socket
            && !self.has_failed()
        {
            let stream = rustix::net::shutdown(socket, rustix::net::Shutdown::Write);
            match stream {
                // Reset in the meantime: the next read says so.
                Err(rustix::io::Errno::NOTCONN) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Closes its socket.
    pub fn close(&mut self) {
        self.socket = None;
    }
}
