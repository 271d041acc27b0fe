//! `--format json`: JSON Lines, the contract that the README documents.
//!
//! `format` is the listener; `call`, `lines` and `summary` have what stands in
//! the records where that is not the data itself, and [`line()`] writes them all.

mod call;
mod format;
mod line;
mod lines;
mod summary;

pub use self::format::Json;
pub use self::line::line;
pub use self::summary::{ListenerLine, Manner, RowLine, SummaryLine, WaitLine};
