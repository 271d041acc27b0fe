//! Predictions beside what came of them.

use std::io::{self, Write};

use colored::Colorize;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::Alignment;
use tabled::settings::object::Columns;

use super::grid;
use super::text::layout::wrap_within;
use crate::predict::{Answer, Compared};

/// Columns of a question; of its reason.
const QUESTION: usize = 34;
const REASON: usize = 26;

/// A table, with the reason where the two differ.
pub fn text(compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    if compared.is_empty() {
        return Ok(());
    }
    let mut table = Builder::default();
    table.push_record(["", "you", "kernel", ""]);
    for (number, one) in (1..).zip(compared) {
        let measured = one.measured.answer;
        table.push_record([
            wrap_within(QUESTION, &format!("{number}. {}", one.question), 3),
            one.predicted.to_string(),
            match (measured, one.is_right()) {
                (None, _) => "-".into(),
                (Some(answer), true) => answer.to_string(),
                (Some(answer), false) => answer.to_string().yellow().bold().to_string(),
            },
            match one.is_right() {
                true => "as predicted".green().to_string(),
                false => wrap_within(REASON, &one.measured.reason, 0),
            },
        ]);
    }
    let mut table = grid::of(table, 2);
    table.modify(Columns::last(), Alignment::left());
    grid::print(&table, out)
}

#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    run: u32,
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
pub fn json(compared: &[Compared], run: u32, out: &mut impl Write) -> io::Result<()> {
    for one in compared {
        let line = Line {
            r#type: "prediction",
            run,
            question: &one.question,
            predicted: one.predicted.into(),
            measured: one.measured.answer.map(Value::from),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
