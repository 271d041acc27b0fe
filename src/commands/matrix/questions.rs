//! What the matrix is asked: how many of its rows come to what.

use crate::commands::matrix::rows::{Combination, Matrix};
use crate::commands::predict::{Answer, Kind, Measured, Question};
use crate::lab::report::Outcome;
use crate::trace::Name;

/// How many serve both clients, and how many fall asleep for one.
pub fn questions() -> Vec<Question<Matrix>> {
    let count = |text, are: fn(&Combination) -> bool| {
        Question::new(text, Kind::Count, None, move |matrix| rows(matrix, are))
    };
    vec![
        count("How many of the 8 will serve both A and B?", |row| {
            row.outcome == Outcome::Ok
        }),
        count("How many will sleep in recv for A?", |row| {
            row.asleep.whom() == ("recv", Some(Name::Client(0)))
        }),
    ]
}

/// What is about to be run.
pub fn set_up(matrix: &Matrix) -> String {
    let [a, b] = matrix.sent;
    format!(
        "Eight servers, one after the other: level or edge, blocking or O_NONBLOCK, one recv or \
         a drain. A {}-byte buffer; A sends {a} bytes, B {b}, and both stay connected.",
        matrix.buffer
    )
}

/// How many rows `are` so, and what the others came to.
fn rows(matrix: &Matrix, are: impl Fn(&Combination) -> bool) -> Measured {
    let others = matrix.rows.iter().filter(|row| !are(row));
    let mut outcomes: Vec<(&str, usize)> = Vec::new();
    for name in others.clone().map(|row| row.outcome.name()) {
        match outcomes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => *rows += 1,
            None => outcomes.push((name, 1)),
        }
    }
    let outcomes: Vec<String> = outcomes
        .iter()
        .map(|(name, rows)| format!("{rows} {name}"))
        .collect();
    Measured {
        answer: Some(Answer::Count((matrix.rows.len() - others.count()) as u64)),
        reason: if outcomes.is_empty() {
            "all of them".into()
        } else {
            format!("the others: {}", outcomes.join(", "))
        },
    }
}
