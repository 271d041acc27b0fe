//! `--predict`: the class says what it expects, and then the kernel shows.
//!
//! Who only watches a demonstration learns little from it; who has predicted
//! its outcome first does (Crouch, Fagen, Callan and Mazur 2004; Miller, Lasry,
//! Chu and Mazur 2013). So a [`Question`] is asked before the run, and what it
//! is compared with is what this run measured: a question knows where in the
//! result its answer stands, and no formula for it.

pub mod args;
pub mod ask;
pub mod text;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::commands::predict::args::PredictArgs;
use crate::show::tell;
use crate::trace::escape::escape;

/// How a question can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number, 0 or more.
    Count,
    /// One of these words.
    Word(&'static [Choice]),
}

/// A word that answers a question, and what else is understood as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As it is offered, shown and compared.
    pub word: &'static str,
    /// Understood as well and never shown: `yes` for `confirmed`.
    pub also: &'static [&'static str],
}

/// An answer: predicted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a question of [`Kind::Count`].
    Count(u64),
    /// To one of [`Kind::Word`]: always a [`Choice::word`].
    Word(&'static str),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Count(count) => count.fmt(f),
            Answer::Word(word) => word.fmt(f),
        }
    }
}

/// What is asked before a run, and where in its result `R` the answer stands.
#[derive(Clone, Debug)]
pub struct Question<R> {
    /// One sentence, down to its question mark.
    pub text: String,
    /// What passes for an answer; anything else is asked again.
    pub kind: Kind,
    /// Which of the command's runs it is about, counted from 1; `None`: all
    /// of them together.
    pub run: Option<u32>,
    /// Looks the answer up in the result: there is no formula for it.
    pub measure: fn(&R) -> Measured,
}

/// The answer of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Missing if the run did not come to it.
    pub answer: Option<Answer>,
    /// What the answer is made of.
    pub reason: String,
}

/// A prediction beside what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// As it was asked.
    pub question: String,
    /// See [`Question::run`].
    pub run: Option<u32>,
    /// Given before the run.
    pub predicted: Answer,
    /// Found in its result.
    pub measured: Measured,
}

impl Compared {
    /// The run came to an answer, and that was the predicted one.
    pub fn is_right(&self) -> bool {
        self.measured.answer == Some(self.predicted)
    }
}

/// The questions and how they were answered; none without `--predict`.
#[derive(Clone, Debug)]
pub struct Predictions<R>(Vec<(Question<R>, Answer)>);

impl<R> Predictions<R> {
    /// The predictions beside what `run` measured.
    pub fn compare(&self, run: &R) -> Vec<Compared> {
        let each = self.0.iter().map(|(question, predicted)| Compared {
            question: question.text.clone(),
            run: question.run,
            predicted: *predicted,
            measured: (question.measure)(run),
        });
        each.collect()
    }
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked<R> {
    /// On with the run.
    Answered(Predictions<R>),
    /// Nobody answers, or the answers given beforehand do not fit.
    End(ExitCode),
}

/// Takes the answers from the command line, or asks for them, if that is
/// wanted at all. `announce` says before that what is about to be run; a wrong
/// command line comes to nothing of all that.
pub fn collect<R>(
    args: &PredictArgs,
    questions: Vec<Question<R>>,
    announce: impl FnOnce() -> Result<()>,
) -> Result<Asked<R>> {
    let given = match args.predict.as_ref().and_then(Option::as_ref) {
        None => None,
        Some(given) => match parse(&questions, given) {
            Ok(answers) => Some(answers),
            Err(mistake) => {
                tell(&format!("epoll-lab: --predict '{mistake}"));
                return Ok(Asked::End(ExitCode::from(2)));
            }
        },
    };
    announce()?;
    let answers = match given {
        _ if !args.is_given() => return Ok(Asked::Answered(Predictions(Vec::new()))),
        Some(answers) => answers,
        None => match ask::ask(&questions)? {
            Some(answers) => answers,
            None => {
                let example: Vec<&str> = questions.iter().map(Question::example).collect();
                let example = example.join(",");
                tell(&format!(
                    "epoll-lab: no answers, so nothing was run; `--predict {example}` \
                     gives them beforehand"
                ));
                return Ok(Asked::End(ExitCode::SUCCESS));
            }
        },
    };
    let asked = questions.into_iter().zip(answers).collect();
    Ok(Asked::Answered(Predictions(asked)))
}

/// Answers given on the command line, separated by commas.
fn parse<R>(questions: &[Question<R>], given: &str) -> Result<Vec<Answer>, String> {
    let parts: Vec<&str> = given.split(',').collect();
    let asked: Vec<String> = (1..)
        .zip(questions)
        .map(|(number, question)| format!("{number}. {}", question.in_full()))
        .collect();
    let shown = escape(given.as_bytes());
    if parts.len() != questions.len() {
        let wanted = match questions.len() {
            1 => "one answer is asked for".to_string(),
            n => format!("{n} answers are asked for, with a comma between them"),
        };
        return Err(format!("{shown}': {wanted}: {}", asked.join(" ")));
    }
    let answers = questions.iter().zip(&parts).zip(&asked);
    answers
        .map(|((question, part), asked)| {
            let parsed = question.parse(part);
            parsed.map_err(|wanted| format!("{shown}': {asked} {wanted}"))
        })
        .collect()
}

impl<R> Question<R> {
    /// The question, with the words that answer it.
    pub fn in_full(&self) -> String {
        match self.kind {
            Kind::Count => self.text.clone(),
            Kind::Word(choices) => format!("{} ({})", self.text, words(choices)),
        }
    }

