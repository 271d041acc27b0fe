//! `epoll-lab`: level- and edge-triggered epoll on real sockets, every call
//! traced.
//!
//! The listing is the lesson. Read in this order:
//!
//! 1. [`server::mode`]: the table that says in what the servers differ;
//! 2. [`server::epoll`]: the event loop of epoll(7), and beside it
//!    [`server::blocking`], the server without one;
//! 3. [`server::connection`]: the two readers, `recv_once` and
//!    `recv_until_eagain`, and the echo; [`server::door`]: the listener;
//! 4. [`sys`]: one traced method per system call;
//! 5. [`witness`]: how the lab knows that the server sleeps, and [`lab`] with
//!    [`lab::script`], which waits for that before each step of a client;
//! 6. [`totals`], [`report`] and [`verdict`]: what a run comes to;
//! 7. [`render`]: the same in text and in JSON, and [`wording`], where both
//!    have their words from;
//! 8. [`matrix`], which runs every combination of the table's values, and
//!    [`write_events`], the write side, on one thread;
//! 9. [`claims`]: what textbooks say, one experiment each;
//! 10. [`predict`]: the questions before a run, and where its answers stand.
//!
//! ```text
//! command --> lab --> server thread: the textbook loop --> sys --> the kernel
//!              |                                            |
//!              |<---------- records, under one lock ---------+
//!              +-- witness: what /proc says of the server thread
//!              +-- client: the next step of the script
//!              +-> report (totals, verdict) --> render
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_os = "linux"))]
compile_error!("epoll-lab shows epoll, which only Linux has: build it on Linux, or in WSL2");

pub mod claims;
pub mod commands;
pub mod cost;
pub mod lab;
pub mod server;
pub mod show;
pub mod sys;
pub mod trace;
pub mod watch;
