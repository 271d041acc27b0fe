//! How every table is printed: no rules, a bold head, no blanks at the end of
//! a line.

use std::io::{self, Write};

use colored::Colorize;
use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

/// A table of `builder`'s records, the first of which is the head: `gap` blanks
/// between columns, a first column of words and further ones of numbers.
pub fn of(builder: Builder, gap: usize) -> Table {
    let mut table = builder.build();
    table
        .with(Style::empty())
        .with(Padding::new(0, gap, 0, 0))
        .with(Alignment::right())
        .with(AlignmentStrategy::PerLine)
        .modify(Columns::first(), Alignment::left());
    table
}

/// Prints it.
pub fn print(table: &Table, out: &mut impl Write) -> io::Result<()> {
    print_with_head(table, 1, out)
}

/// Prints it; its head has so many lines.
pub fn print_with_head(table: &Table, head: usize, out: &mut impl Write) -> io::Result<()> {
    for (index, line) in table.to_string().lines().enumerate() {
        let line = line.trim_end();
        if index < head {
            writeln!(out, "{}", line.bold())?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
