//! How a record is written: the one place where JSON is made.

use std::io::{self, Write};

use serde::Serialize;

/// A record: its type, where it belongs, and what it says.
#[derive(Serialize)]
pub(super) struct Line<'a, T: Serialize> {
    pub(super) r#type: &'static str,
    /// Which run of the command, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<u32>,
    /// The order of what happened, over all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    #[serde(flatten)]
    pub(super) data: &'a T,
}

/// Writes a record of this type that stands in no trace; `run`: the number of
/// the run that it is about, if of one.
pub fn line<T: Serialize>(
    r#type: &'static str,
    run: Option<u32>,
    data: &T,
    out: &mut impl Write,
) -> io::Result<()> {
    let seq = None;
    let line = Line {
        r#type,
        run,
        seq,
        data,
    };
    write_line(&line, out)
}

pub(super) fn write_line<T: Serialize>(line: &Line<'_, T>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
