//! Why a size was not measured.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::resource::rlim_t;
use nix::sys::select::FD_SETSIZE;
use thiserror::Error;

use crate::trace::errno_text;

/// Why a size was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Skip {
    /// An `fd_set` has no bit for this fd. It is the *value* of the fd that counts: a set of one fd is enough.
    #[error(
        "fd {fd} does not fit into an fd_set: FD_SETSIZE = {FD_SETSIZE} stops select at fd {}",
        FD_SETSIZE - 1
    )]
    FdSetSize {
        /// The first that is too large.
        fd: RawFd,
    },
    /// More open files than the hard limit allows. In the command `$$` is the shell that it is typed into (prlimit(1)).
    #[error(
        "needs {needed} open files, the hard limit is {hard}; to lift it for this shell: \
         sudo prlimit --pid $$ --nofile={needed}:{needed}"
    )]
    OpenFiles {
        /// Fds of the set, of its peers if it has any, and of the rest of the program.
        needed: rlim_t,
        /// `RLIMIT_NOFILE`, beyond which only root can go (`getrlimit(2)`).
        hard: rlim_t,
    },
    /// The kernel gave fewer fds than the limit promises (memory, the system's own limit on files, ports).
    #[error("{call}: {} after {opened} fds", errno_text(*errno))]
    Open {
        /// Fds that it did give.
        opened: usize,
        /// The call that failed, by its man page.
        call: String,
        /// What it failed with.
        errno: Errno,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_says_why_and_what_lifts_it() {
        let skip = Skip::OpenFiles {
            needed: 20_064,
            hard: 4_096,
        }
        .to_string();
        assert!(
            skip.contains("4096") && skip.contains("prlimit --pid $$ --nofile=20064:20064"),
            "{skip}"
        );
        let skip = Skip::FdSetSize { fd: 1024 }.to_string();
        assert!(
            skip.contains("fd 1024") && skip.contains("FD_SETSIZE = 1024"),
            "{skip}"
        );
    }
}
