//! What happened, as data: a [`Call`], and the [`Record`] of its return.
//!
//! Nothing here makes a system call. The names are those of the man pages
//! ([`Call::name`]) and of strace ([`Call::syscall`]), and every format takes
//! them from here.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::PollFlags;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

/// What a file descriptor stands for; the letter in `5<A>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Neither the listener nor a client: an epoll instance.
    Plain,
    /// The listening socket, `L`.
    Listener,
    /// The connection of the n-th client that was accepted, counted from 0:
    /// `A`, `B`, … `Z`, `AA`, …
    Client(u32),
    /// One end of an experiment's connection: `W` for the one that writes.
    Letter(char),
    /// Something else, in a word: `file`.
    Other(&'static str),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Name::Plain => Ok(()),
            Name::Listener => f.write_str("L"),
            Name::Letter(letter) => write!(f, "{letter}"),
            Name::Other(word) => f.write_str(word),
            // `L` is taken: the clients' letters leave it out.
            Name::Client(index) => {
                const LETTERS: &[u8] = b"ABCDEFGHIJKMNOPQRSTUVWXYZ";
                let base = LETTERS.len() as u32;
                if index >= base {
                    Name::Client(index / base - 1).fmt(f)?;
                }
                let letter = LETTERS[(index % base) as usize];
                write!(f, "{}", char::from(letter))
            }
        }
    }
}

/// A file descriptor of the server and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd {
    pub raw: RawFd,
    pub name: Name,
}

impl fmt::Display for Fd {
    /// As `strace -y` shows it: `5<A>`; a bare number where there is no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Name::Plain => write!(f, "{}", self.raw),
            name => write!(f, "{}<{name}>", self.raw),
        }
    }
}

/// The operation of an `epoll_ctl` (epoll_ctl(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtlOp {
    Add,
    Mod,
    Del,
}

impl CtlOp {
    /// The constant's name without its prefix `EPOLL_CTL_`.
    pub fn name(self) -> &'static str {
        match self {
            CtlOp::Add => "ADD",
            CtlOp::Mod => "MOD",
            CtlOp::Del => "DEL",
        }
    }
}

/// A system call with its arguments, before anything is known of its return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Socket,
    Setsockopt {
        fd: Fd,
        option: &'static str,
        value: i32,
    },
    Bind {
        fd: Fd,
    },
    Listen {
        fd: Fd,
        backlog: i32,
    },
    Getsockname {
        fd: Fd,
    },
    Connect {
        fd: Fd,
    },
    EpollCreate1,
    EpollCtl {
        epfd: Fd,
        op: CtlOp,
        fd: Fd,
        interest: EpollFlags,
    },
    /// `timeout` in milliseconds; -1 waits until something is ready.
    EpollWait {
        epfd: Fd,
        maxevents: usize,
        timeout: i32,
    },
    /// `timeout` as for `epoll_wait`.
    Poll {
        nfds: usize,
        timeout: i32,
    },
    /// `timeout` as for `epoll_wait`, though select takes a structure; -1 is
    /// its NULL.
    Select {
        nfds: usize,
        timeout: i32,
    },
    Accept4 {
        fd: Fd,
    },
    FcntlGetfl {
        fd: Fd,
    },
    FcntlSetfl {
        fd: Fd,
        flags: OFlag,
    },
    /// A second fd for the same open file, the lowest free one from `from` up.
    FcntlDupfd {
        fd: Fd,
        from: RawFd,
    },
    /// `length`: the room in the buffer, in bytes.
    Recv {
        fd: Fd,
        length: usize,
    },
    /// `length`: the bytes offered.
    Send {
        fd: Fd,
        length: usize,
        flags: MsgFlags,
    },
    Close {
        fd: Fd,
    },
    /// A pause of so many milliseconds.
    ClockNanosleep {
        milliseconds: u64,
    },
}

/// True where the kernel has no `epoll_wait` of its own and the C library asks
/// `epoll_pwait` instead.
const NEWER_ABI: bool = cfg!(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "arm",
    target_arch = "powerpc64",
    target_arch = "s390x"
)));

