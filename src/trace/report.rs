//! What a wait call delivers, and what it costs.

use nix::poll::PollFlags;
use nix::sys::epoll::EpollFlags;
use serde::Serialize;

use crate::trace::name::Fd;

/// What a wait call says of one fd, in the words of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// `events` of a struct epoll_event.
    Epoll(EpollFlags),
    /// `revents` of a struct pollfd.
    Poll(PollFlags),
    /// The fd_sets that the fd is still in.
    Select {
        /// recv would not sleep.
        readfds: bool,
        /// send would not sleep.
        writefds: bool,
    },
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

/// A report: one event for one fd, as a wait call delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whom it speaks of.
    pub fd: Fd,
    /// epoll: what the program stored in `data`; the fd, unless it chose
    /// otherwise.
    pub data: u64,
    /// What is ready, and perhaps no longer by the time of the call that
    /// follows.
    pub ready: Ready,
    /// Bytes in the kernel's receive buffer when the wait call had returned
    /// (FIONREAD); `None` where nobody asked, or the fd is no connection.
    pub unread: Option<u64>,
}

/// What a wait moved and looked at, beside waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