    /// What an answer may look like.
    fn example(&self) -> &'static str {
        match self.kind {
            Kind::Word([first, ..]) => first.word,
            Kind::Count | Kind::Word([]) => "N",
        }
    }

    /// An answer; otherwise what one would look like.
    pub fn parse(&self, text: &str) -> Result<Answer, String> {
        let text = text.trim().to_lowercase();
        match self.kind {
            Kind::Count => match text.parse() {
                Ok(count) => Ok(Answer::Count(count)),
                Err(_) => Err("Give a number, 0 or more.".into()),
            },
            Kind::Word(choices) => {
                let meant = choices.iter().filter(|choice| choice.is_meant_by(&text));
                match meant.collect::<Vec<_>>()[..] {
                    [choice] => Ok(Answer::Word(choice.word)),
                    _ => Err(format!("Give one of: {}.", words(choices))),
                }
            }
        }
    }
}

impl Choice {
    /// The word, its beginning, or what else is understood as it.
    fn is_meant_by(&self, text: &str) -> bool {
        let mut known = std::iter::once(&self.word).chain(self.also);
        !text.is_empty() && known.any(|known| known.starts_with(text))
    }
}

fn words(choices: &[Choice]) -> String {
    let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
    words.join(", ")
}

/// Answers to a question that asks whether.
pub const YES_NO: Kind = Kind::Word(&[
    Choice {
        word: "yes",
        also: &[],
    },
    Choice {
        word: "no",
        also: &[],
    },
]);

/// `yes` or `no`.
pub fn yes_no(yes: bool) -> Answer {
    Answer::Word(if yes { "yes" } else { "no" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(kind: Kind) -> Question<()> {
        Question {
            text: "How?".into(),
            kind,
            run: Some(1),
            measure: |()| Measured {
                answer: Some(Answer::Count(4)),
                reason: "so".into(),
            },
        }
    }

    #[test]
    fn numbers() {
        let question = question(Kind::Count);
        assert_eq!(question.parse(" 3\n"), Ok(Answer::Count(3)));
        for nonsense in ["", "three", "-1", "3.5", "18446744073709551616"] {
            assert!(question.parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn words_and_their_beginnings() {
        let question = question(YES_NO);
        assert_eq!(question.parse("Y"), Ok(Answer::Word("yes")));
        assert_eq!(question.parse("no"), Ok(Answer::Word("no")));
        for nonsense in ["", "x", "yess", "1"] {
            assert!(question.parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn as_many_answers_as_questions() {
        let questions = [question(Kind::Count), question(YES_NO)];
        let answers = parse(&questions, "3,no").unwrap();
        assert_eq!(answers, [Answer::Count(3), Answer::Word("no")]);
        for wrong in ["3", "3,no,1", "no,3", ",", "\u{1b}[2J,no"] {
            let mistake = parse(&questions, wrong).unwrap_err();
            assert!(mistake.contains("How?"), "{mistake}");
            assert!(!mistake.contains('\u{1b}'), "{mistake}");
        }
    }

    #[test]
    fn a_prediction_is_right_if_it_was_measured() {
        let asked = vec![
            (question(Kind::Count), Answer::Count(4)),
            (question(Kind::Count), Answer::Count(3)),
        ];
        let compared = Predictions(asked).compare(&());
        assert!(compared[0].is_right() && !compared[1].is_right());
    }
}