impl Call {
    /// The name of the man page.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Socket => "socket",
            Call::Setsockopt { .. } => "setsockopt",
            Call::Bind { .. } => "bind",
            Call::Listen { .. } => "listen",
            Call::Getsockname { .. } => "getsockname",
            Call::Connect { .. } => "connect",
            Call::EpollCreate1 => "epoll_create1",
            Call::EpollCtl { .. } => "epoll_ctl",
            Call::EpollWait { .. } => "epoll_wait",
            Call::Poll { .. } => "poll",
            Call::Select { .. } => "select",
            Call::Accept4 { .. } => "accept4",
            Call::FcntlGetfl { .. } | Call::FcntlSetfl { .. } | Call::FcntlDupfd { .. } => "fcntl",
            Call::Recv { .. } => "recv",
            Call::Send { .. } => "send",
            Call::Close { .. } => "close",
            Call::ClockNanosleep { .. } => "clock_nanosleep",
        }
    }

    /// The name strace gives the same call: the C library makes `recv` and
    /// `send` out of the kernel's `recvfrom` and `sendto`.
    pub fn syscall(&self) -> &'static str {
        match self {
            Call::Recv { .. } => "recvfrom",
            Call::Send { .. } => "sendto",
            Call::EpollWait { .. } if NEWER_ABI => "epoll_pwait",
            Call::Poll { .. } if NEWER_ABI => "ppoll",
            Call::Select { .. } if NEWER_ABI => "pselect6",
            other => other.name(),
        }
    }

    /// The file descriptor the call is about; for `epoll_ctl` the one whose
    /// interest changes, for `epoll_wait` the epoll instance.
    pub fn fd(&self) -> Option<Fd> {
        match *self {
            Call::Socket | Call::EpollCreate1 | Call::ClockNanosleep { .. } => None,
            Call::Poll { .. } | Call::Select { .. } => None, // they name many
            Call::Setsockopt { fd, .. }
            | Call::Bind { fd }
            | Call::Listen { fd, .. }
            | Call::Getsockname { fd }
            | Call::Connect { fd }
            | Call::EpollCtl { fd, .. }
            | Call::Accept4 { fd }
            | Call::FcntlGetfl { fd }
            | Call::FcntlSetfl { fd, .. }
            | Call::FcntlDupfd { fd, .. }
            | Call::Recv { fd, .. }
            | Call::Send { fd, .. }
            | Call::Close { fd } => Some(fd),
            Call::EpollWait { epfd, .. } => Some(epfd),
        }
    }
}

/// What a wait call says of one fd, in the words of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// `events` of a struct epoll_event.
    Epoll(EpollFlags),
    /// `revents` of a struct pollfd.
    Poll(PollFlags),
    /// The fd_sets that the fd is still in.
    Select { readfds: bool, writefds: bool },
}

impl Ready {
    /// The peer has hung up or the connection has failed, as far as the API
    /// has a word for it.
    pub fn hung_up(&self) -> bool {
        match self {
            Ready::Epoll(events) => events
                .intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR | EpollFlags::EPOLLRDHUP),
            Ready::Poll(events) => events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR),
            Ready::Select { .. } => false,
        }
    }

    /// There is room in the send buffer.
    pub fn writable(&self) -> bool {
        match self {
            Ready::Epoll(events) => events.contains(EpollFlags::EPOLLOUT),
            Ready::Poll(events) => events.contains(PollFlags::POLLOUT),
            Ready::Select { writefds, .. } => *writefds,
        }
    }
}

/// One event as a wait call delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub fd: Fd,
    /// epoll: what the program stored in `data`; the fd, unless it chose
    /// otherwise.
    pub data: u64,
    pub ready: Ready,
    /// Bytes in the kernel's receive buffer when the wait call had returned
    /// (FIONREAD); `None` where nobody asked, or the fd is no connection.
    pub unread: Option<u64>,
}

/// What a wait moved and looked at, beside waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitCost {
    /// Fds that the program handed to the kernel.
    pub handed: u64,
    /// Bytes of fd_set or array copied into the kernel.
    pub bytes_in: u64,
    /// Bytes of fd_set, revents or events copied out.
    pub bytes_out: u64,
    /// Fds that the kernel asked whether they are ready.
    pub asked: u64,
    /// Fds that the program tested until it had found those that are.
    pub tested: u64,
}

