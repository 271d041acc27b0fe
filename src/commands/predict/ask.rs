//! The conversation: on standard error what is asked, on standard input the
//! answers.

use anyhow::Result;

use crate::commands::predict::question::{Answer, Question};
use crate::show::prompt::read_line;
use crate::show::tell;

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
        match (line.as_str(), before) {
            ("", Some(answer)) => return Ok(Some(answer)),
            (text, _) => match question.parse(text) {
                Ok(answer) => return Ok(Some(answer)),
                Err(wanted) => tell(&format!("   {wanted}")),
            },
        }
    }
}
