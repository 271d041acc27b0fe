//! What can be asked for: one folder a command.

pub(crate) mod claims;
pub mod cli;
pub mod compare;
pub(crate) mod man;
pub(crate) mod matrix;
pub(crate) mod predict;
pub(crate) mod servers;
pub(crate) mod write_events;

pub use self::servers::run::execute;
