//! The claims as text: one line each, or one of them on a screen of its own.

use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};

use crate::claims;
use crate::claims::finding::{EVIDENCE, Figure, Finding, Verdict};
use crate::claims::trial::Entry;
use crate::claims::{Claim, FAMILIES, Family, Tried};
use crate::show::text::Text;
use crate::show::text::layout::{WIDTH, wrap};
use crate::show::{Look, Timing, Trace};
use crate::trace::Record;
use crate::trace::words::{call_text, push_event};

/// Columns of an id, and of a verdict beside it.
const ID: usize = 19;
const VERDICT: usize = 10;

/// How many of each verdict.
#[derive(Debug, Default)]
pub struct Totals([usize; Verdict::ALL.len()]);

impl Totals {
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
pub fn row(tried: &Tried, look: Look, out: &mut impl Write) -> io::Result<()> {
    let verdict = tried.finding.verdict;
    let evidence = shortened(evidence(&tried.finding, look), EVIDENCE);
    let padded = format!("{:<VERDICT$}", verdict.name());
    writeln!(
        out,
        "  {:<ID$}{}{evidence}",
        tried.claim.id,
        coloured(verdict, &padded)
    )
}

/// A claim that has been tried, in two lines: what it says, and its row.
pub fn claim_and_row(tried: &Tried, look: Look, out: &mut impl Write) -> io::Result<()> {
    let verdict = tried.finding.verdict;
    let evidence = shortened(evidence(&tried.finding, look), EVIDENCE);
    let Claim { id, claim, .. } = tried.claim;
    writeln!(out, "  {}{claim}", format!("{id:<ID$}").cyan())?;
    let padded = format!("{:<VERDICT$}", verdict.name());
    writeln!(out, "  {:ID$}{}{evidence}", "", coloured(verdict, &padded))
}

/// Below the table; the hint names `one` of the claims, if some were asked for.
pub fn totals(
    totals: &Totals,
    took: Duration,
    one: Option<&&Claim>,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let all: usize = totals.0.iter().sum();
    let counts = Verdict::ALL.map(|verdict| {
        let text = format!("{} {}", totals.0[verdict as usize], verdict.name());
        coloured(verdict, &text).to_string()
    });
    writeln!(out, "\n{} claims: {}", all, counts.join(", "))?;
    if look.timing == Timing::Shown {
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

/// One claim: what the textbook says, the calls, the verdict and why.
pub fn in_detail(tried: &Tried, look: Look, out: &mut impl Write) -> io::Result<()> {
    question(tried.claim, out)?;
    answer(tried, look, out)
}

/// What the textbook says, and what the kernel is asked.
pub fn question(claim: &Claim, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("claims | {}", claim.id).bold())?;
    let said = format!("The textbook: {}", claim.claim);
    writeln!(out, "{}", wrap(&said, 14))?;
    let asked = format!("The question: {}", claim.asked);
    writeln!(out, "{}\n", wrap(&asked, 14))
}

/// The calls, the verdict and why.
pub fn answer(tried: &Tried, look: Look, out: &mut impl Write) -> io::Result<()> {
    let finding = &tried.finding;
    story(&tried.story, look, out)?;

    let verdict = finding.verdict;
    let sentence = format!("=> {}: {}", verdict.name().to_uppercase(), finding.evidence);
    writeln!(out, "\n{}", coloured(verdict, &wrap(&sentence, 3)).bold())?;
    if let (Timing::Shown, Some(varying)) = (look.timing, &finding.varying) {
        writeln!(out, "{}", indented(3, varying))?;
    }
    writeln!(out, "{}", indented(3, finding.why))?;
    if look.timing == Timing::Shown {
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

/// Where to go on after one claim, with `flag`.
pub fn next(claim: &Claim, flag: &str, out: &mut impl Write) -> io::Result<()> {
    let mut after = claims::all().skip_while(|other| other.id != claim.id);
    match after.nth(1) {
        Some(next) => writeln!(out, "\nnext: epoll-lab claims {}{flag}", next.id),
        None => writeln!(out, "\nall of them: epoll-lab claims"),
    }
}

/// What happened, in the words of the servers' traces.
fn story(story: &[Entry], look: Look, out: &mut impl Write) -> io::Result<()> {
    let trace = Trace::Calls;
    let mut text = Text::new(Look { trace, ..look });
    let mut entries = story.iter().peekable();
    while let Some(entry) = entries.next() {
        match entry {
            Entry::Step(step) => text.step(step, out)?,
            Entry::Unseen(name, reports) => text.unseen(*name, *reports),
            Entry::Note(note) => {
                text.finish(out)?;
                writeln!(out, "{}", indented(4, note).dimmed())?;
            }
            Entry::Call(record) => {
                text.record(record, out)?;
                // Hundreds of the same answer are one line.
                let mut more = 0;
                while entries.next_if(|next| is_same(record, next)).is_some() {
                    more += 1;
                }
                match more {
                    0 => {}
                    1 => text.record(record, out)?,
                    _ => {
                        text.finish(out)?;
                        let note = format!("    ... and {more} times more the same");
                        writeln!(out, "{}", note.dimmed())?;
                    }
                }
            }
        }
    }
    text.finish(out)
}

fn is_same(record: &Record, next: &Entry) -> bool {
    let events = |record: &Record| {
        let mut text = String::new();
        record
            .events
            .iter()
            .for_each(|event| push_event(&mut text, event));
        text
    };
    match next {
        Entry::Call(next) => {
            call_text(record) == call_text(next)
                && record.unread == next.unread
                && events(record) == events(next)
        }
        Entry::Step(_) | Entry::Note(_) | Entry::Unseen(..) => false,
    }
}

/// A sentence, all of it so many columns from the margin.
fn indented(columns: usize, sentence: &str) -> String {
    // What `wrap` would take for blanks between words.
    let margin = "\0".repeat(columns);
    wrap(&format!("{margin}{sentence}"), columns).replace('\0', " ")
}

/// The evidence; what varies takes its place where it may be shown.
fn evidence(finding: &Finding, look: Look) -> &str {
    match (look.timing, &finding.varying) {
        (Timing::Shown, Some(varying)) => varying,
        _ => &finding.evidence,
    }
}

/// The reason of something that could not be tried may be long.
fn shortened(text: &str, columns: usize) -> String {
    match text.chars().count() <= columns {
        true => text.into(),
        false => text
            .chars()
            .take(columns - 3)
            .chain("...".chars())
            .collect(),
    }
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
