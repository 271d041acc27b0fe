//! Whether anything is on the ready list of the server's epoll instance.
//!
//! No call shows that list. But an epoll fd is itself readable while anything
//! is ready (epoll(7)), so another epoll instance can be asked about it, and
//! nothing of the server's changes.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp};
#[expect(deprecated, reason = "nix's other way takes an fd of one's own")]
use nix::sys::epoll::{epoll_ctl, epoll_wait};

use crate::lab::witness::move_up;

/// Asks about one epoll instance.
#[derive(Debug)]
pub struct Ready {
    own: OwnedFd,
    asks: Option<RawFd>,
}

impl Ready {
    /// To be called while the server opens nothing: its fds are numbered from
    /// 3.
    pub fn new() -> io::Result<Ready> {
        let own = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let own = move_up(&own.0)?;
        Ok(Ready { own, asks: None })
    }

    /// Whether a wait on the instance `epoll` would return at once. To be asked
    /// while the server rests; `None` where the kernel does not say.
    #[expect(deprecated, reason = "see the import")]
    pub fn ask(&mut self, epoll: RawFd) -> Option<bool> {
        let own = self.own.as_raw_fd();
        if self.asks != Some(epoll) {
            let mut event = EpollEvent::new(EpollFlags::EPOLLIN, epoll as u64);
            match epoll_ctl(own, EpollOp::EpollCtlAdd, epoll, &mut event) {
                Ok(()) | Err(Errno::EEXIST) => self.asks = Some(epoll),
                Err(_) => return None,
            }
        }
        let mut events = [EpollEvent::empty()];
        let ready = epoll_wait(own, &mut events, 0).ok()?;
        Some(ready > 0)
    }
}
