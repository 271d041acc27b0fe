//! What an experiment can do: connections, their clients, an epoll, and waits
//! that do not sleep.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{SockFlag, SockaddrIn, getsockname, setsockopt, sockopt};
use rustix::event::PollFlags;

use crate::claims::evidence::{errno, events};
use crate::claims::trial::connection::{ANY_PORT, Conn, connect, knock, listen, reset};
use crate::claims::trial::report::NamedEvent;
use crate::lab::audience::{Audience, OutputError};
use crate::lab::report::scene::Action;
use crate::server::door;
use crate::sys::journal::{Follow, Journal};
use crate::sys::open_files::Raised;
use crate::sys::{Socket, Sys};
use crate::trace::{CtlOp, Name, OfCall};

/// Open files that are enough for an fd of 1024 and the lab's own.
const ENOUGH: u64 = 1_100;

/// One experiment on its way.
pub struct Trial<'a> {
    /// The experiment's own calls go this way, and so into the trace.
    pub sys: Sys,
    pub(super) journal: Arc<Journal>,
    pub(super) audience: &'a mut dyn Audience,
    /// Whether it could hear everything so far.
    pub(super) heard: Result<(), OutputError>,
    /// The last call for which the kernel had not enough.
    pub(super) lacked: Option<String>,
    clients: u32,
    pub(super) untraced: bool,
    pub(super) began: Instant,
    /// Put back when the fds are closed.
    _limit: Option<Raised>,
}

impl<'a> Trial<'a> {
    /// No call made yet. Raises the soft limit on open files, for as long as
    /// the trial lives.
    pub fn new(audience: &'a mut dyn Audience) -> Trial<'a> {
        let journal = Arc::new(Journal::unbounded());
        let began = Instant::now();
        Trial {
            sys: Sys::new(Arc::clone(&journal), Follow::Timed, began),
            journal,
            audience,
            heard: Ok(()),
            lacked: None,
            clients: 0,
            untraced: false,
            began,
            // An experiment that needs more than it could be raised to says so.
            _limit: Raised::to(ENOUGH).ok(),
        }
    }

    /// A client connects and is accepted; our end blocks, as accept4 made it.
    pub fn connection(&mut self) -> Result<Conn> {
        self.connection_with(None)
    }

    /// The same with small buffers (SO_SNDBUF of ours, SO_RCVBUF of the
    /// client's), so that they are soon full.
    pub fn small_connection(&mut self, bytes: usize) -> Result<Conn> {
        self.connection_with(Some(bytes))
    }

    fn connection_with(&mut self, buffers: Option<usize>) -> Result<Conn> {
        let listener = listen()?;
        let peer = connect(&listener, buffers)?;
        let (ours, _) = listener.accept().of_call("accept")?;
        // Small segments at once; otherwise Nagle's algorithm holds them back.
        ours.set_nodelay(true).of_call("setsockopt(TCP_NODELAY)")?;
        if let Some(bytes) = buffers {
            setsockopt(&ours, sockopt::SndBuf, &bytes).of_call("setsockopt(SO_SNDBUF)")?;
        }
        let name = self.client();
        self.step(name, Action::Connect, &[]);
        let socket = self.sys.keep(ours.into(), name);
        let peer = Some(peer);
        Ok(Conn { socket, peer, name })
    }

    /// The name of the next client.
    pub fn client(&mut self) -> Name {
        self.clients += 1;
        Name::Client(self.clients - 1)
    }

    /// A listener that does not block: socket, setsockopt, bind, listen.
    pub fn listener(&mut self) -> Result<(Socket, SocketAddr)> {
        let listener = door::listening(&mut self.sys, &ANY_PORT, SockFlag::SOCK_NONBLOCK)?;
        let address: SockaddrIn = getsockname(listener.as_raw_fd()).of_call("getsockname")?;
        Ok((listener, SocketAddr::V4(address.into())))
    }

    /// A client connects, and waits in the listener's queue; over when all
    /// who wait for the listener have been told.
    pub fn connects(&mut self, listener: SocketAddr) -> Result<TcpStream> {
        let name = self.client();
        self.step(name, Action::Connect, &[]);
        knock(listener)
    }

    /// fcntl(2): O_NONBLOCK, beside the flags that the socket has.
    #[track_caller]
    pub fn nonblocking(&mut self, conn: &Conn) -> Result<()> {
        let flags = self.sys.fcntl_getfl(&conn.socket)?;
        Ok(self
            .sys
            .fcntl_setfl(&conn.socket, flags | OFlag::O_NONBLOCK)?)
    }

    /// An epoll instance with these on its interest list.
    #[track_caller]
    pub fn epoll_of(&mut self, fds: &[&impl AsFd], interest: EpollFlags) -> Result<Epoll> {
        let epoll = self.sys.epoll_create1()?;
        for fd in fds {
            self.sys.epoll_ctl(&epoll, CtlOp::Add, *fd, interest)?;
        }
        Ok(epoll)
    }

    /// What one wait says of an fd, in an epoll of its own.
    #[track_caller]
    pub fn reported(&mut self, fd: &impl AsFd, interest: EpollFlags) -> Result<EpollFlags> {
        let epoll = self.epoll_of(&[fd], interest)?;
        Ok(events(&self.wait(&epoll)?))
    }

    /// epoll_wait(2) with timeout 0: what is ready now.
    #[track_caller]
    pub fn wait(&mut self, epoll: &Epoll) -> Result<Vec<NamedEvent>> {
        self.wait_for(epoll, 8, Duration::ZERO)
    }

    /// So many waits in a row: the reports of all of them.
    #[track_caller]
    pub fn waits(&mut self, epoll: &Epoll, waits: usize) -> Result<usize> {
        let mut reports = 0;
        for _ in 0..waits {
            reports += self.wait(epoll)?.len();
        }
        Ok(reports)
    }

    /// epoll_wait(2) with room for so many events, for so long at most.
    #[track_caller]
    pub fn wait_for(
        &mut self,
        epoll: &Epoll,
        maxevents: usize,
        timeout: Duration,
    ) -> Result<Vec<NamedEvent>> {
        let mut events = vec![EpollEvent::empty(); maxevents];
        let ready = self.sys.epoll_wait(epoll, &mut events, Some(timeout))?;
        let report = |event: &EpollEvent| NamedEvent {
            name: self.sys.name(event.data() as i32),
            data: event.data(),
            events: event.events(),
        };
        Ok(events[..ready].iter().map(report).collect())
    }

    /// One recv(2): the bytes, or the errno.
    #[track_caller]
    pub fn recv(&mut self, conn: &Conn, length: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; length];
        let received = errno(self.sys.recv(&conn.socket, &mut buffer))?;
        buffer.truncate(received);
        Ok(buffer)
    }

