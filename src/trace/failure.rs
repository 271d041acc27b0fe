//! Calls that failed, and errnos in words.

use std::borrow::Cow;
use std::io;

use nix::errno::Errno;
use thiserror::Error;

use crate::trace::call::Call;

/// What helps against [`Errno::EMFILE`].
const OPEN_FILES: &str = "; raise the limit on open files, ulimit -n";

/// A call that failed, with the errno: what travels by `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}: {}{}", told(call), errno_text(*errno), remedy(call, *errno))]
pub struct Failure {
    /// Named by the message, with its arguments.
    pub call: Call,
    /// Why it returned -1 (errno(3)).
    pub errno: Errno,
}

/// The call with the arguments that tell one such call from another.
fn told(call: &Call) -> String {
    match (call, call.fd()) {
        (Call::EpollCtl { op, fd, .. }, _) => format!("epoll_ctl({}, {fd})", op.name()),
        (call, Some(fd)) => format!("{}({fd})", call.name()),
        (call, None) => format!("{}()", call.name()),
    }
}

/// What the user can do about it.
fn remedy(call: &Call, errno: Errno) -> &'static str {
    match (call, errno) {
        (Call::Bind { .. }, Errno::EADDRINUSE) => "; choose another port, or 0 for any",
        (Call::Bind { .. }, Errno::EACCES) => "; choose a port of 1024 or above",
        (Call::Bind { .. }, Errno::EADDRNOTAVAIL) => {
            "; choose an address of this machine, such as 127.0.0.1"
        }
        (Call::EpollCtl { .. }, Errno::ENOSPC) => {
            "; raise the limit in /proc/sys/fs/epoll/max_user_watches"
        }
        // No such number: beyond the limit (fcntl(2)).
        (Call::FcntlDupfd { .. }, Errno::EINVAL) | (_, Errno::EMFILE) => OPEN_FILES,
        _ => "",
    }
}

/// A call beside the traced ones that failed: its name and the errno.
#[derive(Debug, Error)]
#[error("{call}: {}{}", io_error_text(error), limit(call, error))]
pub struct CallFailed {
    /// As in the man page, with the arguments that tell one such call from
    /// another.
    pub call: Cow<'static, str>,
    /// With an errno, unless the library failed before or after the call.
    pub error: io::Error,
}

/// What to do where a number is beyond the limit on open files (fcntl(2)).
fn limit(call: &str, error: &io::Error) -> &'static str {
    let errno = error.raw_os_error().map(Errno::from_raw);
    match errno {
        Some(Errno::EMFILE) => OPEN_FILES,
        Some(Errno::EINVAL) if call.starts_with("fcntl(F_DUPFD") => OPEN_FILES,
        _ => "",
    }
}

/// Gives an error the name of the call that it came from.
pub trait OfCall<T> {
    /// The same result; its error names the call.
    fn of_call(self, call: impl Into<Cow<'static, str>>) -> Result<T, CallFailed>;
}

impl<T, E: Into<io::Error>> OfCall<T> for Result<T, E> {
    fn of_call(self, call: impl Into<Cow<'static, str>>) -> Result<T, CallFailed> {
        self.map_err(|error| CallFailed {
            call: call.into(),
            error: error.into(),
        })
    }
}

/// An errno as strace prints it: `EAGAIN (Resource temporarily unavailable)`.
pub fn errno_text(errno: Errno) -> String {
    // nix's own descriptions differ from the C library's; std asks the latter.
    let text = io::Error::from_raw_os_error(errno as i32).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("{} ({text})", errno_name(errno))
}

/// The constant's name: `EAGAIN`.
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The same of an io error; its own words where it has no errno.
pub fn io_error_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => errno_text(Errno::from_raw(errno)),
        None => error.to_string(),
    }
}

/// An error with all that it came from, each errno by its name.
pub fn error_text(error: &anyhow::Error) -> String {
    let causes = error.chain().map(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io_error_text);
        let nix = || {
            cause
                .downcast_ref::<Errno>()
                .map(|errno| errno_text(*errno))
        };
        let rustix = cause.downcast_ref::<rustix::io::Errno>();
        let rustix = || rustix.map(|errno| errno_text(Errno::from_raw(errno.raw_os_error())));
        io.or_else(nix)
            .or_else(rustix)
            .unwrap_or_else(|| cause.to_string())
    });
    causes.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_is_named_with_its_errno() {
        let failed = Err::<(), Errno>(Errno::EPERM).of_call("setrlimit(RLIMIT_NOFILE, 220)");
        assert_eq!(
            failed.unwrap_err().to_string(),
            "setrlimit(RLIMIT_NOFILE, 220): EPERM (Operation not permitted)"
        );
    }
}
