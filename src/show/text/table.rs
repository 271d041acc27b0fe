//! The end of a run: the table, the verdict, and where to go on.

use std::io::{self, Write};

use colored::Colorize;
use tabled::builder::Builder;
use tabled::settings::Alignment;
use tabled::settings::object::Columns;

use crate::commands::predict::Compared;
use crate::lab::report::{Answered, Outcome, Report, Row, Run, Subcommand};
use crate::show::text::layout::{WIDTH, wrap};
use crate::show::{Look, Trace, grid};

const HEAD: [&str; 8] = [
    "client", "reports", "hang-ups", "recv", "EAGAIN", "echoed", "unread", "answered",
];

/// The table of the counts.
pub fn counts(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    if look.trace == Trace::Calls {
        writeln!(out)?;
    }
    let mut table = Builder::default();
    table.push_record(HEAD);
    for row in &report.rows {
        table.push_record(cells(row, report));
    }
    if report.rows.len() > 1 {
        table.push_record(cells(&report.sum, report));
    }
    let mut table = grid::of(table, 2);
    table.modify(Columns::last(), Alignment::left());
    grid::print(&table, out)?;
    writeln!(out, "\n{}", wake_ups(report))?;
    faults(report, out)
}

/// Failures that the server lived through, if there were any.
pub fn faults(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let faults = report.faults.iter();
    let faults: Vec<String> = faults.map(|(name, n)| format!("{name} {n}")).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => writeln!(out, "lived through: {}", faults.join(", ")),
    }
}

/// What the counts say.
pub fn verdict(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let verdict = wrap(&format!("=> {}", report.verdict.sentence), 3);
    let verdict = match report.verdict.outcome {
        Outcome::Ok => verdict.green(),
        _ => verdict.red(),
    };
    writeln!(out, "{}", verdict.bold())
}

/// What to run now.
pub fn next(
    report: &Report,
    look: Look,
    compared: &[Compared],
    out: &mut impl Write,
) -> io::Result<()> {
    let next = match (compared.is_empty(), look.trace) {
        _ if report.run.clients == 0 => None, // from outside: nothing to repeat
        (true, Trace::Summary) => again(&report.run),
        (true, Trace::Calls) => onward(&report.run, "--trace"),
        // The class goes on predicting: the calls it may have seen.
        (false, _) => onward(&report.run, "--predict"),
    };
    match next {
        Some(next) => writeln!(out, "\nnext: {next}"),
        None => Ok(()),
    }
}

/// The same with its calls.
fn again(run: &Run) -> Option<String> {
    run.command.mode()?;
    let again = format!("epoll-lab {}{} --trace", run.command.name(), run.flags);
    // A command over two lines is none that can be copied.
    match "next: ".len() + again.chars().count() <= WIDTH {
        true => Some(again),
        false => Some("the same with --trace".into()),
    }
}

/// The server that mends what this one breaks, to be watched with `flag`.
fn onward(run: &Run, flag: &str) -> Option<String> {
    use Subcommand::{Blocking, EtBlocking, Lt};
    let own = run.command.mode()?;
    let (read, socket) = (run.read == own.read, run.socket == own.socket);
    Some(match (run.command, read, socket) {
        (Blocking, ..) => format!("epoll-lab lt {flag}"),
        (Lt, true, true) => format!("epoll-lab et-blocking --read once {flag}"),
        (EtBlocking, false, true) => format!("epoll-lab et-blocking {flag}"),
        (EtBlocking, true, true) => format!("epoll-lab et-nonblock {flag}"),
        // One of the other combinations: see all of them beside each other.
        _ if flag == "--predict" => "epoll-lab matrix --predict".into(),
        _ => "epoll-lab matrix".into(),
    })
}

fn cells(row: &Row, report: &Report) -> [String; 8] {
    let server = &row.server;
    // Who waits in no wait call gets no reports.
    let reported = |count: u64| match report.run.api.wait_call() {
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
fn wake_ups(report: &Report) -> String {
    match report.run.api.wait_call() {
        None => "accept4 and recv are all this server waits in: no wake-ups to count".into(),
        Some(call) => format!(
            "{call} returned {} times; the listener had {} of the reports",
            report.returns, report.listener_reports
        ),
    }
}
