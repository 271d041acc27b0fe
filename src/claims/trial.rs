//! The vocabulary of the experiments: connections, their clients, an epoll,
//! and waits that do not sleep.
//!
//! An experiment makes its own calls through [`Sys`], traced. The clients at
//! the other end use plain calls on fds from [`LAB_FDS`](crate::witness::LAB_FDS)
//! up, as those of the servers do; each of their steps stands in the trace, and
//! is over only when the kernel says that it has arrived. So no experiment
//! sleeps and hopes.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{SockFlag, SockaddrIn, getsockname, setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::scaling::figures::thousands;
use crate::scene::{Action, Step};
use crate::server;
use crate::shared::{Follow, Shared};
use crate::sys::{Socket, Sys};
use crate::tcp_table::TcpTable;
use crate::trace::{CtlOp, Failure, Name, Record};
use crate::witness::move_up;

pub const IN: EpollFlags = EpollFlags::EPOLLIN;
pub const OUT: EpollFlags = EpollFlags::EPOLLOUT;
pub const ET: EpollFlags = EpollFlags::EPOLLET;
pub const RDHUP: EpollFlags = EpollFlags::EPOLLRDHUP;
pub const HUP: EpollFlags = EpollFlags::EPOLLHUP;
pub const ERR: EpollFlags = EpollFlags::EPOLLERR;

/// The message of the lessons: 13 bytes, so 5 + 5 + 3.
pub const MESSAGE: &[u8] = b"HELLOworld123";

/// How long the kernel may take to deliver something over loopback.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What happened in an experiment, in order.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A traced call.
    Call(Record),
    /// A step of a client.
    Step(Step),
    /// What no call and no client's step says.
    Note(String),
    /// So many reports of a client are not among the calls.
    Unseen(Name, u64),
}

/// One experiment on its way.
pub struct Trial {
    pub sys: Sys,
    shared: Arc<Shared>,
    story: Vec<Entry>,
    clients: u32,
    untraced: bool,
    began: Instant,
    /// Put back when the fds are closed.
    _limit: Option<RaisedLimit>,
}

/// A TCP connection over loopback: our socket, and its client.
pub struct Conn {
    pub socket: Socket,
    pub peer: Option<TcpStream>,
    pub name: Name,
}

/// One report: who, and what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub name: Name,
    pub data: u64,
    pub events: EpollFlags,
}

impl Trial {
    pub fn new() -> Trial {
        let shared = Arc::new(Shared::unbounded());
        let began = Instant::now();
        Trial {
            sys: Sys::new(Arc::clone(&shared), Follow::Records, began),
            shared,
            story: Vec::new(),
            clients: 0,
            untraced: false,
            began,
            _limit: RaisedLimit::to(ENOUGH),
        }
    }

    /// What has happened so far.
    pub fn into_story(mut self) -> Vec<Entry> {
        self.collect();
        self.story
    }

    fn collect(&mut self) {
        self.sys.publish();
        let mut records = Vec::new();
        self.shared.take(&mut records);
        self.story.extend(records.into_iter().map(Entry::Call));
    }

    /// A line of the trace that is no call.
    pub fn note(&mut self, note: impl Into<String>) {
        self.collect();
        self.story.push(Entry::Note(note.into()));
    }

    /// A call that another thread or process has made.
    pub fn record(&mut self, mut record: Record) {
        self.collect();
        record.end_ns = self.began.elapsed().as_nanos() as u64;
        record.start_ns = record.end_ns;
        self.story.push(Entry::Call(record));
    }

    /// Leaves calls and steps out of the trace: too many, or not always as
    /// many. A note should say what they are.
    pub fn untraced<T>(&mut self, calls: impl FnOnce(&mut Trial) -> T) -> T {
        self.sys.follow(Follow::Counts);
        self.untraced = true;
        let result = calls(self);
        self.untraced = false;
        self.sys.follow(Follow::Records);
        result
    }

    /// So many reports of `a` were left out: the next one has its own number.
    pub fn unseen(&mut self, a: &Conn, reports: u64) {
        self.collect();
        self.story.push(Entry::Unseen(a.name, reports));
    }

