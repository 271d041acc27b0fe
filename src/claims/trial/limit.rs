//! How high the limit on open files must be, and a number beneath it that no
//! file has.

use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};

/// Open files that are enough for an fd of 1024 and the lab's own.
pub const ENOUGH: u64 = 1_100;

/// The number of an fd that nobody has.
pub fn free_number(fd: impl AsFd) -> Result<i32> {
    let high = rustix::io::fcntl_dupfd_cloexec(fd, 500);
    let high = high.context("no fd 500: raise the limit, ulimit -n")?;
    Ok(high.as_raw_fd())
}
