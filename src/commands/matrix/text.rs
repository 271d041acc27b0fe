//! The matrix: one row a combination, and what the rows say together.

use std::io::{self, Write};

use colored::{ColoredString, Colorize};
use tabled::settings::Padding;
use tabled::settings::object::Columns;

use crate::commands::matrix::rows::{Combination, Counts, Matrix};
use crate::commands::matrix::rules::rules;
use crate::commands::next;
use crate::commands::predict::{Compared, text as predict};
use crate::lab::report::{Answered, Outcome};
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::show::text::table;

const HEAD: [&str; 9] = [
    "\nsocket",
    "\nread",
    "\ntrigger",
    "of A:\nreports",
    "\nrecv",
    "\nunread",
    "B is\nserved",
    "\nRESULT",
    "",
];
/// The columns that hold words, beside the first.
const WORDS: [usize; 6] = [1, 2, 4, 6, 7, 8];
/// Where they begin behind the numbers.
const SERVED: usize = 6;

/// The header, the table, and the sentences that the rows bear out.
pub fn text(matrix: &Matrix, compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    let [a, b] = matrix.sent;
    let header = format!(
        "matrix | {}-byte buffer | A sends {a} bytes, B {b}; counted before they hang up",
        matrix.buffer
    );
    writeln!(out, "{}\n", wrap(&header, 0).bold())?;

    let mut rows = grid::of(HEAD, matrix.rows.iter().map(cells), &WORDS, 1);
    let padding = Padding::new(1, 1, 0, 0);
    rows.table.modify(Columns::one(SERVED), padding);
    rows.print(out)?;
    writeln!(out)?;
    for rule in rules(&matrix.rows) {
        let sentence = wrap(&format!("=> {}", rule.sentence(&matrix.rows)), 3);
        writeln!(out, "{}", by_outcome(&sentence, rule.outcome).bold())?;
    }
    if !compared.is_empty() {
        writeln!(out)?;
        predict::text("while both stay connected", compared, out)?;
    }
    table::next(Some(next::after_matrix(!compared.is_empty())), out)
}

fn cells(row: &Combination) -> [String; 9] {
    let counts = &row.a;
    [
        row.socket.name().into(),
        row.read.name().into(),
        row.trigger.name().into(),
        counts.reports.to_string(),
        recv(counts),
        match counts.unread {
            0 => "0".into(),
            left => left.to_string().red().bold().to_string(),
        },
        match row.b {
            Answered::AtOnce => "yes".to_string(),
            Answered::Late => "late".yellow().to_string(),
            Answered::Never => "NO".red().bold().to_string(),
        },
        by_outcome(row.outcome.name(), row.outcome)
            .bold()
            .to_string(),
        row.server
            .map_or(String::new(), |server| server.name().cyan().to_string()),
    ]
}

/// `3 + EAGAIN`: those that brought bytes, and what came of the others.
fn recv(counts: &Counts) -> String {
    let asleep = counts.recv - counts.recv_bytes - counts.eagain - counts.recv_end;
    let others = [
        (counts.eagain, "EAGAIN"),
        (counts.recv_end, "end"),
        (asleep, "asleep"),
    ];
    let mut text = counts.recv_bytes.to_string();
    for (count, what) in others {
        text += &match count {
            0 => String::new(),
            1 => format!(" + {what}"),
            n => format!(" + {n} {what}"),
        };
    }
    text
}

fn by_outcome(text: &str, outcome: Outcome) -> ColoredString {
    match outcome {
        Outcome::Ok => text.green(),
        _ => text.red(),
    }
}
