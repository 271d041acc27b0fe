//! The server's system calls: one method each, named as the man page names it,
//! each traced at its entry and at its return.
//!
//! At entry a call is put where the lab can see it ([`State::current`](crate::shared::State::current)), so
//! that a call which does not return shows; at its return it is counted, and
//! sent on as a [`Record`] where somebody follows the trace.

mod observer;

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollTimeout};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp};
#[expect(deprecated, reason = "see Sys::epoll_ctl_raw")]
use nix::sys::epoll::{epoll_ctl, epoll_wait};
use nix::sys::select::{FdSet, select};
use nix::sys::socket::{
    self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrStorage, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use rustix::net::SocketFlags;

use self::observer::{Observer, fionread};
use crate::shared::{Follow, Shared};
use crate::trace::{Call, CtlOp, Event, Failure, Fd, Name, Ready, Record, WaitCost};

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

/// The socket options that the servers set.
#[derive(Clone, Copy, Debug)]
pub enum SockOpt {
    /// Bind although connections of an earlier run are in TIME_WAIT (socket(7)).
    ReuseAddr,
    /// Send small segments at once; accepted sockets inherit it (tcp(7)).
    /// Without it Nagle's algorithm holds back the 3 bytes of 5 + 5 + 3.
    NoDelay,
    /// The size of the send buffer in bytes, which the kernel doubles (socket(7)).
    SndBuf(i32),
    /// The same of the receive buffer; accepted sockets inherit it.
    RcvBuf(i32),
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

    /// epoll_create1(2) with EPOLL_CLOEXEC.
    pub fn epoll_create1(&mut self) -> Result<Epoll, Failure> {
        let call = Call::EpollCreate1;
        let entered = self.enter(call);
        let result = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC);
        let number = result.as_ref().map(|epoll| epoll.0.as_raw_fd());
        self.leave(entered, number.map_err(|errno| *errno), nothing)?;
        result.map_err(|errno| Failure { call, errno })
    }

    /// epoll_ctl(2). The fd's number is what comes back in the event's `data`.
    pub fn epoll_ctl(
        &mut self,
        epoll: &Epoll,
        op: CtlOp,
        fd: &impl AsFd,
        interest: EpollFlags,
    ) -> Result<(), Failure> {
        let raw = fd.as_fd().as_raw_fd();
        let event = EpollEvent::new(interest, raw as u64);
        self.epoll_ctl_raw(epoll.0.as_raw_fd(), op, raw, event)
    }

    /// epoll_ctl(2) with bare numbers, which may be closed, and with `data` of
    /// one's own.
    #[expect(deprecated, reason = "nix's other way takes open fds only")]
    pub fn epoll_ctl_raw(
        &mut self,
        epfd: RawFd,
        op: CtlOp,
        fd: RawFd,
        mut event: EpollEvent,
    ) -> Result<(), Failure> {
        let interest = event.events();
        let (number, epoll) = (fd, epfd);
        let (epfd, fd) = (self.observer.fd(epfd), self.observer.fd(fd));
        #[rustfmt::skip]
        let entered = self.enter(Call::EpollCtl { epfd, op, fd, interest });
        let result = match op {
            CtlOp::Add => epoll_ctl(epoll, EpollOp::EpollCtlAdd, number, &mut event),
            CtlOp::Mod => epoll_ctl(epoll, EpollOp::EpollCtlMod, number, &mut event),
            CtlOp::Del => epoll_ctl(epoll, EpollOp::EpollCtlDel, number, None),
        };
        self.leave_unit(entered, result)
    }

    /// epoll_wait(2): fills `events` and says how many. `timeout` of `None`
    /// waits until something is ready.
    pub fn epoll_wait(
        &mut self,
        epoll: &Epoll,
        events: &mut [EpollEvent],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        self.epoll_wait_raw(epoll.0.as_raw_fd(), events, timeout)
    }

    /// epoll_wait(2) with a bare number, which may be closed, or no epoll.
    #[expect(deprecated, reason = "nix's other way takes open epoll fds only")]
    pub fn epoll_wait_raw(
        &mut self,
        epoll: RawFd,
        events: &mut [EpollEvent],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let epfd = self.observer.fd(epoll);
        let timeout = milliseconds(timeout);
        let maxevents = events.len();
        #[rustfmt::skip]
        let entered = self.enter(Call::EpollWait { epfd, maxevents, timeout });
        let result = epoll_wait(epoll, events, timeout as isize);
        let ready = &events[..result.unwrap_or(0)];
        let returned = self.leave(entered, result.map(|n| n as i32), |sys, record| {
            record.events.extend(ready.iter().map(|event| {
                let raw = event.data() as RawFd;
                Event {
                    data: event.data(),
                    ..sys.event(raw, Ready::Epoll(event.events()))
                }
            }));
            record.cost = WaitCost {
                bytes_out: size_of_val(ready) as u64,
                asked: ready.len() as u64, // the ready list, and no other fd
                ..WaitCost::default()
            };
        })?;
        Ok(returned as usize)
    }

    /// poll(2): sets `revents`, and says for how many fds.
    pub fn poll(
        &mut self,
        fds: &mut [PollFd<'_>],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let (nfds, timeout) = (fds.len(), milliseconds(timeout));
        let entered = self.enter(Call::Poll { nfds, timeout });
        let until = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::NONE);
        let result = nix::poll::poll(fds, until);
        let returned = self.leave(entered, result, |sys, record| {
            let ready = fds.iter().filter_map(|fd| {
                let revents = fd.revents().filter(|revents| !revents.is_empty())?;
                Some(sys.event(fd.as_fd().as_raw_fd(), Ready::Poll(revents)))
            });
            record.events.extend(ready);
            record.cost = WaitCost {
                handed: nfds as u64,
                bytes_in: size_of_val(fds) as u64,
                bytes_out: (nfds * size_of::<libc::c_short>()) as u64, // revents
                asked: nfds as u64,
                tested: 0,
            };
        })?;
        Ok(returned as usize)
    }

    /// select(2) without exceptfds: takes the fds that are not ready out of the
    /// sets, and says how many are left in both. `nfds` is the highest fd + 1.
    pub fn select<'fd>(
        &mut self,
        nfds: RawFd,
        readfds: &mut FdSet<'fd>,
        writefds: &mut FdSet<'fd>,
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let timeout = milliseconds(timeout);
        let asked = readfds.fds(None).count() + writefds.fds(None).count();
        let call = Call::Select {
            nfds: nfds as usize,
            timeout,
        };
        let entered = self.enter(call);
        let mut until = (timeout >= 0).then(|| TimeVal::milliseconds(timeout.into()));
        let result = select(nfds, &mut *readfds, &mut *writefds, None, until.as_mut());
        let returned = self.leave(entered, result, |sys, record| {
            // After an error the sets are as they were (select(2)).
            if result.is_ok() {
                record.events.extend(left_in(sys, readfds, writefds));
            }
            // The kernel copies whole longs, of both sets, both ways.
            let bits = libc::c_long::BITS as usize;
            let set = (nfds as usize).div_ceil(bits) * size_of::<libc::c_long>();
            record.cost = WaitCost {
                handed: asked as u64,
                bytes_in: 2 * set as u64,
                bytes_out: 2 * set as u64,
                asked: asked as u64,
                tested: 0,
            };
        })?;
        Ok(returned as usize)
    }

    /// The program has tested so many fds to find the ones that are ready
    /// after the wait that has just returned. No call: it is counted only.
    pub fn tested(&mut self, fds: usize) {
        self.returned.cost.tested = fds as u64;
    }

    /// close(2) of an epoll instance.
    pub fn close_epoll(&mut self, epoll: Epoll) -> Result<(), Failure> {
        let entered = self.enter(Call::Close { fd: plain(&epoll) });
        let result = nix::unistd::close(epoll.0);
        self.leave_unit(entered, result)
    }

    /// clock_nanosleep(2), for a server that can do nothing better for a while.
    pub fn clock_nanosleep(&mut self, pause: Duration) -> Result<(), Failure> {
        let milliseconds = pause.as_millis() as u64;
        let entered = self.enter(Call::ClockNanosleep { milliseconds });
        std::thread::sleep(pause);
        self.leave_unit(entered, Ok(()))
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

impl SockOpt {
    /// The constant's name.
    pub fn name(self) -> &'static str {
        match self {
            SockOpt::ReuseAddr => "SO_REUSEADDR",
            SockOpt::NoDelay => "TCP_NODELAY",
            SockOpt::SndBuf(_) => "SO_SNDBUF",
            SockOpt::RcvBuf(_) => "SO_RCVBUF",
        }
    }

    /// What it is set to; 1 switches it on.
    pub fn value(self) -> i32 {
        match self {
            SockOpt::ReuseAddr | SockOpt::NoDelay => 1,
            SockOpt::SndBuf(size) | SockOpt::RcvBuf(size) => size,
        }
    }
}

