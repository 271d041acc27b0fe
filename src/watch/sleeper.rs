//! Where a watched program sleeps, and in which thread.

use crate::lab::report::scene::{Asleep, WaitsFor};
use crate::trace::Call;

/// Of several threads the one that waits for anybody, or else for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sleeper {
    /// Its call. Where that is for one client, no other thread waits for
    /// anybody.
    pub asleep: Asleep,
    /// The whole call, where it is one that is watched.
    pub whole: Option<Call>,
    /// The thread.
    pub thread: i32,
}

impl Sleeper {
    /// Only one client can end the sleep.
    pub fn is_for_one(&self) -> bool {
        self.asleep.waits_for == WaitsFor::One
    }

    /// `recv(5<A>)`, `epoll_wait`.
    pub fn text(&self) -> String {
        match self.asleep.for_one() {
            Some(fd) => format!("{}({fd})", self.asleep.call),
            None => self.asleep.call.to_string(),
        }
    }
}
