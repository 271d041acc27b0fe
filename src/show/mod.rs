//! From data to the screen: one format a file, each from data and a writer.

pub(crate) mod grid;
pub mod json;
pub mod page;
pub(crate) mod progress;
pub(crate) mod prompt;
mod screen;
pub mod text;

use std::fmt;
use std::io::{self, Write};

pub use crate::show::screen::Screen;
use crate::trace::io_error_text;

/// Whether every call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Every call as it happens (`--trace`).
    Calls,
    /// What it came to, and no call.
    Summary,
}

/// Whether what varies from run to run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Times, durations and the wait channel (`--timing`).
    Shown,
    /// None of it: the same bytes in every run.
    Hidden,
}

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Frames and letters as they are drawn best.
    Unicode,
    /// No byte above 0x7f (`--ascii`).
    Ascii,
}

/// How things are shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// From `--trace`.
    pub trace: Trace,
    /// From `--timing`.
    pub timing: Timing,
    /// From `--ascii`.
    pub charset: Charset,
}

/// One of the formats.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them")]
pub enum Format {
    /// For people.
    Text(text::Text),
    /// For programs: JSON Lines, a contract that the README documents.
    Json(json::Json),
}

/// A line on standard error. If that is closed or full, nobody is left to be
/// told so.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output cannot be written to.
#[derive(Debug)]
pub struct OutputError(pub io::Error);

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write to standard output: {}", io_error_text(&self.0))
    }
}

impl std::error::Error for OutputError {}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> OutputError {
        OutputError(error)
    }
}
