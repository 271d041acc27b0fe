//! The server's system calls: one method each, named as the man page names it,
//! each traced at its entry and at its return.
//!
//! At entry a call is put where the lab can see it ([`State::current`](crate::shared::State::current)), so
//! that a call which does not return shows; at its return it is counted, and
//! sent on as a [`Record`] where somebody follows the trace.

mod observer;
mod option;
mod wait;

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrStorage, sockopt,
};
use rustix::net::SocketFlags;
use rustix::thread::{ClockId, NanosleepRelativeResult, Timespec, clock_nanosleep_relative};

use self::observer::{Observer, fionread};
pub use self::option::SockOpt;
use crate::shared::{Follow, Shared};
use crate::trace::{Call, Failure, Fd, Name, Record};

/// A socket of the server's, closed by [`Sys::close`].
///
/// [`Sys`] keeps a weak hand on it, to ask how much is unread.
#[derive(Debug)]
pub struct Socket(Rc<OwnedFd>);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The server thread's way into the kernel.
#[derive(Debug)]
pub struct Sys {
    shared: Arc<Shared>,
    observer: Observer,
    /// The last call that has returned.
    returned: Record,
    /// Nobody knows of it yet; see [`Shared::enter`].
    pending: bool,
    accepted: u32,
}

/// A call that has been entered and has not returned.
#[must_use]
struct Entered {
    call: Call,
    start_ns: u64,
}

impl Sys {
    /// Calls are counted in `shared`, and kept there for the lab where it
    /// follows. Times count from `began`.
    pub fn new(shared: Arc<Shared>, follow: Follow, began: Instant) -> Sys {
        Sys {
            shared,
            observer: Observer::new(follow, began),
            returned: Record::default(),
            pending: false,
            accepted: 0,
        }
    }

    /// The first half of every trace: the call is about to be made.
    fn enter(&mut self, call: Call) -> Entered {
        self.make_known(Some(call));
        let start_ns = self.observer.now_ns();
        Entered { call, start_ns }
    }

    /// Makes the last return known at once, where the next entry may be long
    /// in coming.
    pub fn publish(&mut self) {
        self.make_known(None);
    }

    /// The second half: the call has returned, and `look` says what it
    /// brought. The next entry makes it known.
    fn leave(
        &mut self,
        Entered { call, start_ns }: Entered,
        result: nix::Result<i32>,
        look: impl FnOnce(&Observer, &mut Record),
    ) -> Result<i32, Failure> {
        let end_ns = self.observer.now_ns();
        self.returned.renew(call, result, start_ns, end_ns);
        look(&self.observer, &mut self.returned);
        self.pending = true;
        result.map_err(|errno| Failure { call, errno })
    }

    fn make_known(&mut self, call: Option<Call>) {
        let returned = self.pending.then_some(&mut self.returned);
        self.shared.enter(call, returned, self.observer.follow);
        self.pending = false;
    }

    /// socket(2). The server makes one, its listener; `flags` say whether
    /// accept4 may sleep.
    pub fn socket(&mut self, addr: &SocketAddr, flags: SockFlag) -> Result<Socket, Failure> {
        self.socket_for(Name::Listener, addr, flags)
    }

