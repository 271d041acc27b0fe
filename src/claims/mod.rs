//! `claims`: what textbooks say about epoll, each claim tried on this kernel.
//!
//! An experiment is a function that makes its calls through [`Trial`] and
//! hands what it measured to a judge, a function of nothing else. So a kernel
//! that answers otherwise gets another verdict, and the judges are tested with
//! such answers.

mod child;
mod evidence;
pub mod finding;
mod hangups;
mod interface;
mod many;
mod patience;
mod reading;
mod textbook;
mod thread;
pub mod trial;
mod writing;

use std::time::{Duration, Instant};

use anyhow::Result;

pub use crate::claims::child::play_if_asked;
use crate::claims::finding::{Finding, Verdict};
use crate::claims::trial::Trial;
use crate::lab::audience::{Audience, Event, OutputError};

/// One claim, and how it is tried.
#[derive(Debug)]
pub struct Claim {
    /// As it is typed, `et-once`; at most 18 characters, for the table.
    pub id: &'static str,
    /// What the textbook says, in a line.
    pub claim: &'static str,
    /// What the kernel is asked.
    pub asked: &'static str,
    /// Tries it. An error is what kept it from being tried, and no failure of
    /// the program: [`Verdict::NotTried`].
    pub experiment: fn(&mut Trial<'_>) -> Result<Finding>,
}

/// Claims about one subject.
#[derive(Debug)]
pub struct Family {
    /// The heading in the table of all claims.
    pub title: &'static str,
    /// In the order in which they are tried and shown.
    pub claims: &'static [Claim],
}

/// All of them, in the order in which they are shown.
pub static FAMILIES: [Family; 5] = [
    family("The interface", &interface::CLAIMS),
    family("Reading", &reading::CLAIMS),
    family("Writing", &writing::CLAIMS),
    family("Hang-ups", &hangups::CLAIMS),
    family("Many", &many::CLAIMS),
];

const fn family(title: &'static str, claims: &'static [Claim]) -> Family {
    Family { title, claims }
}

/// A claim that has been tried.
#[derive(Debug)]
pub struct Tried {
    /// What the textbook says.
    pub claim: &'static Claim,
    /// What the kernel says to it.
    pub finding: Finding,
    /// It varies from run to run: shown with `--timing` only.
    pub took: Duration,
}

/// Every claim.
pub fn all() -> impl Iterator<Item = &'static Claim> {
    FAMILIES.iter().flat_map(|family| family.claims)
}

/// The claim of this id.
pub fn find(id: &str) -> Option<&'static Claim> {
    all().find(|claim| claim.id == id)
}

/// Tries a claim: how that is found out, calls and steps in order, is told to
/// `audience`. What keeps the experiment from running is a finding, too; an
/// error is an audience that hears nothing any more.
pub fn try_out(claim: &'static Claim, audience: &mut dyn Audience) -> Result<Tried, OutputError> {
    audience.hear(&Event::Trial(claim.id))?;
    let began = Instant::now();
    let mut trial = Trial::new(audience);
    let finding = match (claim.experiment)(&mut trial) {
        Ok(finding) => finding,
        Err(reason) => Finding::new(Verdict::NotTried, format!("{reason:#}"))
            .why("Something that the experiment needs is not to be had here."),
    };
    let took = began.elapsed();
    trial.finish()?;
    Ok(Tried {
        claim,
        finding,
        took,
    })
}

/// The id that is meant by a misspelt one, if one is near.
pub fn nearest(typo: &str) -> Option<&'static str> {
    let typo = typo.to_lowercase();
    let (distance, id) = all()
        .map(|claim| (edits(&typo, claim.id), claim.id))
        .min()?;
    let near = typo.len().max(id.len()) / 2;
    (distance <= near).then_some(id)
}

/// How many insertions, deletions and replacements make `from` into `to`
/// (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("herd", "herd"), 0);
        assert_eq!(edits("et-shrt-raed", "et-short-read"), 3);
    }

    #[test]
    fn a_typo_has_a_nearest_id() {
        assert_eq!(nearest("ctl-error"), Some("ctl-errors"));
        assert_eq!(nearest("CTL-ERRORS"), Some("ctl-errors"));
        assert_eq!(nearest("zzzzzzzzzz"), None);
    }

    #[test]
    fn ids_are_told_apart_and_texts_fit() {
        let mut ids: Vec<&str> = all().map(|claim| claim.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        for claim in all() {
            assert!(claim.id.len() <= 18, "{}", claim.id);
            assert!(claim.claim.chars().count() <= 59, "{}", claim.claim);
            assert!(claim.claim.is_ascii() && claim.asked.is_ascii());
        }
    }
}
