//! The claims as text: one line each, or one of them on a screen of its own.

use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};

use crate::claims::finding::{Figure, Verdict};
use crate::claims::{CLAIM, Claim, FAMILIES, Family, ID, Tried};
use crate::show::View;
use crate::show::text::layout::{WIDTH, indented, wrap};

/// Columns before an id, and of a verdict.
const MARGIN: usize = 2;
const VERDICT: usize = 9;

/// How many of each verdict.
#[derive(Debug, Default)]
pub struct Tally([usize; Verdict::ALL.len()]);

impl Tally {
    pub fn add(&mut self, tried: &Tried) {
        self.0[tried.finding.verdict as usize] += 1;
    }
}

/// Above the table of claims.
pub fn header(out: &mut impl Write) -> io::Result<()> {
    let header = "claims | what textbooks say about epoll, tried on this kernel";
    writeln!(out, "{}", header.bold())
}

/// Above the claims of a family.
pub fn family(family: &Family, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{}", family.title.bold())
}

/// A claim that has been tried, in one line.
pub fn row(tried: &Tried, out: &mut impl Write) -> io::Result<()> {
    let Claim { id, claim, .. } = tried.claim;
    let verdict = tried.finding.verdict;
    let padded = format!("{:<VERDICT$}", verdict.name());
    let id = format!("{id:<ID$}").cyan();
    writeln!(out, "  {id} {} {claim}", coloured(verdict, &padded))
}

/// Below it: what the verdict rests on. What varies takes its place where it may
/// be shown.
pub fn evidence(tried: &Tried, view: View, out: &mut impl Write) -> io::Result<()> {
    let finding = &tried.finding;
    let evidence = match (view.times, &finding.varying) {
        (true, Some(varying)) => varying,
        _ => &finding.evidence,
    };
    writeln!(out, "{}", indented(2 * MARGIN, evidence))
}

/// Below the table; the hint names `one` of the claims, if some were asked for.
pub fn tally(
    tally: &Tally,
    took: Duration,
    one: Option<&&Claim>,
    view: View,
    out: &mut impl Write,
) -> io::Result<()> {
    let all: usize = tally.0.iter().sum();
    let counts = Verdict::ALL.map(|verdict| {
        let text = format!("{} {}", tally.0[verdict as usize], verdict.name());
        coloured(verdict, &text).to_string()
    });
    let claims = if all == 1 { "claim" } else { "claims" };
    writeln!(out, "\n{all} {claims}: {}", counts.join(", "))?;
    if view.times {
        writeln!(out, "in {:.1} s", took.as_secs_f64())?;
    }
    if let Some(one) = one {
        return writeln!(out, "one, with its calls: epoll-lab claims {}", one.id);
    }
    writeln!(out, "what was seen:       epoll-lab claims --evidence")?;
    writeln!(out, "one, with its calls: epoll-lab claims et-short-read")
}

/// What all claims say.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    for (index, family) in FAMILIES.iter().enumerate() {
        let blank = if index > 0 { "\n" } else { "" };
        writeln!(out, "{blank}{}", family.title.bold())?;
        for claim in family.claims {
            writeln!(out, "  {:<ID$} {}", claim.id.cyan(), claim.claim)?;
        }
    }
    Ok(())
}

/// What the textbook says, and what the kernel is asked.
pub fn question(claim: &Claim, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("claims | {}", claim.id).bold())?;
    let said = format!("The textbook: {}", claim.claim);
    writeln!(out, "{}", wrap(&said, 14))?;
    let asked = format!("The question: {}", claim.asked);
    writeln!(out, "{}\n", wrap(&asked, 14))
}

/// Below the calls: the verdict and why.
pub fn answer(tried: &Tried, view: View, out: &mut impl Write) -> io::Result<()> {
    let finding = &tried.finding;

    let verdict = finding.verdict;
    let sentence = format!("=> {}: {}", verdict.name().to_uppercase(), finding.evidence);
    writeln!(out, "\n{}", coloured(verdict, &wrap(&sentence, 3)).bold())?;
    if let (true, Some(varying)) = (view.times, &finding.varying) {
        writeln!(out, "{}", indented(3, varying))?;
    }
    writeln!(out, "{}", indented(3, finding.why))?;
    if view.times {
        for (name, figure) in &finding.figures {
            match figure {
                Figure::Count(count) => writeln!(out, "   {name}: {count}")?,
                Figure::Varies(value) => writeln!(out, "   {name}: {value:.3}")?,
            }
        }
        writeln!(out, "   in {:.1} ms", tried.took.as_secs_f64() * 1e3)?;
    }
    Ok(())
}

/// The word says it all; the colour makes it quicker to find. Nobody suffers from a
/// refuted claim, so none is red.
fn coloured(verdict: Verdict, text: &str) -> ColoredString {
    match verdict {
        Verdict::Confirmed => text.green(),
        Verdict::Refuted => text.magenta(),
        Verdict::Depends => text.yellow(),
        Verdict::NotTried => text.dimmed(),
    }
}

const _: () = assert!(MARGIN + ID + 1 + VERDICT + 1 + CLAIM <= WIDTH);