    /// socket(2), for what `name` stands for.
    pub fn socket_for(
        &mut self,
        name: Name,
        addr: &SocketAddr,
        flags: SockFlag,
    ) -> Result<Socket, Failure> {
        let family = match addr {
            SocketAddr::V4(_) => AddressFamily::Inet,
            SocketAddr::V6(_) => AddressFamily::Inet6,
        };
        let entered = self.enter(Call::Socket);
        let flags = flags | SockFlag::SOCK_CLOEXEC;
        let result = socket::socket(family, SockType::Stream, flags, None);
        self.leave(entered, raw(&result), nothing)?;
        let call = Call::Socket;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// setsockopt(2), to switch an option on or to set a size.
    pub fn setsockopt(&mut self, socket: &Socket, option: SockOpt) -> Result<(), Failure> {
        let entered = self.enter(Call::Setsockopt {
            fd: self.fd(socket),
            option: option.name(),
            value: option.value(),
        });
        let result = match option {
            SockOpt::ReuseAddr => socket::setsockopt(socket, sockopt::ReuseAddr, &true),
            SockOpt::NoDelay => socket::setsockopt(socket, sockopt::TcpNoDelay, &true),
            SockOpt::SndBuf(size) => socket::setsockopt(socket, sockopt::SndBuf, &(size as usize)),
            SockOpt::RcvBuf(size) => socket::setsockopt(socket, sockopt::RcvBuf, &(size as usize)),
        };
        self.leave_unit(entered, result)
    }

    /// bind(2).
    pub fn bind(&mut self, socket: &Socket, addr: &SocketAddr) -> Result<(), Failure> {
        let fd = self.fd(socket);
        let entered = self.enter(Call::Bind { fd });
        let result = socket::bind(fd.raw, &SockaddrStorage::from(*addr));
        self.leave_unit(entered, result)
    }

    /// listen(2).
    pub fn listen(&mut self, socket: &Socket, backlog: Backlog) -> Result<(), Failure> {
        let fd = self.fd(socket);
        let backlog_len = backlog.into();
        let entered = self.enter(Call::Listen {
            fd,
            backlog: backlog_len,
        });
        let result = socket::listen(socket, backlog);
        self.leave_unit(entered, result)
    }

    /// getsockname(2): the address that bind(2) with port 0 has given it.
    pub fn getsockname(&mut self, socket: &Socket) -> Result<SocketAddr, Failure> {
        let call = Call::Getsockname {
            fd: self.fd(socket),
        };
        let entered = self.enter(call);
        let result = rustix::net::getsockname(socket)
            .and_then(SocketAddr::try_from)
            .map_err(|errno| Errno::from_raw(errno.raw_os_error()));
        self.leave(entered, result.map(|_| 0), nothing)?;
        result.map_err(|errno| Failure { call, errno })
    }

    /// connect(2), of a blocking socket: returns when the connection is made.
    pub fn connect(&mut self, socket: &Socket, addr: &SocketAddr) -> Result<(), Failure> {
        let fd = self.fd(socket);
        let entered = self.enter(Call::Connect { fd });
        let result = socket::connect(fd.raw, &SockaddrStorage::from(*addr));
        self.leave_unit(entered, result)
    }

    /// accept4(2) with SOCK_CLOEXEC. The new socket is blocking: on Linux it
    /// inherits no flag from the listener.
    pub fn accept4(&mut self, listener: &Socket) -> Result<Socket, Failure> {
        let socket = self.accept4_for(Name::Client(self.accepted), listener)?;
        self.accepted += 1;
        Ok(socket)
    }

    /// accept4(2), for what `name` stands for.
    pub fn accept4_for(&mut self, name: Name, listener: &Socket) -> Result<Socket, Failure> {
        let call = Call::Accept4 {
            fd: self.fd(listener),
        };
        let entered = self.enter(call);
        let result = rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC)
            .map_err(|errno| Errno::from_raw(errno.raw_os_error()));
        let (result, peer) = match result {
            Ok((owned, peer)) => (Ok(owned), peer),
            Err(errno) => (Err(errno), None),
        };
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        self.leave(entered, raw(&result), |_, record| {
            record.accepted = Some(name);
            record.peer = peer;
        })?;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// fcntl(2), F_GETFL: the flags of the open file.
    pub fn fcntl_getfl(&mut self, socket: &Socket) -> Result<OFlag, Failure> {
        let fd = self.fd(socket);
        let entered = self.enter(Call::FcntlGetfl { fd });
        let result = fcntl(socket, FcntlArg::F_GETFL);
        let flags = self.leave(entered, result, nothing)?;
        Ok(OFlag::from_bits_retain(flags))
    }

    /// fcntl(2), F_SETFL: sets them.
    pub fn fcntl_setfl(&mut self, socket: &Socket, flags: OFlag) -> Result<(), Failure> {
        let fd = self.fd(socket);
        let entered = self.enter(Call::FcntlSetfl { fd, flags });
        let result = fcntl(socket, FcntlArg::F_SETFL(flags));
        self.leave_unit(entered, result.map(drop))
    }

    /// fcntl(2), F_DUPFD_CLOEXEC: another fd for the same open file, the
    /// lowest free one from `from` up.
    pub fn fcntl_dupfd(
        &mut self,
        socket: &Socket,
        from: RawFd,
        name: Name,
    ) -> Result<Socket, Failure> {
        let call = Call::FcntlDupfd {
            fd: self.fd(socket),
            from,
        };
        let entered = self.enter(call);
        let result = rustix::io::fcntl_dupfd_cloexec(socket, from)
            .map_err(|errno| Errno::from_raw(errno.raw_os_error()));
        self.leave(entered, raw(&result), nothing)?;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// recv(2): at most `buffer.len()` bytes; 0 is the end of the file.
    pub fn recv(&mut self, socket: &Socket, buffer: &mut [u8]) -> Result<usize, Failure> {
        let fd = self.fd(socket);
        let length = buffer.len();
        let entered = self.enter(Call::Recv { fd, length });
        let result = socket::recv(fd.raw, buffer, MsgFlags::empty());
        let data = &buffer[..result.unwrap_or(0)];
        let returned = self.leave(entered, result.map(|n| n as i32), |sys, record| {
            record.data = sys.data(data);
            record.unread = sys.unread(socket);
        })?;
        Ok(returned as usize)
    }

    /// send(2): the number of bytes that the kernel took, which may be less
    /// than all.
    pub fn send(
        &mut self,
        socket: &Socket,
        data: &[u8],
        flags: MsgFlags,
    ) -> Result<usize, Failure> {
        let fd = self.fd(socket);
        let length = data.len();
        let entered = self.enter(Call::Send { fd, length, flags });
        let result = socket::send(fd.raw, data, flags);
        let taken = self.leave(entered, result.map(|n| n as i32), |sys, record| {
            record.data = sys.data(data);
        })?;
        Ok(taken as usize)
    }

    /// close(2). What is still unread is lost, and says so in the trace.
    pub fn close(&mut self, socket: Socket) -> Result<(), Failure> {
        let fd = self.fd(&socket);
        let lost = match fd.name {
            Name::Client(_) => fionread(&socket),
            _ => None,
        };
        self.observer.forget(fd.raw);
        let entered = self.enter(Call::Close { fd });
        // `Sys` has weak hands only, so this one is the last.
        let result = match Rc::into_inner(socket.0) {
            Some(owned) => nix::unistd::close(owned),
            None => Err(Errno::EBADF),
        };
        self.leave(entered, result.map(|()| 0), |_, record| {
            record.unread = lost;
        })?;
        Ok(())
    }

    /// clock_nanosleep(2), for a server that can do nothing better for a while.
    pub fn clock_nanosleep(&mut self, pause: Duration) -> Result<(), Failure> {
        let milliseconds = pause.as_millis() as u64;
        let entered = self.enter(Call::ClockNanosleep { milliseconds });
        // std's sleep would go on after a signal without a word.
        let time = Timespec::try_from(pause).unwrap_or_default();
        let result = match clock_nanosleep_relative(ClockId::Monotonic, &time) {
            NanosleepRelativeResult::Ok => Ok(()),
            NanosleepRelativeResult::Interrupted(_) => Err(Errno::EINTR),
            NanosleepRelativeResult::Err(errno) => Err(Errno::from_raw(errno.raw_os_error())),
        };
        self.leave_unit(entered, result)
    }

    fn leave_unit(&mut self, entered: Entered, result: nix::Result<()>) -> Result<(), Failure> {
        self.leave(entered, result.map(|()| 0), nothing).map(drop)
    }

    /// Takes in an fd that was opened elsewhere, under a name for the trace.
    pub fn keep(&mut self, owned: OwnedFd, name: Name) -> Socket {
        let socket = Socket(Rc::new(owned));
        self.observer.learn(&socket, name);
        socket
    }

    fn fd(&self, socket: &Socket) -> Fd {
        self.observer.fd(socket.as_raw_fd())
    }

    /// What an fd stands for.
    pub fn name(&self, raw: RawFd) -> Name {
        self.observer.fd(raw).name
    }

    /// Whether the calls from here on are kept, or counted only.
    pub fn follow(&mut self, follow: Follow) {
        self.publish();
        self.observer.follow = follow;
    }
}

impl Drop for Sys {
    /// Makes the last return known.
    fn drop(&mut self) {
        self.publish();
    }
}

/// For a call that brings nothing but its result.
fn nothing(_: &Observer, _: &mut Record) {}

fn raw(result: &nix::Result<OwnedFd>) -> nix::Result<i32> {
    match result {
        Ok(owned) => Ok(owned.as_raw_fd()),
        Err(errno) => Err(*errno),
    }
}
