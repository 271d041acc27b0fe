//! What can be asked, and what came of it beside what was predicted.

use std::fmt;

use serde::Serialize;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
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
pub struct Question<R> {
    /// One sentence, down to its question mark.
    pub text: String,
    /// What passes for an answer; anything else is asked again.
    pub kind: Kind,
    /// Which of the command's runs it is about, counted from 1; `None`: all
    /// of them together.
    pub run: Option<u32>,
    /// Looks the answer up in the result: there is no formula for it.
    pub measure: Box<dyn Fn(&R) -> Measured>,
}

/// The answer of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Measured {
    /// Missing if the run did not come to it.
    pub answer: Option<Answer>,
    /// What the answer is made of.
    #[serde(skip)]
    pub reason: String,
}

/// A prediction beside what came of it. Serialized it is the `prediction` of
/// the JSON contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// As it was asked.
    pub question: String,
    /// See [`Question::run`].
    #[serde(skip)]
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
pub struct Predictions<R>(pub(super) Vec<(Question<R>, Answer)>);

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

impl<R> Question<R> {
    /// See the fields.
    pub fn new(
        text: impl Into<String>,
        kind: Kind,
        run: Option<u32>,
        measure: impl Fn(&R) -> Measured + 'static,
    ) -> Question<R> {
        Question {
            text: text.into(),
            kind,
            run,
            measure: Box::new(measure),
        }
    }

    /// The question, with the words that answer it.
    pub fn in_full(&self) -> String {
        match self.kind {
            Kind::Count => self.text.clone(),
            Kind::Word(choices) => format!("{} ({})", self.text, words(choices)),
        }
    }

    /// What an answer may look like.
    pub fn example(&self) -> &'static str {
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
    /// See the fields.
    pub const fn new(word: &'static str, also: &'static [&'static str]) -> Choice {
        Choice { word, also }
    }

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
pub const YES_NO: Kind = Kind::Word(&[Choice::new("yes", &[]), Choice::new("no", &[])]);

/// `yes` or `no`.
pub fn yes_no(yes: bool) -> Answer {
    Answer::Word(if yes { "yes" } else { "no" })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn question(kind: Kind) -> Question<()> {
        Question::new("How?", kind, Some(1), |()| Measured {
            answer: Some(Answer::Count(4)),
            reason: "so".into(),
        })
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
    fn a_prediction_is_right_if_it_was_measured() {
        let asked = vec![
            (question(Kind::Count), Answer::Count(4)),
            (question(Kind::Count), Answer::Count(3)),
        ];
        let compared = Predictions(asked).compare(&());
        assert!(compared[0].is_right() && !compared[1].is_right());
    }
}
