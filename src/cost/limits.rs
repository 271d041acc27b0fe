//! The limits a set of fds runs into: `RLIMIT_NOFILE` for all three APIs, `FD_SETSIZE` for `select`.

use std::fmt;
use std::os::fd::RawFd;

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::select::FD_SETSIZE;

use crate::cost::sets::FdKind;

/// Fds kept for the rest of the program: standard streams, epoll instances (one a size), listeners, output files.
pub const OTHER_FDS: usize = 64;

/// Why a size was not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// An `fd_set` has no bit for this fd. It is the *value* of the fd that counts: a set of one fd is enough.
    FdSetSize {
        /// The first that is too large.
        fd: RawFd,
    },
    /// More open files than the hard limit allows.
    OpenFiles {
        /// Fds of the set, of its peers if it has any, and of the rest of the program.
        needed: rlim_t,
        /// `RLIMIT_NOFILE`, beyond which only root can go (`getrlimit(2)`).
        hard: rlim_t,
    },
    /// The kernel gave fewer fds than the limit promises (memory, the system's own limit on files, ports).
    Open {
        /// Fds that it did give.
        opened: usize,
        /// The call that failed, by its man page.
        call: &'static str,
        /// What it failed with.
        errno: nix::Error,
    },
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skip::FdSetSize { fd } => {
                write!(
                    f,
                    "fd {fd} does not fit into an fd_set: FD_SETSIZE = {FD_SETSIZE} stops select at fd {}",
                    FD_SETSIZE - 1
                )
            }
            Skip::OpenFiles { needed, hard } => write!(
                f,
                "needs {needed} open files, the hard limit is {hard}; to lift it for this shell: {}",
                lifting_command(*needed)
            ),
            Skip::Open {
                opened,
                call,
                errno,
            } => write!(f, "{call}: {errno} after {opened} fds"),
        }
    }
}

/// The command that lifts the limit; `$$` is the shell the user types it into (`prlimit(1)`).
pub fn lifting_command(needed: rlim_t) -> String {
    format!("sudo prlimit --pid $$ --nofile={needed}:{needed}")
}

/// Whether an `fd_set` has a bit for this fd: a bitmap of `FD_SETSIZE` (1024) bits, and `FD_SET` on a larger fd is
/// undefined behaviour in C (`select(2)`, NOTES) and a panic in nix.
pub fn fits_fd_set(fd: RawFd) -> bool {
    usize::try_from(fd).is_ok_and(|fd| fd < FD_SETSIZE)
}

/// Open files that a set of this size needs.
pub fn files_needed(kind: FdKind, fds: usize) -> rlim_t {
    (fds * kind.files_per_fd() + OTHER_FDS) as rlim_t
}

/// The limit on open files, raised for as long as this lives.
///
/// The kernel compares the limit with the *value* of a new fd, and hands out the lowest free one (`getrlimit(2)`,
/// `RLIMIT_NOFILE`). A process may move its soft limit up to the hard one; only root lifts the hard one.
#[derive(Debug)]
pub struct OpenFiles {
    soft_before: rlim_t,
    hard: rlim_t,
    soft: rlim_t,
}

impl OpenFiles {
    /// Raises the soft limit as far as this size needs and the hard limit allows.
    pub fn raise_for(kind: FdKind, fds: usize) -> anyhow::Result<OpenFiles> {
        let (soft_before, hard) =
            getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit(RLIMIT_NOFILE)")?;
        let soft = files_needed(kind, fds).min(hard).max(soft_before);
        if soft > soft_before {
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
                .with_context(|| format!("setrlimit(RLIMIT_NOFILE, {soft})"))?;
        }
        Ok(OpenFiles {
            soft_before,
            hard,
            soft,
        })
    }

    /// Whether a set of this size can be opened under the limit as it has
    /// been raised.
    pub fn allows(&self, kind: FdKind, fds: usize) -> bool {
        files_needed(kind, fds) <= self.soft
    }

    /// The reason for a size that does not fit.
    pub fn skip(&self, kind: FdKind, fds: usize) -> Skip {
        Skip::OpenFiles {
            needed: files_needed(kind, fds),
            hard: self.hard,
        }
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        if self.soft > self.soft_before {
            // Lowering a soft limit is always allowed; if it fails all the same, a higher limit harms nobody.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, self.soft_before, self.hard);
        }
    }
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
