//! The three servers beside each other: one column an API.

use std::io::{self, Write};

use colored::Colorize;
use tabled::builder::Builder;

use crate::commands::compare::run::Served;
use crate::lab::report::Report;
use crate::show::grid;
use crate::show::text::layout::wrap;

/// All servers sent the same bytes back to each client, and those were the
/// right ones.
pub fn same_answers(served: &[Served]) -> bool {
    served
        .windows(2)
        .all(|pair| pair[0].answers == pair[1].answers)
        && served.iter().all(|one| one.report.echo_intact)
        && served
            .iter()
            .all(|one| Some(one.report.sum.echoed) == one.report.sum.sent)
}

/// Takes one figure out of a report.
type Count = fn(&Report) -> u64;

/// The table, the verdict, and the flags to go on with.
pub fn comparison(served: &[Served], next: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let mut table = Builder::new();
    let mut head = vec!["the same script on".to_string()];
    head.extend(served.iter().map(|one| name(&one.report).to_string()));
    table.push_record(head);
    let rows: [(&str, Count); 11] = [
        ("returns of the wait", |report| report.returns),
        ("reports of clients", |report| report.sum.server.reports),
        ("hang-ups", |report| report.sum.server.hangups),
        ("recv calls", |report| report.sum.server.recv),
        ("bytes sent back", |report| report.sum.echoed),
        ("epoll_ctl calls", |report| report.changes),
        ("fds handed over", |report| report.cost.handed),
        ("bytes into the kernel", |report| report.cost.bytes_in),
        ("bytes out of it", |report| report.cost.bytes_out),
        ("fds the kernel asked", |report| report.cost.asked),
        ("fds the program tested", |report| report.cost.tested),
    ];
    for (label, count) in rows {
        let counts = served.iter().map(|one| count(&one.report).to_string());
        table.push_record(std::iter::once(label.to_string()).chain(counts));
    }
    grid::print(&grid::of(table, 3), out)?;
    writeln!(out)?;
    for sentence in sentences(served) {
        writeln!(out, "{}", wrap(&format!("=> {sentence}"), 3).bold())?;
    }
    match next {
        Some(flags) => writeln!(out, "\nnext: epoll-lab select-poll-compare {flags}"),
        None => writeln!(out),
    }
}

fn name(report: &Report) -> &'static str {
    report.run.api.wait_call().unwrap_or("none")
}

/// What the columns say beside each other.
fn sentences(served: &[Served]) -> Vec<String> {
    let answers = match same_answers(served) {
        true => "The same bytes came back from all of them.",
        false => "NOT THE SAME: the bytes that came back differ.",
    };
    let mut sentences = vec![answers.to_string()];
    let found: Vec<String> = served
        .iter()
        .map(|Served { report, .. }| {
            let found = report.sum.server.reports + report.sum.server.hangups;
            let found = found + report.listener_reports;
            let (asked, tested) = (report.cost.asked, report.cost.tested);
            let program = match tested {
                0 => "the program searched for none".to_string(),
                _ => format!("the program tested {tested}"),
            };
            format!(
                "{}: to find {found} ready fds the kernel asked {asked}, {program}",
                name(report)
            )
        })
        .collect();
    sentences.extend(found.into_iter().map(|sentence| sentence + "."));
    sentences
}
