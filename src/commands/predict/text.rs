//! Predictions beside what came of them.

use std::io::{self, Write};

use colored::Colorize;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::Alignment;
use tabled::settings::object::Columns;

use crate::commands::predict::{Answer, Compared};
use crate::show::grid;
use crate::show::text::layout::{WIDTH, wrap_within};

/// Columns of a question, and between two columns.
const QUESTION: usize = 34;
const GAP: usize = 2;
/// The heads of the columns of words and numbers.
const HEADS: [&str; 2] = ["you", "kernel"];

/// A table, each with its reason: a lucky guess is none. `head`: what holds of all
/// the questions.
pub fn text(head: &str, compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    if compared.is_empty() {
        return Ok(());
    }
    let measured = |one: &Compared| match one.measured.answer {
        Some(answer) => answer.to_string(),
        None => "-".into(),
    };
    let width = |head: &str, cell: &dyn Fn(&Compared) -> String| {
        let cells = compared.iter().map(|one| cell(one).len());
        GAP + cells.max().unwrap_or(0).max(head.len())
    };
    let predicted = |one: &Compared| one.predicted.to_string();
    let numbers = width(HEADS[0], &predicted) + width(HEADS[1], &measured);
    let reason = WIDTH - QUESTION - GAP - numbers;

    let predicted_well = "as predicted".green().to_string();
    let mut table = Builder::default();
    table.push_record([head, HEADS[0], HEADS[1], ""]);
    for (number, one) in (1..).zip(compared) {
        let question = wrap_within(QUESTION, &format!("{number}. {}", one.question), 3);
        let (measured, said) = match one.is_right() {
            true => {
                let said = match one.measured.reason.as_str() {
                    "" => "as predicted".to_string(),
                    reason => format!("as predicted: {reason}"),
                };
                let said = wrap_within(reason, &said, 0);
                (
                    measured(one),
                    said.replacen("as predicted", &predicted_well, 1),
                )
            }
            false => (
                measured(one).yellow().bold().to_string(),
                wrap_within(reason, &one.measured.reason, 0),
            ),
        };
        table.push_record([question, predicted(one), measured, said]);
    }
    let mut table = grid::of(table, GAP);
    table.modify(Columns::last(), Alignment::left());
    grid::print(&table, out)
}

#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    run: Option<u32>,
    question: &'a str,
    predicted: Value,
    measured: Option<Value>,
}

/// A count is a number, a word is a string.
#[derive(Serialize)]
#[serde(untagged)]
enum Value {
    Count(u64),
    Word(&'static str),
}

impl From<Answer> for Value {
    fn from(answer: Answer) -> Value {
        match answer {
            Answer::Count(count) => Value::Count(count),
            Answer::Word(word) => Value::Word(word),
        }
    }
}

/// A `prediction` of the JSON contract a line.
pub fn json(compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    for one in compared {
        let line = Line {
            r#type: "prediction",
            run: one.run,
            question: &one.question,
            predicted: one.predicted.into(),
            measured: one.measured.answer.map(Value::from),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
