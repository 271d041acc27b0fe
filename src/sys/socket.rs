//! The calls on sockets: one that listens, those that it accepts, and the bytes
//! that pass through them.
//!
//! recv and send are rustix's, which come inline: the first `ret` after a
//! system call costs some processors as much as the call (Safe RET).

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrStorage, sockopt,
};
use rustix::net::{RecvFlags, SendFlags, SocketFlags};

use crate::sys::observer::fionread;
use crate::sys::{SockOpt, Socket, Sys, nothing};
use crate::trace::{Call, Failure, Name};

impl Sys {
    /// socket(2). The server makes one, its listener; `flags` say whether
    /// accept4 may sleep.
    #[track_caller]
    pub fn socket(&mut self, addr: &SocketAddr, flags: SockFlag) -> Result<Socket, Failure> {
        self.socket_for(Name::Listener, addr, flags)
    }

    /// socket(2), for what `name` stands for.
    #[track_caller]
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
        self.enter(Call::Socket);
        let flags = flags | SockFlag::SOCK_CLOEXEC;
        let result = socket::socket(family, SockType::Stream, flags, None);
        self.leave(raw(&result), nothing)?;
        let call = Call::Socket;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// setsockopt(2), to switch an option on or to set a size.
    #[track_caller]
    pub fn setsockopt(&mut self, socket: &Socket, option: SockOpt) -> Result<(), Failure> {
        self.enter(Call::Setsockopt {
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
        self.leave_unit(result)
    }

    /// bind(2).
    #[track_caller]
    pub fn bind(&mut self, socket: &Socket, addr: &SocketAddr) -> Result<(), Failure> {
        let fd = self.fd(socket);
        self.enter(Call::Bind { fd });
        let result = socket::bind(fd.raw, &SockaddrStorage::from(*addr));
        self.leave_unit(result)
    }

    /// listen(2).
    #[track_caller]
    pub fn listen(&mut self, socket: &Socket, backlog: Backlog) -> Result<(), Failure> {
        let fd = self.fd(socket);
        let backlog_len = backlog.into();
        self.enter(Call::Listen {
            fd,
            backlog: backlog_len,
        });
        let result = socket::listen(socket, backlog);
        self.leave_unit(result)
    }

    /// getsockname(2): the address that bind(2) with port 0 has given it.
    #[track_caller]
    pub fn getsockname(&mut self, socket: &Socket) -> Result<SocketAddr, Failure> {
        let call = Call::Getsockname {
            fd: self.fd(socket),
        };
        self.enter(call);
        let result = rustix::net::getsockname(socket)
            .and_then(SocketAddr::try_from)
            .map_err(errno);
        self.leave(result.map(|_| 0), nothing)?;
        result.map_err(|errno| Failure { call, errno })
    }

    /// connect(2), of a blocking socket: returns when the connection is made.
    #[track_caller]
    pub fn connect(&mut self, socket: &Socket, addr: &SocketAddr) -> Result<(), Failure> {
        let fd = self.fd(socket);
        self.enter(Call::Connect { fd });
        let result = socket::connect(fd.raw, &SockaddrStorage::from(*addr));
        self.leave_unit(result)
    }

    /// accept4(2) with SOCK_CLOEXEC. The new socket is blocking: on Linux it
    /// inherits no flag from the listener.
    #[track_caller]
    pub fn accept4(&mut self, listener: &Socket) -> Result<Socket, Failure> {
        let socket = self.accept4_for(Name::Client(self.accepted), listener)?;
        self.accepted += 1;
        Ok(socket)
    }

    /// accept4(2), for what `name` stands for.
    #[track_caller]
    pub fn accept4_for(&mut self, name: Name, listener: &Socket) -> Result<Socket, Failure> {
        let call = Call::Accept4 {
            fd: self.fd(listener),
        };
        self.enter(call);
        let result = rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC).map_err(errno);
        let (result, peer) = match result {
            Ok((owned, peer)) => (Ok(owned), peer),
            Err(errno) => (Err(errno), None),
        };
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        self.leave(raw(&result), |_, record| {
            record.accepted = Some(name);
            record.peer = peer;
        })?;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// fcntl(2), F_GETFL: the flags of the open file.
    #[track_caller]
    pub fn fcntl_getfl(&mut self, socket: &Socket) -> Result<OFlag, Failure> {
        let fd = self.fd(socket);
        self.enter(Call::FcntlGetfl { fd });
        let result = fcntl(socket, FcntlArg::F_GETFL);
        let flags = self.leave(result, nothing)?;
        Ok(OFlag::from_bits_retain(flags))
    }

    /// fcntl(2), F_SETFL: sets them.
    #[track_caller]
    pub fn fcntl_setfl(&mut self, socket: &Socket, flags: OFlag) -> Result<(), Failure> {
        let fd = self.fd(socket);
        self.enter(Call::FcntlSetfl { fd, flags });
        let result = fcntl(socket, FcntlArg::F_SETFL(flags));
        self.leave_unit(result.map(drop))
    }

    /// fcntl(2), F_DUPFD_CLOEXEC: another fd for the same open file, the
    /// lowest free one from `from` up.
    #[track_caller]
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
        self.enter(call);
        let result = rustix::io::fcntl_dupfd_cloexec(socket, from).map_err(errno);
        self.leave(raw(&result), nothing)?;
        let owned = result.map_err(|errno| Failure { call, errno })?;
        Ok(self.keep(owned, name))
    }

    /// recv(2): at most `buffer.len()` bytes; 0 is the end of the file.
    #[inline(always)]
    #[track_caller]
    pub fn recv(&mut self, socket: &Socket, buffer: &mut [u8]) -> Result<usize, Failure> {
        let fd = self.fd(socket);
        let length = buffer.len();
        self.enter(Call::Recv { fd, length });
        let result = rustix::net::recv(socket, &mut *buffer, RecvFlags::empty());
        let result = result.map(|(n, _)| n).map_err(errno);
        let data = &buffer[..result.unwrap_or(0)];
        let returned = self.leave(result.map(|n| n as i32), |sys, record| {
            sys.data(data, &mut record.data);
            record.unread = sys.unread(socket);
        })?;
        Ok(returned as usize)
    }

    /// send(2): the number of bytes that the kernel took, which may be less
    /// than all.
    #[inline(always)]
    #[track_caller]
    pub fn send(
        &mut self,
        socket: &Socket,
        data: &[u8],
        flags: MsgFlags,
    ) -> Result<usize, Failure> {
        let fd = self.fd(socket);
        let length = data.len();
        self.enter(Call::Send { fd, length, flags });
        let asked = SendFlags::from_bits_retain(flags.bits() as u32);
        let result = rustix::net::send(socket, data, asked).map_err(errno);
        let taken = self.leave(result.map(|n| n as i32), |sys, record| {
            sys.data(data, &mut record.data);
        })?;
        Ok(taken as usize)
    }

    /// close(2). What is still unread is lost, and says so in the trace.
    #[track_caller]
    pub fn close(&mut self, socket: Socket) -> Result<(), Failure> {
        let fd = self.fd(&socket);
        let lost = match fd.name {
            Name::Client(_) => fionread(&socket),
            _ => None,
        };
        self.observer.forget(fd.raw);
        self.enter(Call::Close { fd });
        // `Sys` has weak hands only, so this one is the last.
        let result = match Rc::into_inner(socket.0) {
            Some(owned) => nix::unistd::close(owned),
            None => Err(Errno::EBADF),
        };
        self.leave(result.map(|()| 0), |_, record| {
            record.unread = lost;
        })?;
        Ok(())
    }
}

/// rustix has a type of its own for it.
fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

fn raw(result: &nix::Result<OwnedFd>) -> nix::Result<i32> {
    match result {
        Ok(owned) => Ok(owned.as_raw_fd()),
        Err(errno) => Err(*errno),
    }
}
