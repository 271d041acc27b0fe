//! What a wait has reported, and the events by their short names.

use nix::sys::epoll::EpollFlags;

use crate::trace::Name;

/// recv(2) would not sleep: bytes are there, or the end of the file
/// (epoll_ctl(2), as all of these).
pub const IN: EpollFlags = EpollFlags::EPOLLIN;
/// send(2) would not sleep: there is room in the send buffer.
pub const OUT: EpollFlags = EpollFlags::EPOLLOUT;
/// Reports changes and not states; asked for, and never reported.
pub const ET: EpollFlags = EpollFlags::EPOLLET;
/// The peer will send no more.
pub const RDHUP: EpollFlags = EpollFlags::EPOLLRDHUP;
/// Neither side will send any more; reported without being asked for.
pub const HUP: EpollFlags = EpollFlags::EPOLLHUP;
/// The connection has failed; reported without being asked for.
pub const ERR: EpollFlags = EpollFlags::EPOLLERR;

/// The message of the lessons: 13 bytes, so 5 + 5 + 3.
pub const MESSAGE: &[u8] = b"HELLOworld123";

/// One report as a claim sees it: an `epoll_event`, and whom its data names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedEvent {
    /// What the number in `data` stands for in the trace.
    pub name: Name,
    /// Handed back as epoll_ctl(2) was given it: the fd, unless the
    /// experiment chose otherwise.
    pub data: u64,
    /// What is ready. EPOLLERR and EPOLLHUP come unasked (epoll_ctl(2)).
    pub events: EpollFlags,
}