    fn step(&mut self, client: Name, action: Action, data: &[u8]) {
        if self.untraced {
            return;
        }
        self.collect();
        self.story.push(Entry::Step(Step {
            client,
            action,
            data: data.to_vec(),
            asleep: None,
            failed: None,
            at_ns: self.began.elapsed().as_nanos() as u64,
        }));
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
        let (ours, _) = listener.accept().context("accept")?;
        // Small segments at once; otherwise Nagle's algorithm holds them back.
        ours.set_nodelay(true).context("TCP_NODELAY")?;
        if let Some(bytes) = buffers {
            setsockopt(&ours, sockopt::SndBuf, &bytes).context("SO_SNDBUF")?;
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
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = server::listener(&mut self.sys, &any_port, SockFlag::SOCK_NONBLOCK)?;
        let address: SockaddrIn = getsockname(listener.as_raw_fd()).context("getsockname")?;
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
    pub fn nonblocking(&mut self, conn: &Conn) -> Result<()> {
        let flags = self.sys.fcntl_getfl(&conn.socket)?;
        Ok(self
            .sys
            .fcntl_setfl(&conn.socket, flags | OFlag::O_NONBLOCK)?)
    }

    /// An epoll instance with these on its interest list.
    pub fn epoll_of(&mut self, conns: &[&Conn], interest: EpollFlags) -> Result<Epoll> {
        let epoll = self.sys.epoll_create1()?;
        for conn in conns {
            self.sys
                .epoll_ctl(&epoll, CtlOp::Add, &conn.socket, interest)?;
        }
        Ok(epoll)
    }

    /// epoll_wait(2) with timeout 0: what is ready now.
    pub fn wait(&mut self, epoll: &Epoll) -> Result<Vec<Report>> {
        self.wait_for(epoll, 8, Duration::ZERO)
    }

    /// epoll_wait(2) with room for so many events, for so long at most.
    pub fn wait_for(
        &mut self,
        epoll: &Epoll,
        maxevents: usize,
        timeout: Duration,
    ) -> Result<Vec<Report>> {
        let mut events = vec![EpollEvent::empty(); maxevents];
        let ready = self.sys.epoll_wait(epoll, &mut events, Some(timeout))?;
        let report = |event: &EpollEvent| Report {
            name: self.sys.name(event.data() as i32),
            data: event.data(),
            events: event.events(),
        };
        Ok(events[..ready].iter().map(report).collect())
    }

    /// One recv(2): the bytes, or the errno.
    pub fn recv(&mut self, conn: &Conn, length: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; length];
        let received = errno(self.sys.recv(&conn.socket, &mut buffer))?;
        buffer.truncate(received);
        Ok(buffer)
    }

    /// Waits and reads once a report, until a wait reports nothing; the sizes
    /// of what was read.
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
            sizes.push(received.context("recv")?.len());
        }
        Ok(sizes)
    }

    /// Reads until recv(2) fails or says that the peer has hung up; the bytes
    /// that came, and how it ended. For a socket that does not block.
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
        let fd: OwnedFd = fd.context("eventfd")?.into();
        Ok(self.sys.keep(fd, Name::Other(name)))
    }
}

impl Default for Trial {
    fn default() -> Trial {
        Trial::new()
    }
}

impl Conn {
    /// Bytes in our receive buffer.
    pub fn unread(&self) -> Result<u64> {
        ioctl_fionread(&self.socket).context("ioctl(FIONREAD)")
    }

    fn peer(&self) -> Result<&TcpStream> {
        self.peer.as_ref().context("the client has gone")
    }

    /// See [`Trial::sends`]; this one leaves no trace.
    pub fn sends(&self, data: &[u8]) -> Result<()> {
        let before = self.unread()?;
        let (mut peer, mut rest) = (self.peer()?, data);
        until("room in the client's send buffer", || {
            match peer.write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Err(e).context("write"),
            }
            Ok(rest.is_empty())
        })?;
        until("what the client sent", || {
            Ok(self.unread()? >= before + data.len() as u64)
        })
    }

    /// See [`Trial::receives`]; this one leaves no trace.
    pub fn receives(&self, bytes: usize) -> Result<Vec<u8>> {
        let mut data = vec![0; bytes];
        let mut peer = self.peer()?;
        let mut filled = 0;
        until("what we sent", || {
            match peer.read(&mut data[filled..]) {
                Ok(0) => bail!("the client sees the end after {filled} of {bytes} bytes"),
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Err(e).context("read"),
            }
            Ok(filled == bytes)
        })?;
        Ok(data)
    }

    /// Bytes in the client's receive buffer.
    pub fn unread_by_peer(&self) -> Result<u64> {
        ioctl_fionread(self.peer()?).context("ioctl(FIONREAD)")
    }

    fn half_closes(&self) -> Result<()> {
        let how = std::net::Shutdown::Write;
        self.peer()?.shutdown(how).context("shutdown")?;
        self.hears(PollFlags::RDHUP)
    }

    /// Waits until our socket has this condition.
    pub fn hears(&self, condition: PollFlags) -> Result<()> {
        hears(&self.socket, condition)
    }
}

/// Waits until a socket has this condition.
pub fn hears(socket: impl AsFd, condition: PollFlags) -> Result<()> {
    let mut asked = [PollFd::new(&socket, condition)];
    until("the end of the connection", || {
        poll(&mut asked, Some(&Timespec::default())).context("poll")?;
        Ok(asked[0].revents().contains(condition))
    })?;
    // poll looks without the socket's lock, so the packet may still be in
    // hand. FIONREAD takes the lock: now all who wait have been told.
    ioctl_fionread(&socket).context("ioctl(FIONREAD)")?;
    Ok(())
}

