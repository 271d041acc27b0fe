//! What is waited for.

use serde::Serialize;

/// What the fds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FdKind {
    /// A counter in the kernel, readable while it is above 0 (eventfd(2)).
    Eventfd,
    /// The accepted end of a TCP connection over loopback, as in a server.
    Tcp,
}

impl FdKind {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FdKind::Eventfd => "eventfd",
            FdKind::Tcp => "tcp",
        }
    }

    /// Open files that one watched fd costs.
    pub fn files_per_fd(self) -> usize {
        match self {
            FdKind::Eventfd => 1,
            FdKind::Tcp => 2,
        }
    }
}
