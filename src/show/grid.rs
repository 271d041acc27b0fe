//! How every table is printed: no rules, a bold head, no blanks at the end of
//! a line.

use std::io::{self, Write};

use colored::Colorize;
use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

/// A table that is to be printed.
pub struct Grid {
    /// For what is peculiar to one of them.
    pub table: Table,
    /// Lines of its head, which are bold.
    pub head: usize,
}

/// A table of a head and `rows`: `gap` blanks between columns; the first column
/// and `words` are columns of words, the others of numbers.
pub fn of<H, R>(head: H, rows: impl IntoIterator<Item = R>, words: &[usize], gap: usize) -> Grid
where
    H: IntoIterator<Item: Into<String>>,
    R: IntoIterator<Item: Into<String>>,
{
    let head: Vec<String> = head.into_iter().map(Into::into).collect();
    let lines = head.iter().map(|cell| cell.lines().count()).max();
    let mut builder = Builder::from_iter([head]);
    rows.into_iter().for_each(|row| builder.push_record(row));
    let mut table = builder.build();
    table
        .with(Style::empty())
        .with(Padding::new(0, gap, 0, 0))
        .with(Alignment::right())
        .with(AlignmentStrategy::PerLine);
    for column in words.iter().chain(&[0]) {
        table.modify(Columns::one(*column), Alignment::left());
    }
    let head = lines.unwrap_or(0);
    Grid { table, head }
}

impl Grid {
    /// Prints it.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, line) in self.table.to_string().lines().enumerate() {
            let line = line.trim_end();
            if index < self.head {
                writeln!(out, "{}", line.bold())?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}
