//! The end of a run: the table, the verdict, and where to go on.

use std::io::{self, Write};

use colored::Colorize;

use crate::lab::report::verdict::{plural, sentence};
use crate::lab::report::{Answered, Outcome, Row, Summary};
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::show::view::View;

/// The table of the counts.
pub fn counts(summary: &Summary, view: View, out: &mut impl Write) -> io::Result<()> {
    if view.calls {
        writeln!(out)?;
    }
    let columns = columns(summary);
    let head = columns.iter().map(|(head, _)| *head);
    let several = (summary.rows.len() > 1).then_some(&summary.sum);
    let rows = summary.rows.iter().chain(several);
    let rows = rows.map(|row| columns.iter().map(|(_, cell)| cell(row)));
    grid::of(head, rows, &[columns.len() - 1], 2).print(out)?;
    writeln!(out, "\n{}", wrap(&wake_ups(summary), 3))?;
    faults(summary, out)
}

/// Failures that the server lived through, if there were any.
pub fn faults(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let faults = summary.faults.iter();
    let faults: Vec<String> = faults.map(|(name, n)| format!("{name} {n}")).collect();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "lived through: {}", faults.join(", "))
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

/// A column: its head, in two lines, and what it takes from a row.
type Column = (&'static str, fn(&Row) -> String);

/// What is counted. A column that has nothing to count is left out.
fn columns(summary: &Summary) -> Vec<Column> {
    let sum = &summary.sum.server;
    let mut columns: Vec<Column> = vec![("\nclient", |row| row.client.clone())];
    // Who waits in no wait call gets no reports.
    if summary.run.api.wait_call().is_some() {
        columns.push(("reports:\ndata", |row| {
            row.server.data_reports().to_string()
        }));
        if sum.room > 0 {
            columns.push(("\nroom", |row| row.server.room.to_string()));
        }
        columns.push(("\nend", |row| row.server.hangups.to_string()));
    }
    columns.push(("recv:\nbytes", |row| row.server.recv_bytes.to_string()));
    columns.push(("\nEAGAIN", |row| row.server.eagain.to_string()));
    columns.push(("\nend", |row| row.server.recv_end.to_string()));
    if sum.recv_unfinished() > 0 {
        columns.push(("\nasleep", |row| row.server.recv_unfinished().to_string()));
    }
    columns.push(("\nechoed", |row| match row.sent {
        Some(sent) => format!("{}/{sent}", row.echoed),
        None => row.echoed.to_string(),
    }));
    columns.push(("\nunread", |row| match row.server.unread {
        0 => "0".into(),
        left => left.to_string().red().bold().to_string(),
    }));
    columns.push(("\nanswered", |row| match row.answered {
        Some(Answered::AtOnce) => Answered::AtOnce.name().into(),
        Some(late) => late.name().red().bold().to_string(),
        None => "-".into(),
    }));
    columns
}

/// The wait call's returns, as the sum of what they brought.
pub fn wake_ups(summary: &Summary) -> String {
    let Some(call) = summary.run.api.wait_call() else {
        return "accept4 and recv are all this server waits in: no reports to count".into();
    };
    let sum = &summary.sum.server;
    let kinds = [
        (sum.data_reports(), "data"),
        (sum.room, "room"),
        (sum.hangups, "end"),
        (summary.listener_reports, "listener"),
    ];
    let reports: u64 = kinds.iter().map(|(count, _)| count).sum();
    let each: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let returned = format!("{call} returned {}", plural(summary.returns, "time"));
    let returned = match summary.timeouts {
        0 => returned,
        none => format!("{returned}, {none} of them with nothing"),
    };
    // One return may bring several reports.
    match summary.returns - summary.timeouts {
        _ if each.is_empty() => returned,
        returns if returns == reports => format!("{returned}: {}", each.join(", ")),
        _ => format!(
            "{returned} with {}: {}",
            plural(reports, "report"),
            each.join(", ")
        ),
    }
}
