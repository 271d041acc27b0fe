//! The matrix: one row a combination, and what the rows say together.

use std::io::{self, Write};

use colored::{ColoredString, Colorize};
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding};

use crate::commands::matrix::rules::rules;
use crate::commands::matrix::run::{Combination, Matrix};
use crate::commands::predict::{Compared, text as predict};
use crate::lab::report::{Answered, Outcome, Subcommand};
use crate::show::grid;
use crate::show::text::layout::wrap;

const HEAD: [&str; 10] = [
    "socket", "read", "trigger", "reports", "recv", "EAGAIN", "unread", "B", "RESULT", "",
];
/// The columns that hold numbers.
const NUMBERS: std::ops::Range<usize> = 3..7;

/// The header, the table, and the sentences that the rows bear out.
pub fn text(matrix: &Matrix, compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    let [a, b] = matrix.sent;
    let header = format!(
        "matrix | {}-byte buffer | A sends {a} bytes, B {b}; A's counts before hang-up",
        matrix.buffer
    );
    writeln!(out, "{}\n", wrap(&header, 0).bold())?;

    let mut table = Builder::default();
    table.push_record(HEAD);
    for row in &matrix.rows {
        table.push_record(cells(row));
    }
    let mut table = grid::of(table, 1);
    table
        .modify(Columns::new(..NUMBERS.start), Alignment::left())
        .modify(Columns::new(NUMBERS.end..), Alignment::left())
        .modify(Columns::one(NUMBERS.end), Padding::new(1, 2, 0, 0))
        .modify(Columns::one(NUMBERS.end + 1), Padding::new(0, 2, 0, 0));
    grid::print(&table, out)?;
    writeln!(out)?;
    for rule in rules(&matrix.rows) {
        let sentence = wrap(&format!("=> {}", rule.sentence(&matrix.rows)), 3);
        writeln!(out, "{}", by_outcome(&sentence, rule.outcome).bold())?;
    }
    if compared.is_empty() {
        return writeln!(out, "\nnext: epoll-lab write-events");
    }
    writeln!(out)?;
    predict::text("while both stay connected", compared, out)?;
    writeln!(out, "\nnext: epoll-lab write-events --predict")
}

fn cells(row: &Combination) -> [String; 10] {
    let counts = &row.a;
    [
        row.socket.name().into(),
        row.read.name().into(),
        row.trigger.name().into(),
        counts.reports.to_string(),
        counts.recv.to_string(),
        counts.eagain.to_string(),
        match counts.unread {
            0 => "0".into(),
            left => left.to_string().red().to_string(),
        },
        match row.b {
            Answered::AtOnce => "yes".to_string(),
            Answered::Late => "late".yellow().to_string(),
            Answered::Never => "NO".red().bold().to_string(),
        },
        by_outcome(row.outcome.name(), row.outcome)
            .bold()
            .to_string(),
        row.command
            .map_or(String::new(), |command| command.name().cyan().to_string()),
    ]
}

fn by_outcome(text: &str, outcome: Outcome) -> ColoredString {
    match outcome {
        Outcome::Ok => text.green(),
        _ => text.red(),
    }
}

#[derive(Serialize)]
struct Line {
    r#type: &'static str,
    run: u32,
    socket: &'static str,
    read: &'static str,
    trigger: &'static str,
    reports: u64,
    recv: u64,
    eagain: u64,
    unread: u64,
    b_answered: bool,
    result: &'static str,
    command: Option<&'static str>,
}

/// A `combination` of the JSON contract.
pub fn json_line(row: &Combination, run: u32, out: &mut impl Write) -> io::Result<()> {
    let line = Line {
        r#type: "combination",
        run,
        socket: row.socket.name(),
        read: row.read.name(),
        trigger: row.trigger.name(),
        reports: row.a.reports,
        recv: row.a.recv,
        eagain: row.a.eagain,
        unread: row.a.unread,
        b_answered: row.b != Answered::Never,
        result: row.outcome.name(),
        command: row.command.map(Subcommand::name),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
