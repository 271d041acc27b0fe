//! A claim, and what becomes of it when it is tried.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::claims::finding::{Finding, not_tried};
use crate::claims::trial::Trial;
use crate::lab::audience::{Audience, Event, OutputError};

/// Columns of an id, in the table of all claims.
pub const ID: usize = 18;
/// Columns of what the textbook says.
pub const CLAIM: usize = 49;

/// One claim, and how it is tried.
#[derive(Debug)]
pub struct Claim {
    /// As it is typed, `et-once`; at most [`ID`] characters.
    pub id: &'static str,
    /// What the textbook says, in at most [`CLAIM`] characters.
    pub claim: &'static str,
    /// What the kernel is asked.
    pub asked: &'static str,
    /// Tries it. An error is what kept it from being tried, and no failure of
    /// the program: [`Verdict::NotTried`](crate::claims::finding::Verdict::NotTried).
    pub experiment: fn(&mut Trial<'_>) -> Result<Finding>,
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

/// Tries a claim: how that is found out, calls and steps in order, is told to
/// `audience`. What keeps the experiment from running is a finding, too.
///
/// # Errors
///
/// An audience that hears nothing any more.
pub fn try_out(claim: &'static Claim, audience: &mut dyn Audience) -> Result<Tried, OutputError> {
    audience.hear(&Event::Trial(claim.id))?;
    let began = Instant::now();
    let mut trial = Trial::new(audience);
    let finding = match ((claim.experiment)(&mut trial), trial.lacked()) {
        (Ok(finding), None) => finding,
        // What was measured then is not what was asked.
        (Ok(_), Some(lack)) => not_tried(lack),
        (Err(reason), _) => not_tried(format!("{reason:#}")),
    };
    let took = began.elapsed();
    trial.finish()?;
    Ok(Tried {
        claim,
        finding,
        took,
    })
}
