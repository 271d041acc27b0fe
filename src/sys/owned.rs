//! The server's sockets.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

/// A socket of the server's, closed by [`Sys::close`](crate::sys::Sys::close).
///
/// The observer keeps a weak hand on it, to ask how much is unread.
#[derive(Debug)]
pub struct Socket(pub(super) Rc<OwnedFd>);

impl Socket {
    pub(super) fn new(owned: OwnedFd) -> Socket {
        Socket(Rc::new(owned))
    }
}

impl AsFd for Socket {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
