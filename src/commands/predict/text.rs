//! Predictions beside what came of them.

use std::io::{self, Write};

use colored::Colorize;

use crate::commands::predict::question::Compared;
use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;
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
    let rows = (1..).zip(compared).map(|(number, one)| {
        let question = wrap_within(QUESTION, &format!("{number}. {}", one.question), 3);
        let (answer, why) = (measured(one), &one.measured.reason);
        let (answer, said) = if one.is_right() {
            let said = wrap_within(reason, &with_reason("as predicted", why), 0);
            (answer, said.replacen("as predicted", &predicted_well, 1))
        } else {
            let answer = answer.yellow().bold().to_string();
            (answer, wrap_within(reason, &with_reason("not so", why), 0))
        };
        [question, predicted(one), answer, said]
    });
    grid::of([head, HEADS[0], HEADS[1], ""], rows, &[3], GAP).print(out)
}

/// The word says it, for those to whom the colour does not.
fn with_reason(word: &str, reason: &str) -> String {
    match reason {
        "" => word.into(),
        reason => format!("{word}: {reason}"),
    }
}

/// One record a question.
pub fn json(compared: &[Compared], screen: &Screen) -> Result<(), OutputError> {
    let mut each = compared.iter();
    each.try_for_each(|one| screen.json("prediction", one.run, one))
}
