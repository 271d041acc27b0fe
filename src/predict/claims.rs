//! What a claim is asked: whether it is true.

use super::{Answer, Choice, Kind, Measured, Question};
use crate::claims::Tried;
use crate::claims::finding::Verdict;

const VERDICTS: Kind = Kind::Word(&[
    Choice {
        word: "confirmed",
        also: &["true", "yes"],
    },
    Choice {
        word: "refuted",
        also: &["false", "no"],
    },
    Choice {
        word: "depends",
        also: &[],
    },
]);

/// One question, about any claim.
pub fn questions() -> Vec<Question<Tried>> {
    vec![Question {
        text: "What will become of the claim?".into(),
        kind: VERDICTS,
        run: Some(1),
        measure: |tried| Measured {
            answer: match tried.finding.verdict {
                Verdict::NotTried => None,
                verdict => Some(Answer::Word(verdict.name())),
            },
            reason: tried.finding.evidence.clone(),
        },
    }]
}