/// For a call that brings nothing but its result.
fn nothing(_: &Observer, _: &mut Record) {}

/// The fds that select has left in its sets.
fn left_in(observer: &Observer, readfds: &FdSet<'_>, writefds: &FdSet<'_>) -> Vec<Event> {
    let ready = |readfds, writefds| Ready::Select { readfds, writefds };
    let readable = readfds
        .fds(None)
        .map(|fd| (fd.as_raw_fd(), ready(true, false)));
    let writable = writefds
        .fds(None)
        .map(|fd| (fd.as_raw_fd(), ready(false, true)));
    // No server asks for both at once.
    let mut left: Vec<(RawFd, Ready)> = readable.chain(writable).collect();
    left.sort_by_key(|(fd, _)| *fd);
    let event = |(fd, ready)| observer.event(fd, ready);
    left.into_iter().map(event).collect()
}

fn plain(epoll: &Epoll) -> Fd {
    let raw = epoll.0.as_raw_fd();
    let name = Name::Plain;
    Fd { raw, name }
}

fn raw(result: &nix::Result<OwnedFd>) -> nix::Result<i32> {
    match result {
        Ok(owned) => Ok(owned.as_raw_fd()),
        Err(errno) => Err(*errno),
    }
}

/// A timeout in whole milliseconds, rounded up; -1 is for ever.
fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(timeout) => timeout
            .as_micros()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(i32::MAX),
    }
}