impl WaitCost {
    /// Adds the costs of `other`.
    pub fn add(&mut self, other: &WaitCost) {
        self.handed += other.handed;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.asked += other.asked;
        self.tested += other.tested;
    }
}

/// A call that has returned.
#[derive(Clone, Debug)]
pub struct Record {
    pub call: Call,
    /// What the call returned, or the errno of its -1.
    pub result: Result<i32, Errno>,
    /// `recv`: the bytes that arrived; `send`: the bytes that were offered.
    pub data: Box<[u8]>,
    /// The wait call's events.
    pub events: Vec<Event>,
    /// A wait call: what it moved.
    pub cost: WaitCost,
    /// `recv`: bytes that are still in the kernel after it; `close`: bytes
    /// that nobody will read any more.
    pub unread: Option<u64>,
    /// `accept4`: the name of the new connection.
    pub accepted: Option<Name>,
    /// `accept4`: who has connected.
    pub peer: Option<SocketAddr>,
    /// Nanoseconds from the start of the run to the call.
    pub start_ns: u64,
    /// Nanoseconds from the start of the run to its return.
    pub end_ns: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            call: Call::Socket,
            result: Ok(0),
            data: Box::default(),
            events: Vec::new(),
            cost: WaitCost::default(),
            unread: None,
            accepted: None,
            peer: None,
            start_ns: 0,
            end_ns: 0,
        }
    }
}

impl Record {
    /// A call that brought nothing but its result.
    pub fn new(call: Call, result: Result<i32, Errno>, start_ns: u64, end_ns: u64) -> Record {
        let mut record = Record::default();
        record.renew(call, result, start_ns, end_ns);
        record
    }

    /// Makes it the record of another call, one that brought nothing but its
    /// result. In place, and the room for events stays: this is done at every
    /// call.
    pub fn renew(&mut self, call: Call, result: Result<i32, Errno>, start_ns: u64, end_ns: u64) {
        self.call = call;
        self.result = result;
        if !self.data.is_empty() {
            self.data = Box::default();
        }
        self.events.clear();
        self.cost = WaitCost::default();
        self.unread = None;
        self.accepted = None;
        self.peer = None;
        self.start_ns = start_ns;
        self.end_ns = end_ns;
    }
}

/// A call that failed, with the errno: what travels by `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub call: Call,
    pub errno: Errno,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call {
            Call::EpollCtl { op, fd, .. } => write!(f, "epoll_ctl({}, {fd})", op.name())?,
            call => match call.fd() {
                Some(fd) => write!(f, "{}({fd})", call.name())?,
                None => write!(f, "{}()", call.name())?,
            },
        }
        write!(f, ": {}", errno_text(self.errno))?;
        match remedy(&self.call, self.errno) {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// What the user can do about it.
fn remedy(call: &Call, errno: Errno) -> Option<&'static str> {
    match (call, errno) {
        (Call::Bind { .. }, Errno::EADDRINUSE) => Some("choose another port, or 0 for any"),
        (Call::Bind { .. }, Errno::EACCES) => Some("choose a port of 1024 or above"),
        (Call::Bind { .. }, Errno::EADDRNOTAVAIL) => {
            Some("choose an address of this machine, such as 127.0.0.1")
        }
        (Call::EpollCtl { .. }, Errno::ENOSPC) => {
            Some("raise the limit in /proc/sys/fs/epoll/max_user_watches")
        }
        // No such number: beyond the limit (fcntl(2)).
        (Call::FcntlDupfd { .. }, Errno::EINVAL) => {
            Some("raise the limit on open files, ulimit -n")
        }
        (_, Errno::EMFILE) => Some("raise the limit on open files, ulimit -n"),
        _ => None,
    }
}

/// An errno as strace prints it: `EAGAIN (Resource temporarily unavailable)`.
pub fn errno_text(errno: Errno) -> String {
    // nix's own descriptions differ from the C library's; std asks the latter.
    let text = std::io::Error::from_raw_os_error(errno as i32).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("{} ({text})", errno_name(errno))
}

/// The constant's name: `EAGAIN`.
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The same of an io error; its own words where it has no errno.
pub fn io_error_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => errno_text(Errno::from_raw(errno)),
        None => error.to_string(),
    }
}