/// Closes a socket with a reset instead of a goodbye.
pub fn reset(socket: TcpStream) -> Result<()> {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&socket, sockopt::Linger, &at_once).context("SO_LINGER")?;
    drop(socket);
    Ok(())
}

/// A listener on loopback, out of the way of the fds that the trace shows.
pub fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    Ok(TcpListener::from(
        move_up(&listener).context("F_DUPFD_CLOEXEC")?,
    ))
}

/// A client, connected; its reads and writes do not block.
pub fn connect(listener: &TcpListener, buffer: Option<usize>) -> Result<TcpStream> {
    let address = listener.local_addr().context("getsockname")?;
    connect_to(address, buffer)
}

/// The same, to an address.
pub fn connect_to(address: SocketAddr, buffer: Option<usize>) -> Result<TcpStream> {
    let kind = SocketType::STREAM;
    let low = rustix::net::socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)
        .context("socket")?;
    let socket = move_up(&low).context("F_DUPFD_CLOEXEC")?;
    drop(low);
    if let Some(bytes) = buffer {
        setsockopt(&socket, sockopt::RcvBuf, &bytes).context("SO_RCVBUF")?;
    }
    rustix::net::connect(&socket, &address).context("connect")?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).context("TCP_NODELAY")?;
    stream.set_nonblocking(true).context("O_NONBLOCK")?;
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
    let port = client.local_addr().context("getsockname")?.port();
    let Ok(table) = TcpTable::open(&listener) else {
        return Ok(client); // a kernel without the table: as good as it gets
    };
    for sent in 1..=2 {
        (&client).write_all(b"x").context("write")?;
        until("a connection", || {
            let ends = table
                .server_ends(listener.port())
                .context("/proc/net/tcp")?;
            let end = ends.iter().find(|(client, _)| *client == port);
            Ok(end.is_some_and(|(_, end)| end.unread >= sent))
        })?;
    }
    Ok(client)
}

/// Open files that are enough for an fd of 1024 and the lab's own.
const ENOUGH: u64 = 1_100;

/// The soft limit on open files, raised for as long as this lives.
struct RaisedLimit {
    soft: u64,
    hard: u64,
}

impl RaisedLimit {
    /// `None` where it is high enough, or cannot be raised: an experiment that
    /// needs more will say so.
    fn to(needed: u64) -> Option<RaisedLimit> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let raised = needed.min(hard);
        if soft >= raised {
            return None;
        }
        setrlimit(Resource::RLIMIT_NOFILE, raised, hard).ok()?;
        Some(RaisedLimit { soft, hard })
    }
}

impl Drop for RaisedLimit {
    fn drop(&mut self) {
        // Lowering it is always allowed.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard);
    }
}

/// Asks again and again until the kernel says yes; an error if it does not in
/// [`PATIENCE`]. The pause only saves the processor; nothing rests on it.
pub fn until(what: &str, mut seen: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !seen()? {
        if Instant::now() > deadline {
            bail!("{what} did not arrive in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}

/// The errno of a call that failed: here it is what was asked for.
pub fn errno<T>(result: Result<T, Failure>) -> Result<T, Errno> {
    result.map_err(|failure| failure.errno)
}

/// What an io call says: its errno.
pub fn io_errno(error: &io::Error) -> Errno {
    error
        .raw_os_error()
        .map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// A count as people read it: `13,108`.
pub fn figure(count: usize) -> String {
    thousands(count as f64)
}

/// `0`, or the errno's name.
pub fn outcome<T: fmt::Display>(result: &Result<T, Errno>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(errno) => crate::trace::errno_name(*errno),
    }
}

/// The number of an fd that nobody has.
pub fn free_number(fd: impl AsFd) -> Result<i32> {
    let high = rustix::io::fcntl_dupfd_cloexec(fd, 500);
    let high = high.context("no fd 500: raise the limit, ulimit -n")?;
    Ok(high.as_raw_fd())
}

/// Flags without their prefix: `IN|RDHUP`.
pub fn short(events: EpollFlags) -> String {
    let names = crate::wording::epoll_names(events);
    let short: Vec<&str> = names
        .iter()
        .map(|name| name.trim_start_matches("EPOLL"))
        .collect();
    match short.is_empty() {
        true => "nothing".into(),
        false => short.join("|"),
    }
}

/// The names of those that are reported: `A B C`.
pub fn names(reports: &[Report]) -> String {
    let names: Vec<String> = reports
        .iter()
        .map(|report| report.name.to_string())
        .collect();
    names.join(" ")
}
