//! The listing: the textbook's event loop, once per API, and the table that
//! says in what the servers differ. Read `mode`, then `epoll`.
//!
//! - [`mode`]: the table;
//! - [`epoll`], and line beside line with it [`poll`] and [`select`]; without
//!   any of them [`blocking`];
//! - [`connection`]: the two readers, the echo, and its back-pressure;
//! - [`door`]: the listener: accept, the pause when no fd is left, the end;
//! - [`errors`]: those that are no surprise; [`config`]: what a server is
//!   started with.

pub mod blocking;
pub mod config;
pub mod connection;
pub mod door;
pub mod epoll;
pub mod errors;
#[expect(
    missing_docs,
    reason = "the table says it, with a column for each field"
)]
pub mod mode;
pub mod poll;
pub mod select;

pub use config::Config;
