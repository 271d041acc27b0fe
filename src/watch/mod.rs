//! A foreign program, followed from outside: its calls as the lab's own trace
//! has them, what the kernel holds for it, and what that comes to.
//!
//! `launch` starts it and `tracer` follows it; `decode` makes calls out
//! of registers and memory; `proc` and `sockets` are what the kernel says of
//! it meanwhile. Nothing of it is in any language, or needs a recompiled
//! program.

pub(crate) mod act;
pub(crate) mod acts;
pub(crate) mod attach;
pub(crate) mod client;
pub(crate) mod decode;
pub(crate) mod diagnosis;
pub(crate) mod guard;
mod holding;
pub(crate) mod launch;
mod leaving;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod odd;
pub(crate) mod picture;
pub(crate) mod printed;
pub(crate) mod proc;
pub(crate) mod processor;
pub(crate) mod registers;
pub(crate) mod rest;
pub(crate) mod session;
pub(crate) mod sleeper;
pub(crate) mod sockets;
pub(crate) mod standing;
pub(crate) mod state;
pub(crate) mod telling;
pub(crate) mod tracer;
pub(crate) mod unanswered;

pub use crate::watch::launch::play_if_asked;
