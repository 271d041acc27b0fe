//! `--format json`: JSON Lines, the contract that the README documents.
//!
//! `format` is the listener, `lines` has what stands in the records where that
//! is not the data itself, and [`line()`] writes them all.

mod format;
mod line;
mod lines;

pub use self::format::Json;
pub use self::line::line;
