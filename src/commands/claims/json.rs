//! Claims in the JSON contract.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use crate::claims::finding::Figure;
use crate::claims::{Claim, Tried, all};
use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;

/// A `claim`.
#[derive(Serialize)]
struct Record<'a> {
    id: &'static str,
    claim: &'static str,
    verdict: Option<&'static str>,
    evidence: Option<&'a str>,
    figures: BTreeMap<&'static str, Number>,
}

/// One that has been tried, as run number `run`; its calls have come first.
pub fn tried(tried: &Tried, run: u32, screen: &Screen) -> Result<(), OutputError> {
    let finding = &tried.finding;
    let shown = finding.figures.iter().filter_map(|(name, figure)| {
        let number = match *figure {
            Figure::Count(count) => count.into(),
            Figure::Varies(value) if screen.view.times => Number::from_f64(value)?,
            Figure::Varies(_) => return None,
        };
        Some((*name, number))
    });
    let record = Record {
        verdict: Some(finding.verdict.name()),
        evidence: Some(&finding.evidence),
        figures: shown.collect(),
        ..Record::of(tried.claim)
    };
    screen.json("claim", Some(run), &record)
}

/// All of them, untried.
pub fn list(screen: &Screen) -> Result<(), OutputError> {
    all().try_for_each(|claim| screen.json("claim", None, &Record::of(claim)))
}

impl Record<'_> {
    /// Of one that has not been tried.
    fn of(claim: &Claim) -> Self {
        Record {
            id: claim.id,
            claim: claim.claim,
            verdict: None,
            evidence: None,
            figures: BTreeMap::new(),
        }
    }
}
