//! What one wait costs as the set of fds grows: `select`, `poll` and `epoll` beside each other.
//!
//! # What is measured
//!
//! One wait **as a program needs it**: the call, `select`'s copy of its `fd_set` (the kernel overwrites the set it is
//! given, `select(2)`), and the program's search for the ready fds, until all that the call counted have been found.
//! The three listings are [`select`], [`poll`] and [`epoll`], written to be read side by side.
//!
//! # How
//!
//! - The fds are real ([`FdKind`]): eventfds, or the accepted ends of TCP connections over loopback. The smaller sets
//!   are the first fds of the largest.
//! - K of N fds stay readable throughout; nothing reads them between two waits, so each wait finds the same K and none
//!   sleeps. The timeout is "for ever", as in a server. Any other number of ready fds ends the run with an error.
//! - Calls are timed in batches ([`Plan::batch`]), long against the tens of nanoseconds that reading the clock costs.
//! - A round measures each point once with each API; the order moves on from round to round, so a machine that slows
//!   down for a while slows all of them down. Reported are the median, the 10th and the 90th percentile over the rounds.
//! - Not counted: a first round, which also finds out how many calls make a batch, and the first waits of each batch
//!   (a quarter as many as are counted).
//!
//! # Pitfalls
//!
//! - **Where the ready fds are** decides how long the search takes, and more: a wait that may sleep enters the caller
//!   into the wait queue of each fd *up to the first ready one* (`do_select` and `do_poll` in the kernel's
//!   `fs/select.c` stop queueing at the first hit), and that costs more than asking the fd. So one ready fd at
//!   the front flatters select and poll, and one at the end punishes them. Here the set is cut into K equal parts and
//!   the middle of each is ready: for K = 1 that is what a randomly chosen fd costs on average. `epoll` does not care.
//! - **Threads.** In a process with one thread the kernel looks an fd up without counting a reference to the file
//!   (`fdget()`, `fs/file.c`). With a second thread, asleep or not, each fd of each `select` and `poll` costs two
//!   atomic operations more. [`Measurement::threads`] says how many there were.
//! - **Large sets leave the caches**: an fd of 10,000 costs more than one of 100, and the first waits after another
//!   set's turn cost more than the later ones. Hence the warm-up of each batch, and at least 20 waits in it.
//! - **An unoptimised build** slows the program's search, not the kernel.
//! - **One wait is not a server.** A server also reads, and with `epoll` pays an `epoll_ctl` for each change of interest:
//!   that is what [`Point::churn`] measures. A change switches an idle fd off, the next one switches it on again.

pub mod analysis;
mod api;
pub mod bench;
pub mod epoll;
mod fd_kind;
pub mod figures;
pub mod fit;
pub mod limits;
mod measure;
mod measurement;
pub mod plan;
pub mod plan_error;
pub mod poll;
pub mod select;
pub mod sets;
mod skip;
pub mod stats;
pub mod verdict;
mod wait;

pub use crate::cost::api::Api;
pub use crate::cost::fd_kind::FdKind;
pub use crate::cost::measure::{Progress, measure};
pub use crate::cost::measurement::{Cell, Measurement};
pub use crate::cost::plan::{Active, Plan, Point};
pub use crate::cost::plan_error::PlanError;
pub use crate::cost::skip::Skip;
pub use crate::cost::stats::Cost;
pub use crate::cost::wait::{Interest, Wait};
