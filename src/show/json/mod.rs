//! `--format json`: JSON Lines, the contract that the README documents.
//!
//! `format` is the listener; `call` and `lines` have what stands in the records
//! where that is not the data itself, and [`line()`] writes them all.

mod call;
mod format;
mod line;
mod lines;

pub use self::format::Json;
pub use self::line::line;
