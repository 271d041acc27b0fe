//! A server's run beside what was predicted of it.

use std::io::{self, Write};

use crate::commands::predict::{Compared, text as predict};
use crate::lab::report::Summary;
use crate::show::text::table;
use crate::show::{Out, View};

/// What the run came to, beside what was predicted of it. The counts go with
/// the trace, which may be held back: the predictions are about some of them.
pub fn predicted(
    summary: &Summary,
    compared: &[Compared],
    view: View,
    out: &mut Out,
) -> io::Result<()> {
    let held = out.holds_back();
    if view.calls() {
        table::counts(summary, view, out)?;
    }
    let out = &mut out.past();
    if view.calls() && !held {
        writeln!(out)?;
    }
    predict::text("while all stay connected", compared, out)?;
    writeln!(out)?;
    if !view.calls() || held {
        table::faults(summary, out)?;
    }
    writeln!(out, "and when all have hung up:")?;
    table::verdict(summary, out)
}
