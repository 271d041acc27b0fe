//! The claims as text: one line each, or one of them on a screen of its own.

use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};

use crate::claims::finding::{EVIDENCE, Figure, Finding, Verdict};
use crate::claims::{Claim, FAMILIES, Family, Tried};
use crate::show::View;
use crate::show::text::layout::{WIDTH, indented, wrap};

/// Columns of an id, and of a verdict beside it.
const ID: usize = 19;
const VERDICT: usize = 10;

/// How many of each verdict.
#[derive(Debug, Default)]
pub struct Tally([usize; Verdict::ALL.len()]);

impl Tally {
    pub fn add(&mut self, tried: &Tried) {
        self.0[tried.finding.verdict as usize] += 1;
    }
}

/// Above the table of all claims.
pub fn header(out: &mut impl Write) -> io::Result<()> {
    let header = "claims | what textbooks say about epoll, tried on this kernel";
    writeln!(out, "{}", header.bold())
}

/// Above the claims of a family.
pub fn family(family: &Family, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{}", family.title.bold())
}

/// A claim that has been tried, in one line.
pub fn row(tried: &Tried, view: View, out: &mut impl Write) -> io::Result<()> {
    let verdict = tried.finding.verdict;
    let evidence = shortened(evidence(&tried.finding, view), EVIDENCE);
    let padded = format!("{:<VERDICT$}", verdict.name());
    writeln!(
        out,
        "  {:<ID$}{}{evidence}",
        tried.claim.id,
        coloured(verdict, &padded)
    )
}

/// A claim that has been tried, in two lines: what it says, and its row.
pub fn claim_and_row(tried: &Tried, view: View, out: &mut impl Write) -> io::Result<()> {
    let verdict = tried.finding.verdict;
    let evidence = shortened(evidence(&tried.finding, view), EVIDENCE);
    let Claim { id, claim, .. } = tried.claim;
    writeln!(out, "  {}{claim}", format!("{id:<ID$}").cyan())?;
    let padded = format!("{:<VERDICT$}", verdict.name());
    writeln!(out, "  {:ID$}{}{evidence}", "", coloured(verdict, &padded))
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
    writeln!(out, "\n{} claims: {}", all, counts.join(", "))?;
    if view.times() {
        writeln!(out, "in {:.1} s", took.as_secs_f64())?;
    }
    if let Some(one) = one {
        return writeln!(out, "one of them in full: epoll-lab claims {}", one.id);
    }
    writeln!(out, "what they say: epoll-lab claims --list")?;
    writeln!(out, "one of them:   epoll-lab claims et-short-read")
}

/// What all claims say.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    for (index, family) in FAMILIES.iter().enumerate() {
        let blank = if index > 0 { "\n" } else { "" };
        writeln!(out, "{blank}{}", family.title.bold())?;
        for claim in family.claims {
            writeln!(out, "  {:<ID$}{}", claim.id.cyan(), claim.claim)?;
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
    if let (true, Some(varying)) = (view.times(), &finding.varying) {
        writeln!(out, "{}", indented(3, varying))?;
    }
    writeln!(out, "{}", indented(3, finding.why))?;
    if view.times() {
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

/// The evidence; what varies takes its place where it may be shown.
fn evidence(finding: &Finding, view: View) -> &str {
    match (view.times(), &finding.varying) {
        (true, Some(varying)) => varying,
        _ => &finding.evidence,
    }
}

/// The reason of something that could not be tried may be long.
fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.into();
    }
    let beginning = text.chars().take(columns - 3);
    beginning.chain("...".chars()).collect()
}

/// The word says it all; the colour makes it quicker to find.
fn coloured(verdict: Verdict, text: &str) -> ColoredString {
    match verdict {
        Verdict::Confirmed => text.green(),
        Verdict::Refuted => text.red(),
        Verdict::Depends => text.yellow(),
        Verdict::NotTried => text.dimmed(),
    }
}

const _: () = assert!(2 + ID + VERDICT + EVIDENCE <= WIDTH);
