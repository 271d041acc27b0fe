//! What the matrix is asked: how many of its rows come to what.

use super::{Answer, Kind, Measured, Question};
use crate::matrix::Matrix;
use crate::report::Outcome;

/// How many serve both clients, and how many fall asleep for one.
pub fn questions() -> Vec<Question<Matrix>> {
    let count = |text: &str, measure| Question {
        text: text.into(),
        kind: Kind::Count,
        measure,
    };
    vec![
        count("How many of the 8 will serve both A and B?", |matrix| {
            rows(matrix, Outcome::Ok)
        }),
        count("How many will sleep in recv for A?", |matrix| {
            rows(matrix, Outcome::Stuck)
        }),
    ]
}

/// What is about to be run.
pub fn setup(matrix: &Matrix) -> String {
    let [a, b] = matrix.sent;
    format!(
        "Eight servers, one after the other: level or edge, blocking or O_NONBLOCK, one recv or \
         a drain. A {}-byte buffer; A sends {a} bytes, B {b}, and both stay connected.",
        matrix.buffer
    )
}

/// The rows of this outcome.
fn rows(matrix: &Matrix, outcome: Outcome) -> Measured {
    let outcomes = || matrix.rows.iter().map(|row| row.outcome);
    let count = |wanted| outcomes().filter(|outcome| *outcome == wanted).count();
    let others = [
        Outcome::Ok,
        Outcome::Stranded,
        Outcome::Stuck,
        Outcome::Incomplete,
    ];
    let others: Vec<String> = others
        .into_iter()
        .filter(|other| *other != outcome)
        .map(|other| (count(other), other.name()))
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, name)| format!("{rows} {name}"))
        .collect();
    Measured {
        answer: Some(Answer::Count(count(outcome) as u64)),
        reason: match others.is_empty() {
            true => "all of them".into(),
            false => format!("{}; see RESULT", others.join(", ")),
        },
    }
}
