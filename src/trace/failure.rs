//! Calls that failed, and errnos in words.

use std::fmt;

use nix::errno::Errno;

use crate::trace::call::Call;

/// A call that failed, with the errno: what travels by `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Named by the message, with its arguments.
    pub call: Call,
    /// Why it returned -1 (errno(3)).
    pub errno: Errno,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call {
            Call::EpollCtl { op, fd, .. } => write!(f, "epoll_ctl({}, {fd})", op.name())?,
            call => match call.fd() {
                Some(fd) => write!(f, "{}({fd})", call.name())?,
                None => write!(f, "{}()", call.name())?,
            },
        }
        write!(f, ": {}", errno_text(self.errno))?;
        match remedy(&self.call, self.errno) {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// What the user can do about it.
fn remedy(call: &Call, errno: Errno) -> Option<&'static str> {
    match (call, errno) {
        (Call::Bind { .. }, Errno::EADDRINUSE) => Some("choose another port, or 0 for any"),
        (Call::Bind { .. }, Errno::EACCES) => Some("choose a port of 1024 or above"),
        (Call::Bind { .. }, Errno::EADDRNOTAVAIL) => {
            Some("choose an address of this machine, such as 127.0.0.1")
        }
        (Call::EpollCtl { .. }, Errno::ENOSPC) => {
            Some("raise the limit in /proc/sys/fs/epoll/max_user_watches")
        }
        // No such number: beyond the limit (fcntl(2)).
        (Call::FcntlDupfd { .. }, Errno::EINVAL) => {
            Some("raise the limit on open files, ulimit -n")
        }
        (_, Errno::EMFILE) => Some("raise the limit on open files, ulimit -n"),
        _ => None,
    }
}

/// An errno as strace prints it: `EAGAIN (Resource temporarily unavailable)`.
pub fn errno_text(errno: Errno) -> String {
    // nix's own descriptions differ from the C library's; std asks the latter.
    let text = std::io::Error::from_raw_os_error(errno as i32).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("{} ({text})", errno_name(errno))
}

/// The constant's name: `EAGAIN`.
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The same of an io error; its own words where it has no errno.
pub fn io_error_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => errno_text(Errno::from_raw(errno)),
        None => error.to_string(),
    }
}
