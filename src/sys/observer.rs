//! What the trace adds to a call: names, bytes, times, and what is unread.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::rc::{Rc, Weak};
use std::time::Instant;

use crate::sys::journal::Follow;
use crate::sys::owned::Socket;
use crate::trace::{Fd, Name, Ready, Report};

/// Knows what each fd of the server stands for.
#[derive(Debug)]
pub struct Observer {
    pub follow: Follow,
    /// By number.
    fds: Vec<Option<Known>>,
    began: Instant,
}

#[derive(Debug)]
struct Known {
    name: Name,
    socket: Weak<OwnedFd>,
}

impl Observer {
    /// Times count from `began`.
    pub fn new(follow: Follow, began: Instant) -> Observer {
        let fds = Vec::new();
        Observer { follow, fds, began }
    }

    /// Nanoseconds since the start, for a trace that shows them.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        match self.follow {
            Follow::Timed => self.began.elapsed().as_nanos() as u64,
            Follow::Records | Follow::Counts => 0,
        }
    }

    /// The bytes of a call, for the trace.
    #[inline]
    pub fn data(&self, bytes: &[u8], kept: &mut Vec<u8>) {
        if self.follow != Follow::Counts {
            kept.extend_from_slice(bytes);
        }
    }

    /// How much is unread, for the trace. FIONREAD is the observer's only call
    /// on the server's thread.
    #[inline]
    pub fn unread(&self, socket: impl AsFd) -> Option<u64> {
        match self.follow {
            Follow::Records | Follow::Timed => fionread(socket),
            Follow::Counts => None,
        }
    }

    /// From now on this socket's number has a name.
    pub fn learn(&mut self, socket: &Socket, name: Name) {
        let slot = socket.as_raw_fd() as usize;
        if self.fds.len() <= slot {
            self.fds.resize_with(slot + 1, || None);
        }
        let socket = Rc::downgrade(&socket.0);
        self.fds[slot] = Some(Known { name, socket });
    }

    /// The number is about to be free again.
    pub fn forget(&mut self, raw: RawFd) {
        if let Some(known) = self.fds.get_mut(raw as usize) {
            *known = None;
        }
    }

    /// The number with its name.
    #[inline]
    pub fn fd(&self, raw: RawFd) -> Fd {
        let name = self.known(raw).map_or(Name::Plain, |known| known.name);
        Fd { raw, name }
    }

    /// An event with its fd's name and, where somebody follows the trace, the
    /// bytes that wait there.
    #[inline]
    pub fn event(&self, raw: RawFd, ready: Ready) -> Report {
        let fd = self.fd(raw);
        let unread = match self.follow {
            Follow::Records | Follow::Timed => self.unread_behind(raw),
            Follow::Counts => None,
        };
        let data = raw as u64;
        Report {
            fd,
            data,
            ready,
            unread,
        }
    }

    /// The bytes that wait in the connection which an event speaks of.
    fn unread_behind(&self, raw: RawFd) -> Option<u64> {
        let known = self.known(raw)?;
        match known.name {
            Name::Client(_) => fionread(known.socket.upgrade()?),
            _ => None,
        }
    }

    #[inline]
    fn known(&self, raw: RawFd) -> Option<&Known> {
        self.fds.get(usize::try_from(raw).ok()?)?.as_ref()
    }
}

/// Bytes in the kernel's receive buffer (FIONREAD, tcp(7)).
pub fn fionread(socket: impl AsFd) -> Option<u64> {
    rustix::io::ioctl_fionread(socket).ok()
}
