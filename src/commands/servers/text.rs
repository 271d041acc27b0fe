//! A server's run beside what was predicted of it.

use std::io::{self, Write};

use crate::commands::predict::{Compared, text as predict};
use crate::lab::report::Summary;
use crate::lab::report::verdict::plural;
use crate::show::text::table;
use crate::show::{Out, View};
use crate::trace::totals::Counts;

/// What the run came to, beside what was predicted of it. The counts go with
/// the trace, which may be held back: the predictions are about some of them.
pub fn predicted(
    summary: &Summary,
    compared: &[Compared],
    view: View,
    out: &mut Out,
) -> io::Result<()> {
    let held = out.holds_back();
    if view.calls {
        table::counts(summary, view, out)?;
    }
    let out = &mut out.past();
    if view.calls && !held {
        writeln!(out)?;
    }
    predict::text("while all stay connected", compared, out)?;
    writeln!(out)?;
    if !view.calls || held {
        table::faults(summary, out)?;
    }
    writeln!(out, "and when all have hung up{}:", more_since(summary))?;
    table::verdict(summary, out)
}

/// What the hang-ups have added to the counts that were asked about: why the
/// table has other numbers than the answers.
fn more_since(summary: &Summary) -> String {
    let Some(before) = &summary.scene.before_hang_up else {
        return String::new();
    };
    let now = &summary.sum.server;
    let then = |count: fn(&Counts) -> u64| -> u64 {
        before.clients.iter().map(|eve| count(&eve.server)).sum()
    };
    let reports = |server: &Counts| server.reports + server.hangups;
    let more = [
        (reports(now).saturating_sub(then(reports)), "report"),
        (
            now.recv.saturating_sub(then(|server| server.recv)),
            "recv call",
        ),
    ];
    let more: Vec<String> = more
        .iter()
        .filter(|(more, _)| *more > 0)
        .map(|(more, what)| plural(*more, what))
        .collect();
    match more[..] {
        [] => String::new(),
        _ => format!(", with {} more", more.join(" and ")),
    }
}
