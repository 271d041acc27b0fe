//! The lab's clients: real sockets, written to and read without ever waiting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, getsockname};

use crate::trace::Name;

/// How long a client waits for a place in the listener's queue.
const PATIENCE: Duration = Duration::from_secs(1);

/// The receive buffer of a client that is slow to read, in bytes.
const SMALL: usize = 2048;

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Its letter.
    pub name: Name,
    socket: Option<TcpStream>,
    /// The address it comes from.
    pub address: SocketAddr,
    /// The port of that.
    pub port: u16,
    /// All that it was told to send.
    pub said: Vec<u8>,
    /// How much of it the kernel has.
    pub sent: usize,
    /// What came back.
    pub back: Vec<u8>,
    received: usize,
    /// It has said that it will send no more.
    pub hung_up: bool,
    /// It does not read for a while.
    pub lazy: bool,
    /// The server has hung up.
    pub eof: bool,
    /// The connection has failed.
    pub failed: Option<Errno>,
    /// The server's moves when this client last acted.
    pub acted_at: Option<u64>,
    /// It has reset the connection: that wakes whoever has the fd registered.
    pub reset: bool,
    /// The server has not closed its end, though it has hung up.
    pub left_open: bool,
    /// All of its first message had come back before the server slept again.
    pub at_once: Option<bool>,
}

impl Client {
    /// A client with a port of its own that is not connected yet: whoever
    /// accepts it knows by the address who it is.
    pub fn new(name: Name, server: SocketAddr, lazy: bool) -> io::Result<(Client, OwnedFd)> {
        let (family, own): (_, IpAddr) = match server {
            SocketAddr::V4(_) => (AddressFamily::INET, Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) => (AddressFamily::INET6, Ipv6Addr::LOCALHOST.into()),
        };
        let kind = SocketType::STREAM;
        let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        if lazy {
            sockopt::set_socket_recv_buffer_size(&socket, SMALL)?;
        }
        bind(&socket, &SocketAddr::new(own, 0))?;
        let address = SocketAddr::try_from(getsockname(&socket)?)?;
        let client = Client {
            name,
            socket: None,
            address,
            port: address.port(),
            said: Vec::new(),
            sent: 0,
            back: Vec::new(),
            received: 0,
            hung_up: false,
            lazy,
            eof: false,
            failed: None,
            acted_at: None,
            reset: false,
            left_open: false,
            at_once: None,
        };
        Ok((client, socket))
    }

    /// Connects it. A queue that stays full is a failure of this connection
    /// alone.
    pub fn connect(&mut self, socket: OwnedFd, server: SocketAddr) -> io::Result<()> {
        sockopt::set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        match connect(&socket, &server) {
            Ok(()) => {}
            // SO_SNDTIMEO has run out (socket(7)).
            Err(rustix::io::Errno::INPROGRESS) => {
                self.failed = Some(Errno::ETIMEDOUT);
                return Ok(());
            }
            Err(errno) => {
                self.failed = Some(Errno::from_raw(errno.raw_os_error()));
                return Ok(());
            }
        }
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        self.socket = Some(stream);
        Ok(())
    }

    /// Sends, as far as the kernel takes it now.
    pub fn say(&mut self, message: &[u8]) {
        self.said.extend_from_slice(message);
        self.push();
    }

    /// Sends what is left.
    pub fn push(&mut self) {
        while self.sent < self.said.len() && self.failed.is_none() && !self.hung_up {
            let Some(socket) = &mut self.socket else {
                return;
            };
            match socket.write(&self.said[self.sent..]) {
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Takes in what has come back.
    pub fn pump(&mut self) {
        let mut part = [0; 1 << 16];
        while !self.over() {
            let Some(socket) = &mut self.socket else {
                return;
            };
            match socket.read(&mut part) {
                Ok(0) => self.eof = true,
                Ok(n) => self.back.extend_from_slice(&part[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => self.fail(&error),
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        if error.kind() != ErrorKind::Interrupted {
            let errno = error.raw_os_error().unwrap_or(0);
            self.failed = Some(Errno::from_raw(errno));
        }
    }

    /// What has come back since the last time.
    pub fn receive(&mut self) -> Vec<u8> {
        let new = self.back[self.received..].to_vec();
        self.received = self.back.len();
        new
    }

    /// Something has come back that no step has received.
    pub fn has_more(&self) -> bool {
        self.received < self.back.len()
    }

    /// Nothing will come any more.
    pub fn over(&self) -> bool {
        self.eof || self.failed.is_some() || self.socket.is_none()
    }

    /// Says that it will send no more.
    pub fn hang_up(&mut self) {
        self.hung_up = true;
        if let Some(socket) = &self.socket {
            // Gone already: the next read says so.
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Closes. Where the server has hung up first, with a reset: its port
    /// would stay busy for a minute otherwise (TIME_WAIT, tcp(7)).
    pub fn close(&mut self) {
        match self.eof {
            true => self.reset(),
            false => self.socket = None,
        }
    }

    /// Closes with a reset instead of a goodbye (SO_LINGER of 0, socket(7)).
    pub fn reset(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
        }
    }
}

/// Where a client connects to for a listener that has this address.
pub fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}
