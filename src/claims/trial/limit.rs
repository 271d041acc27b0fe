//! The limit on open files, and a number beneath it that no file has.

use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files that are enough for an fd of 1024 and the lab's own.
pub const ENOUGH: u64 = 1_100;

/// The soft limit on open files, raised for as long as this lives.
pub struct RaisedLimit {
    soft: u64,
    hard: u64,
}

impl RaisedLimit {
    /// `None` where it is high enough, or cannot be raised: an experiment that
    /// needs more will say so.
    pub fn to(needed: u64) -> Option<RaisedLimit> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let raised = needed.min(hard);
        if soft >= raised {
            return None;
        }
        setrlimit(Resource::RLIMIT_NOFILE, raised, hard).ok()?;
        Some(RaisedLimit { soft, hard })
    }
}

impl Drop for RaisedLimit {
    fn drop(&mut self) {
        // Lowering it is always allowed.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard);
    }
}

/// The number of an fd that nobody has.
pub fn free_number(fd: impl AsFd) -> Result<i32> {
    let high = rustix::io::fcntl_dupfd_cloexec(fd, 500);
    let high = high.context("no fd 500: raise the limit, ulimit -n")?;
    Ok(high.as_raw_fd())
}