    /// Waits and reads once a report, until a wait reports nothing; the sizes
    /// of what was read.
    #[track_caller]
    pub fn read_once_per_report(
        &mut self,
        epoll: &Epoll,
        conn: &Conn,
        buffer: usize,
    ) -> Result<Vec<usize>> {
        let mut sizes = Vec::new();
        while !self.wait(epoll)?.is_empty() {
            ensure!(sizes.len() < 10_000, "the reports do not end");
            let received = self.recv(conn, buffer);
            sizes.push(received.of_call("recv")?.len());
        }
        Ok(sizes)
    }

    /// Reads until recv(2) fails or says that the peer has hung up; the bytes
    /// that came, and how it ended. For a socket that does not block.
    #[track_caller]
    pub fn drain(&mut self, conn: &Conn, buffer: usize) -> (usize, Result<usize, Errno>) {
        let mut bytes = 0;
        loop {
            match self.recv(conn, buffer) {
                Ok(data) if data.is_empty() => return (bytes, Ok(0)),
                Ok(data) => bytes += data.len(),
                Err(errno) => return (bytes, Err(errno)),
            }
        }
    }

    /// The client sends; over when the bytes are in our receive buffer.
    pub fn sends(&mut self, conn: &Conn, data: &[u8]) -> Result<()> {
        self.step(conn.name, Action::Send, data);
        conn.sends(data)
    }

    /// The client reads what has come back, which must be so much.
    pub fn receives(&mut self, conn: &Conn, bytes: usize) -> Result<Vec<u8>> {
        let data = conn.receives(bytes)?;
        self.step(conn.name, Action::Recv, &data);
        Ok(data)
    }

    /// The client says that it will send no more: shutdown(2) with SHUT_WR.
    pub fn half_closes(&mut self, conn: &Conn) -> Result<()> {
        self.step(conn.name, Action::Shutdown, &[]);
        conn.half_closes()
    }

    /// The client closes its socket; the kernel says goodbye for it.
    pub fn closes(&mut self, conn: &mut Conn) -> Result<()> {
        self.step(conn.name, Action::Close, &[]);
        conn.peer = None;
        conn.hears(PollFlags::RDHUP)
    }

    /// The client resets the connection: SO_LINGER with no time, and close
    /// (socket(7)).
    pub fn resets(&mut self, conn: &mut Conn) -> Result<()> {
        self.step(conn.name, Action::Reset, &[]);
        if let Some(peer) = conn.peer.take() {
            reset(peer)?;
        }
        conn.hears(PollFlags::HUP)
    }

    /// An eventfd with nothing in it, under a name for the trace.
    pub fn eventfd(&mut self, name: &'static str) -> Result<Socket> {
        let fd = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC);
        let fd: OwnedFd = fd.of_call("eventfd")?.into();
        Ok(self.sys.keep(fd, Name::Other(name)))
    }

    /// write(2) adds 1 to an eventfd's counter.
    pub fn adds_one(&mut self, eventfd: &Socket) -> Result<()> {
        nix::unistd::write(eventfd, &1_u64.to_ne_bytes()).of_call("write")?;
        self.note("write(eventfd, 1)");
        Ok(())
    }
}
