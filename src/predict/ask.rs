//! The conversation: on standard error what is asked, on standard input the
//! answers.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, anyhow};

use super::{Answer, Question};
use crate::render::tell;
use crate::trace::io_error_text;

/// Asks, lets the class think again, and gives what it came to; `None` if
/// nobody answers.
pub fn ask<R>(questions: &[Question<R>]) -> Result<Option<Vec<Answer>>> {
    let mut answers = Vec::new();
    for (number, question) in (1..).zip(questions) {
        match one(number, question, None)? {
            Some(answer) => answers.push(answer),
            None => return Ok(None),
        }
    }
    tell("\nTell your neighbour why. Then change an answer, or keep it with Enter.");
    for (number, question) in (1..).zip(questions) {
        let kept = answers[number - 1];
        match one(number, question, Some(kept))? {
            Some(answer) => answers[number - 1] = answer,
            None => break, // what was answered stands
        }
    }
    tell("");
    Ok(Some(answers))
}

/// Asks one question until there is an answer to it. An empty one keeps what
/// was answered before.
fn one<R>(number: usize, question: &Question<R>, before: Option<Answer>) -> Result<Option<Answer>> {
    let before_shown = before.map_or(String::new(), |answer| format!(" [{answer}]"));
    let prompt = format!("{number}. {}{before_shown} > ", question.in_full());
    loop {
        let Some(line) = read_line(&prompt)? else {
            return Ok(None);
        };
        match (line.trim(), before) {
            ("", Some(answer)) => return Ok(Some(answer)),
            (text, _) => match question.parse(text) {
                Ok(answer) => return Ok(Some(answer)),
                Err(wanted) => tell(&format!("   {wanted}")),
            },
        }
    }
}

/// Whether somebody wants to see what `prompt` offers: Enter or yes. The end
/// of input wants nothing more.
pub fn wants(prompt: &str) -> Result<bool> {
    let line = read_line(prompt)?.map(|line| line.trim().to_lowercase());
    Ok(line.is_some_and(|line| line.is_empty() || "yes".starts_with(&line)))
}

/// A line of standard input; `None` at its end.
fn read_line(prompt: &str) -> Result<Option<String>> {
    let _ = write!(io::stderr(), "{prompt}");
    let stdin = io::stdin();
    let mut line = Vec::new();
    let read = stdin.lock().read_until(b'\n', &mut line);
    let read = read.map_err(|e| anyhow!("read: {}", io_error_text(&e)))?;
    // Nobody's Enter has ended the line of the prompt.
    if read == 0 || !stdin.is_terminal() {
        tell("");
    }
    match read {
        0 => Ok(None),
        _ => Ok(Some(String::from_utf8_lossy(&line).into_owned())),
    }
}
