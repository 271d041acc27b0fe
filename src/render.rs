//! From data to the screen: one format a file, each from data and a writer.

pub mod claims;
pub mod compare;
mod grid;
pub mod json;
pub mod matrix;
pub mod predict;
pub mod progress;
pub mod scaling;
mod screen;
pub mod svg;
pub mod table;
pub mod text;
pub mod write;

use std::fmt;
use std::io::{self, Write};

pub use self::screen::Screen;
use crate::trace::io_error_text;

/// Whether every call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    Calls,
    Summary,
}

/// Whether what varies from run to run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    Shown,
    Hidden,
}

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Unicode,
    Ascii,
}

/// How things are shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub trace: Trace,
    pub timing: Timing,
    pub charset: Charset,
}

/// One of the formats.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them")]
pub enum Format {
    Text(text::Text),
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
