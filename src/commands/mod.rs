//! What can be asked for: one folder a command, and what they share.
//!
//! [`cli`] has the table of them, and `command` says what a row of it is.
//! `conduct` is the one driver of what is run, `predict` asks beforehand, and
//! `next` says where to go on.

pub(crate) mod args;
pub(crate) mod claims;
pub mod cli;
pub(crate) mod command;
pub mod compare;
pub(crate) mod conduct;
pub(crate) mod man;
pub(crate) mod matrix;
pub(crate) mod next;
pub(crate) mod pace;
pub(crate) mod page;
pub(crate) mod predict;
pub(crate) mod screen;
pub(crate) mod servers;
pub(crate) mod side_by_side;
pub(crate) mod watch;
pub(crate) mod write_events;
