//! The vocabulary of the experiments: connections, their clients, an epoll,
//! and waits that do not sleep. How the clients do what they do stands in
//! `connection`, and what becomes of it in the trace in `story`.
//!
//! An experiment makes its own calls through [`Sys`](crate::sys::Sys), traced. The clients at
//! the other end use plain calls on fds from [`LAB_FDS`](crate::lab::witness::LAB_FDS)
//! up, as those of the servers do; each of their steps stands in the trace, and
//! is over only when the kernel says that it has arrived. So no experiment
//! sleeps and hopes.

mod connection;
pub(super) mod report;
mod story;
mod vocabulary;

pub use crate::claims::trial::connection::{
    ANY_PORT, Conn, at_once, connect_to, free_number, has, hears, knock, reset,
};
pub use crate::claims::trial::report::{ERR, ET, HUP, IN, MESSAGE, NamedEvent, OUT, RDHUP};
pub use crate::claims::trial::vocabulary::Trial;
