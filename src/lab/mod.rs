//! One server against one script: who plays the clients, who watches, and who
//! hears of it.
//!
//! The lab is the main thread. It is the only one that tells the
//! [`audience`] of a run, and it is the clients too ([`script`]), so what is
//! heard is in the order in which it happened. With `--listen` it only watches
//! (`listen`). [`stage`] is the door: whoever runs servers comes in there. A
//! client acts when the server has come to rest (`settle`), which the
//! [`witness`] and the kernel's [`tcp_table`] say.

pub mod audience;
pub mod board;
pub mod client;
mod clock;
pub mod fds;
mod inet_diag;
pub mod interrupt;
mod listen;
pub(crate) mod one_cpu;
mod ready;
pub mod report;
mod running;
pub mod script;
mod settle;
pub mod stage;
mod start;
pub mod tcp_table;
mod unanswered;
pub mod witness;

pub use self::running::Lab;
