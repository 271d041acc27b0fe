//! Claims in the JSON contract.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::claims::finding::Figure;
use crate::claims::{Claim, Tried, all};
use crate::show::View;
use crate::show::json::line;

/// A `claim`.
#[derive(Serialize)]
struct Record<'a> {
    id: &'static str,
    claim: &'static str,
    verdict: Option<&'static str>,
    evidence: Option<&'a str>,
    figures: BTreeMap<&'static str, serde_json::Number>,
}

/// One that has been tried, as run number `run`; its calls have come first.
pub fn tried(tried: &Tried, run: u32, view: View, out: &mut impl Write) -> io::Result<()> {
    let Claim { id, claim, .. } = *tried.claim;
    let finding = &tried.finding;
    let shown = finding.figures.iter().filter_map(|(name, figure)| {
        let number = match *figure {
            Figure::Count(count) => count.into(),
            Figure::Varies(value) if view.times => serde_json::Number::from_f64(value)?,
            Figure::Varies(_) => return None,
        };
        Some((*name, number))
    });
    let record = Record {
        id,
        claim,
        verdict: Some(finding.verdict.name()),
        evidence: Some(&finding.evidence),
        figures: shown.collect(),
    };
    line("claim", Some(run), &record, out)
}

/// All of them, untried.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    all().try_for_each(|&Claim { id, claim, .. }| {
        let record = Record {
            id,
            claim,
            verdict: None,
            evidence: None,
            figures: BTreeMap::new(),
        };
        line("claim", None, &record, out)
    })
}
