//! What watching came to, as text: a table, a line for each finding, and where
//! to go on.

use std::io::{self, Write};

use colored::Colorize;

use crate::commands::watch::json::{blocking_or_not, level_or_edge};
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::watch::act::Act;
use crate::watch::acts::ActOutcome;
use crate::watch::diagnosis::{Diagnosis, SeenClient};

const HEAD: [&str; 9] = [
    "\nact",
    "\nclient",
    "\ntrigger",
    "\nsocket",
    "data\nreports",
    "\nrecv",
    "\nEAGAIN",
    "\nsent/read",
    "\nunread",
];

/// Above everything.
pub fn header(program: &[String], out: &mut impl Write) -> io::Result<()> {
    let header = format!("watch | {}", program.join(" "));
    writeln!(out, "{}\n", wrap(&header, 2).bold())
}

/// Above the trace of an act.
pub fn act(act: Act, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", format!("{}: {}", act.name(), act.title()).bold())
}

/// The counts of each client while all were connected.
pub fn table(outcomes: &[ActOutcome], times: bool, out: &mut impl Write) -> io::Result<()> {
    let mut rows = Vec::new();
    for seen in outcomes.iter().map(|outcome| &outcome.seen) {
        for (place, client) in seen.clients.iter().enumerate() {
            let act = if place == 0 { seen.act.name() } else { "" };
            rows.push(cells(act, client, seen.varies() && !times));
        }
    }
    match rows.is_empty() {
        true => Ok(()),
        false => grid::of(HEAD, rows, &[1, 2, 3], 2).print(out),
    }
}

fn cells(act: &str, client: &SeenClient, varies: bool) -> [String; 9] {
    let counts = &client.counts;
    let known = |count: u64| match varies {
        true => "~".to_string(),
        false => count.to_string(),
    };
    let reported = match client.edge.is_some() || counts.reports > 0 {
        true => known(counts.reports),
        false => "-".into(),
    };
    [
        act.to_string(),
        client.name.to_string(),
        level_or_edge(client.edge).unwrap_or("-").into(),
        blocking_or_not(client.nonblocking).unwrap_or("-").into(),
        reported,
        known(counts.recv),
        known(counts.eagain),
        match varies {
            true => "~".into(),
            false => format!("{}/{}", counts.echoed, counts.received),
        },
        match client.unread {
            0 => "0".into(),
            _ if varies => "~".into(),
            unread => unread.to_string().red().to_string(),
        },
    ]
}

/// What the counts cannot show.
pub fn notes(notes: &[String], out: &mut impl Write) -> io::Result<()> {
    notes
        .iter()
        .try_for_each(|note| writeln!(out, "{}", wrap(note, 2).dimmed()))
}

/// One act's finding, and the lesson to read.
pub fn finding(diagnosis: &Diagnosis, out: &mut impl Write) -> io::Result<()> {
    let (act, word) = (diagnosis.act.name(), diagnosis.verdict.name());
    let sentence = wrap(&format!("=> {act}: {word}: {}", diagnosis.why), 3);
    let sentence = match diagnosis.is_ok() {
        true => sentence.green(),
        false => sentence.red(),
    };
    writeln!(out, "{}", sentence.bold())?;
    match diagnosis.lesson {
        Some(lesson) => writeln!(out, "   lessons/{lesson}"),
        None => Ok(()),
    }
}
