//! The three servers beside each other: one column an API.

use std::io::{self, Write};

use colored::Colorize;

use crate::lab::report::Summary;
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::show::text::table;

/// One server of the three, when it has ended.
#[derive(Debug)]
pub struct Served {
    /// What it came to.
    pub summary: Summary,
    /// What came back to each client, A first.
    pub answers: Vec<Vec<u8>>,
}

/// All servers sent the same bytes back to each client, and those were the
/// right ones.
pub fn same_answers(served: &[Served]) -> bool {
    are_alike(served)
        && served
            .iter()
            .all(|one| Some(one.summary.sum.echoed) == one.summary.sum.sent)
}

/// The same bytes came back from all of them, though perhaps not all that were
/// sent.
fn are_alike(served: &[Served]) -> bool {
    served
        .windows(2)
        .all(|pair| pair[0].answers == pair[1].answers)
        && served.iter().all(|one| one.summary.echo_intact)
}

/// Takes one figure out of a summary.
type Pick = fn(&Summary) -> u64;

/// The table, the verdict, and what to go on with.
pub fn comparison(served: &[Served], next: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let mut head = vec!["the same script on".to_string()];
    head.extend(served.iter().map(|one| name(&one.summary).to_string()));
    let rows: [(&str, Pick); 14] = [
        ("returns of the wait", |summary| summary.returns),
        ("reports: data", |summary| summary.sum.server.data_reports()),
        ("reports: end", |summary| summary.sum.server.hangups),
        ("reports: listener", |summary| summary.listener_reports),
        ("recv: bytes", |summary| summary.sum.server.recv_bytes),
        ("recv: EAGAIN", |summary| summary.sum.server.eagain),
        ("recv: end", |summary| summary.sum.server.recv_end),
        ("bytes sent back", |summary| summary.sum.echoed),
        ("epoll_ctl calls", |summary| summary.changes),
        ("fds handed over", |summary| summary.cost.handed),
        ("bytes into the kernel", |summary| summary.cost.bytes_in),
        ("bytes out of it", |summary| summary.cost.bytes_out),
        ("fds the kernel asked", |summary| summary.cost.asked),
        ("fds the program tested", |summary| summary.cost.tested),
    ];
    let rows = rows.map(|(label, count)| {
        let counts = served
            .iter()
            .map(move |one| count(&one.summary).to_string());
        std::iter::once(label.to_string()).chain(counts)
    });
    grid::of(head, rows, &[], 3).print(out)?;
    writeln!(out)?;
    for sentence in sentences(served) {
        writeln!(out, "{}", wrap(&format!("=> {sentence}"), 3).bold())?;
    }
    match next {
        Some(_) => table::next(next, out),
        None => writeln!(out), // the cost follows
    }
}

fn name(summary: &Summary) -> &'static str {
    summary.run.api.wait_call().unwrap_or("none")
}

/// What the columns say beside each other.
fn sentences(served: &[Served]) -> Vec<String> {
    let answers = match served.first() {
        Some(one) if are_alike(served) && !same_answers(served) => format!(
            "NOT ALL: the same bytes came back from all of them, {} of {}.",
            one.summary.sum.echoed,
            one.summary.sum.sent.unwrap_or(0)
        ),
        _ if are_alike(served) => "The same bytes came back from all of them.".into(),
        _ => "NOT THE SAME: the bytes that came back differ.".into(),
    };
    let found = served.iter().map(|Served { summary, .. }| {
        let found = summary.sum.server.reports + summary.sum.server.hangups;
        let found = found + summary.listener_reports;
        let (asked, tested) = (summary.cost.asked, summary.cost.tested);
        let program = match tested {
            0 => "the program searched for none".to_string(),
            _ => format!("the program tested {tested}"),
        };
        format!(
            "{}: to find {found} ready fds the kernel asked {asked}, {program}.",
            name(summary)
        )
    });
    std::iter::once(answers).chain(found).collect()
}
