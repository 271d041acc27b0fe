//! The limits a set of fds runs into: `RLIMIT_NOFILE` for all three APIs, `FD_SETSIZE` for `select`.

use std::os::fd::RawFd;

use nix::sys::resource::rlim_t;
use nix::sys::select::FD_SETSIZE;

use crate::cost::fd_kind::FdKind;
use crate::cost::skip::Skip;
use crate::sys::open_files::Raised;

/// Fds kept for the rest of the program: standard streams, epoll instances (one a size), listeners, output files.
pub const OTHER_FDS: usize = 64;

/// Whether an `fd_set` has a bit for this fd: a bitmap of `FD_SETSIZE` (1024) bits, and `FD_SET` on a larger fd is
/// undefined behaviour in C (`select(2)`, NOTES) and a panic in nix.
pub fn fits_fd_set(fd: RawFd) -> bool {
    usize::try_from(fd).is_ok_and(|fd| fd < FD_SETSIZE)
}

/// Open files that a set of this size needs.
pub fn files_needed(kind: FdKind, fds: usize) -> rlim_t {
    (fds * kind.files_per_fd() + OTHER_FDS) as rlim_t
}

/// Why a set of this size cannot be opened under this limit, if it cannot.
pub fn skip(limit: &Raised, kind: FdKind, fds: usize) -> Option<Skip> {
    let (needed, hard) = (files_needed(kind, fds), limit.hard());
    (needed > limit.soft()).then_some(Skip::OpenFiles { needed, hard })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fd_of_an_fd_set_is_1023() {
        assert!(fits_fd_set(0));
        assert!(fits_fd_set(1023));
        assert!(!fits_fd_set(1024));
        assert!(!fits_fd_set(-1));
    }

    #[test]
    fn a_tcp_fd_needs_its_peer_as_well() {
        assert_eq!(
            files_needed(FdKind::Eventfd, 1_000),
            1_000 + OTHER_FDS as rlim_t
        );
        assert_eq!(
            files_needed(FdKind::Tcp, 1_000),
            2_000 + OTHER_FDS as rlim_t
        );
    }
}
