//! Where the answers come from: the command line, or the class.

use anyhow::Result;

use crate::commands::command::Misuse;
use crate::commands::predict::args::PredictArgs;
use crate::commands::predict::ask;
use crate::commands::predict::question::{Answer, Predictions, Question};
use crate::show::tell;
use crate::trace::escape::escape;

/// Takes the answers from the command line, or asks for them, if that is
/// wanted at all; `None`: nobody answers. `announce` says before that what is
/// about to be run; a wrong command line comes to nothing of all that.
pub fn collect<R>(
    args: &PredictArgs,
    questions: Vec<Question<R>>,
    announce: impl FnOnce() -> Result<()>,
) -> Result<Option<Predictions<R>>> {
    let given = args.predict.iter().flatten().next();
    let given = given.map(|given| parse(&questions, given)).transpose()?;
    announce()?;
    let answers = match given {
        _ if !args.is_given() => Some(Vec::new()),
        Some(answers) => Some(answers),
        None => ask::ask(&questions)?,
    };
    let Some(answers) = answers else {
        let example: Vec<&str> = questions.iter().map(Question::example).collect();
        tell(&format!(
            "epoll-lab: no answers, so nothing was run; `--predict {}` gives them beforehand",
            example.join(",")
        ));
        return Ok(None);
    };
    let asked = questions.into_iter().zip(answers).collect();
    Ok(Some(Predictions(asked)))
}

/// As much of it as says which it was.
fn beginning(shown: &str) -> String {
    const ENOUGH: usize = 60;
    match shown.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}...", &shown[..end]),
        None => shown.to_string(),
    }
}

/// Answers given on the command line, separated by commas.
fn parse<R>(questions: &[Question<R>], given: &str) -> Result<Vec<Answer>, Misuse> {
    let parts: Vec<&str> = given.split(',').collect();
    let asked: Vec<String> = (1..)
        .zip(questions)
        .map(|(number, question)| format!("{number}. {}", question.in_full()))
        .collect();
    let shown = beginning(&escape(given.as_bytes()));
    let misuse = |wanted: String| Misuse(format!("--predict '{shown}': {wanted}"));
    if parts.len() != questions.len() {
        let wanted = match questions.len() {
            1 => "one answer is asked for".to_string(),
            n => format!("{n} answers are asked for, with a comma between them"),
        };
        return Err(misuse(format!("{wanted}: {}", asked.join(" "))));
    }
    let answers = questions.iter().zip(&parts).zip(&asked);
    answers
        .map(|((question, part), asked)| {
            let parsed = question.parse(part);
            parsed.map_err(|wanted| misuse(format!("{asked} {wanted}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::predict::question::tests::question;
    use crate::commands::predict::question::{Kind, YES_NO};

    #[test]
    fn as_many_answers_as_questions() {
        let questions = [question(Kind::Count), question(YES_NO)];
        let answers = parse(&questions, "3,no").unwrap();
        assert_eq!(answers, [Answer::Count(3), Answer::Word("no")]);
        for wrong in ["3", "3,no,1", "no,3", ",", "\u{1b}[2J,no"] {
            let mistake = parse(&questions, wrong).unwrap_err().to_string();
            assert!(mistake.contains("How?"), "{mistake}");
            assert!(!mistake.contains('\u{1b}'), "{mistake}");
        }
    }
}
