//! The three ways of waiting for many fds.

use serde::Serialize;

/// The three ways of waiting for many fds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `select(2)`.
    Select,
    /// `poll(2)`.
    Poll,
    /// `epoll(7)`.
    Epoll,
}

impl Api {
    /// In the order in which tables have them.
    pub const ALL: [Api; 3] = [Api::Select, Api::Poll, Api::Epoll];

    /// The name as the man pages write it.
    pub fn name(self) -> &'static str {
        match self {
            Api::Select => "select",
            Api::Poll => "poll",
            Api::Epoll => "epoll",
        }
    }
}
