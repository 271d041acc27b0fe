//! A system call with its arguments, under the names of the man pages and of
//! strace.

use std::os::fd::RawFd;

use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

use crate::trace::name::Fd;

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
    /// epoll_create(2): the same, as older programs ask for it.
    EpollCreate,
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
    /// accept(2): the same without flags.
    Accept { fd: Fd },
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
    /// read(2), readv(2), recvmsg(2), recv(2) with flags: what other programs
    /// take bytes with.
    Input {
        name: &'static str,
        fd: Fd,
        length: usize,
        flags: MsgFlags,
    },
    /// write(2), writev(2), sendmsg(2), sendfile(2): what they send with.
    Output {
        name: &'static str,
        fd: Fd,
        length: usize,
    },
    /// ioctl(2), FIONBIO: O_NONBLOCK, without a look at the other flags.
    Fionbio { fd: Fd, on: bool },
    /// shutdown(2): one direction of a connection, or both, come to their end;
    /// the fd stays open.
    Shutdown { fd: Fd, how: &'static str },
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
            Call::EpollCreate => "epoll_create",
            Call::EpollCtl { .. } => "epoll_ctl",
            Call::EpollWait { .. } => "epoll_wait",
            Call::Poll { .. } => "poll",
            Call::Select { .. } => "select",
            Call::Accept4 { .. } => "accept4",
            Call::Accept { .. } => "accept",
            Call::FcntlGetfl { .. } | Call::FcntlSetfl { .. } | Call::FcntlDupfd { .. } => "fcntl",
            Call::Recv { .. } => "recv",
            Call::Send { .. } => "send",
            Call::Input { name, .. } | Call::Output { name, .. } => name,
            Call::Fionbio { .. } => "ioctl",
            Call::Shutdown { .. } => "shutdown",
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

    /// How long a wait may last, in milliseconds; `None`: for ever, or it is no
    /// wait.
    pub fn timeout(&self) -> Option<i32> {
        match *self {
            Call::EpollWait { timeout, .. } | Call::Poll { timeout, .. } => Some(timeout),
            Call::Select { timeout, .. } => Some(timeout),
            _ => None,
        }
        .filter(|timeout| *timeout >= 0)
    }

    /// The file descriptor the call is about; for `epoll_ctl` the one whose
    /// interest changes, for `epoll_wait` the epoll instance.
    pub fn fd(&self) -> Option<Fd> {
        match *self {
            Call::Socket | Call::EpollCreate1 | Call::EpollCreate | Call::ClockNanosleep { .. } => {
                None
            }
            Call::Poll { .. } | Call::Select { .. } => None, // they name many
            Call::Setsockopt { fd, .. }
            | Call::Bind { fd }
            | Call::Listen { fd, .. }
            | Call::Getsockname { fd }
            | Call::Connect { fd }
            | Call::EpollCtl { fd, .. }
            | Call::Accept4 { fd }
            | Call::Accept { fd }
            | Call::Input { fd, .. }
            | Call::Output { fd, .. }
            | Call::Fionbio { fd, .. }
            | Call::Shutdown { fd, .. }
            | Call::FcntlGetfl { fd }
            | Call::FcntlSetfl { fd, .. }
            | Call::FcntlDupfd { fd, .. }
            | Call::Recv { fd, .. }
            | Call::Send { fd, .. }
            | Call::Close { fd } => Some(fd),
            Call::EpollWait { epfd, .. } => Some(epfd),
        }
    }

    /// The connection that it takes bytes from.
    pub fn input(&self) -> Option<Fd> {
        match *self {
            Call::Recv { fd, .. } | Call::Input { fd, .. } => Some(fd),
            _ => None,
        }
    }

    /// What it brings stays where it is (MSG_PEEK, recv(2)).
    pub fn only_peeks(&self) -> bool {
        matches!(self, Call::Input { flags, .. } if flags.contains(MsgFlags::MSG_PEEK))
    }

    /// The connection that it gives bytes to.
    pub fn output(&self) -> Option<Fd> {
        match *self {
            Call::Send { fd, .. } | Call::Output { fd, .. } => Some(fd),
            _ => None,
        }
    }

    /// The bytes that it offers, or has room for.
    pub fn length(&self) -> usize {
        match *self {
            Call::Recv { length, .. }
            | Call::Send { length, .. }
            | Call::Input { length, .. }
            | Call::Output { length, .. } => length,
            _ => 0,
        }
    }

    /// It waits for any of several fds.
    pub fn is_wait(&self) -> bool {
        matches!(
            self,
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. }
        )
    }

    /// It takes a connection out of the listener's queue.
    pub fn is_accept(&self) -> bool {
        matches!(self, Call::Accept { .. } | Call::Accept4 { .. })
    }
}
