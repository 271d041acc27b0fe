//! What happened, as data: a [`Call`], and the [`Record`] of its return.
//!
//! Nothing here makes a system call. The names are those of the man pages
//! ([`Call::name`]) and of strace ([`Call::syscall`]), and every format takes
//! them from here.

pub mod escape;
mod failure;
mod name;
mod report;
pub mod totals;
pub mod words;

use std::net::SocketAddr;

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

pub use crate::trace::report::Report;

pub use crate::trace::report::Ready;

pub use crate::trace::failure::{Failure, errno_name, errno_text, io_error_text};
pub use crate::trace::name::{Fd, Name};
pub use crate::trace::report::WaitCost;

/// The operation of an `epoll_ctl` (epoll_ctl(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtlOp {
    /// EPOLL_CTL_ADD: puts an fd on the interest list.
    Add,
    /// EPOLL_CTL_MOD: changes the interest, and asks anew whether it is
    /// ready.
    Mod,
    /// EPOLL_CTL_DEL: takes it off.
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
#[expect(
    missing_docs,
    reason = "the arguments are called what the man page calls them"
)]
pub enum Call {
    /// socket(2): an endpoint that has no address yet.
    Socket,
    /// setsockopt(2); `option` is the constant's name.
    Setsockopt {
        fd: Fd,
        option: &'static str,
        value: i32,
    },
    /// bind(2): gives it an address; port 0 is any that is free (ip(7)).
    Bind { fd: Fd },
    /// listen(2): from here on the kernel takes connections in, and queues them.
    Listen { fd: Fd, backlog: i32 },
    /// getsockname(2): the address that bind(2) came to.
    Getsockname { fd: Fd },
    /// connect(2): returns when the handshake is done, if the socket blocks.
    Connect { fd: Fd },
    /// epoll_create1(2): an empty interest list.
    EpollCreate1,
    /// epoll_ctl(2): a change to it.
    EpollCtl {
        epfd: Fd,
        op: CtlOp,
        fd: Fd,
        interest: EpollFlags,
    },
    /// epoll_wait(2): `timeout` in milliseconds; -1 waits until something is ready.
    EpollWait {
        epfd: Fd,
        maxevents: usize,
        timeout: i32,
    },
    /// poll(2): `timeout` as for `epoll_wait`.
    Poll { nfds: usize, timeout: i32 },
    /// select(2): `timeout` as for `epoll_wait`, though it takes a structure;
    /// -1 is its NULL.
    Select { nfds: usize, timeout: i32 },
    /// accept4(2): sleeps while the queue is empty, if the listener blocks.
    Accept4 { fd: Fd },
    /// fcntl(2), F_GETFL: the flags of the open file.
    FcntlGetfl { fd: Fd },
    /// fcntl(2), F_SETFL: O_NONBLOCK among them.
    FcntlSetfl { fd: Fd, flags: OFlag },
    /// fcntl(2), F_DUPFD_CLOEXEC: a second fd for the same open file, the
    /// lowest free one from `from` up.
    FcntlDupfd { fd: Fd, from: RawFd },
    /// recv(2); `length`: the room in the buffer, in bytes.
    Recv { fd: Fd, length: usize },
    /// send(2); `length`: the bytes offered.
    Send {
        fd: Fd,
        length: usize,
        flags: MsgFlags,
    },
    /// close(2): takes the fd off every interest list, if it is the last one for
    /// its open file (epoll(7)).
    Close { fd: Fd },
    /// clock_nanosleep(2): a pause of so many milliseconds.
    ClockNanosleep { milliseconds: u64 },
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

/// A call that has returned.
#[derive(Clone, Debug)]
pub struct Record {
    /// With its arguments as they were at the entry.
    pub call: Call,
    /// What the call returned, or the errno of its -1.
    pub result: Result<i32, Errno>,
    /// `recv`: the bytes that arrived; `send`: the bytes that were offered.
    pub data: Box<[u8]>,
    /// The wait call's events.
    pub events: Vec<Report>,
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
