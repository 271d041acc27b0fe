//! The end of a run: the table, the verdict, and where to go on.

use std::io::{self, Write};

use colored::Colorize;
use tabled::builder::Builder;
use tabled::settings::Alignment;
use tabled::settings::object::Columns;

use crate::lab::report::verdict::sentence;
use crate::lab::report::{Answered, Outcome, Row, Summary};
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::show::view::View;

const HEAD: [&str; 8] = [
    "client", "reports", "hang-ups", "recv", "EAGAIN", "echoed", "unread", "answered",
];

/// The table of the counts.
pub fn counts(summary: &Summary, view: View, out: &mut impl Write) -> io::Result<()> {
    if view.calls() {
        writeln!(out)?;
    }
    let mut table = Builder::default();
    table.push_record(HEAD);
    for row in &summary.rows {
        table.push_record(cells(row, summary));
    }
    if summary.rows.len() > 1 {
        table.push_record(cells(&summary.sum, summary));
    }
    let mut table = grid::of(table, 2);
    table.modify(Columns::last(), Alignment::left());
    grid::print(&table, out)?;
    writeln!(out, "\n{}", wake_ups(summary))?;
    faults(summary, out)
}

/// Failures that the server lived through, if there were any.
pub fn faults(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let faults = summary.faults.iter();
    let faults: Vec<String> = faults.map(|(name, n)| format!("{name} {n}")).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => writeln!(out, "lived through: {}", faults.join(", ")),
    }
}

/// What the counts say.
pub fn verdict(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let verdict = wrap(&format!("=> {}", sentence(summary)), 3);
    let verdict = match summary.outcome {
        Outcome::Ok => verdict.green(),
        _ => verdict.red(),
    };
    writeln!(out, "{}", verdict.bold())
}

/// What to run now, if there is anything to go on with.
pub fn next(next: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    match next {
        Some(next) => writeln!(out, "\nnext: {next}"),
        None => Ok(()),
    }
}

fn cells(row: &Row, summary: &Summary) -> [String; 8] {
    let server = &row.server;
    // Who waits in no wait call gets no reports.
    let reported = |count: u64| match summary.run.api.wait_call() {
        Some(_) => count.to_string(),
        None => "-".into(),
    };
    let echoed = match row.sent {
        Some(sent) => format!("{}/{sent}", row.echoed),
        None => row.echoed.to_string(),
    };
    let answered = match row.answered {
        Some(Answered::AtOnce) => Answered::AtOnce.name().normal(),
        Some(late) => late.name().red(),
        None => "-".normal(),
    };
    [
        row.client.clone(),
        reported(server.reports),
        reported(server.hangups),
        server.recv.to_string(),
        server.eagain.to_string(),
        echoed,
        match server.unread {
            0 => "0".into(),
            left => left.to_string().red().to_string(),
        },
        answered.to_string(),
    ]
}

/// The wait call's returns, as the sum of what they brought.
fn wake_ups(summary: &Summary) -> String {
    match summary.run.api.wait_call() {
        None => "accept4 and recv are all this server waits in: no wake-ups to count".into(),
        Some(call) => format!(
            "{call} returned {} times; the listener had {} of the reports",
            summary.returns, summary.listener_reports
        ),
    }
}
