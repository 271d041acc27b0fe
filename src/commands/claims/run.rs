//! The command `claims`: tries what was asked for and shows what came of it.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, FromArgMatches};

use crate::claims::{Claim, FAMILIES, Tried, all, find, try_out};
use crate::commands::args::Format;
use crate::commands::claims::args::ClaimsArgs;
use crate::commands::claims::json;
use crate::commands::claims::one::{OneClaim, screen};
use crate::commands::claims::text::{self, Tally};
use crate::commands::command::{Command, Misuse};
use crate::commands::conduct::conduct;
use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;

/// The textbook against the kernel.
pub const COMMAND: Command = Command {
    name: "claims",
    flags: ClaimsArgs::augment_args,
    run: |given| execute(&ClaimsArgs::from_arg_matches(given)?),
};

/// Whatever the kernel answers, that is an answer: the exit status is 0.
fn execute(args: &ClaimsArgs) -> Result<ExitCode> {
    let one = args.ids.len() == 1 && !args.evidence && !args.list;
    if args.page.html.is_some() && !one {
        let mistake = "--html is a page of one claim: epoll-lab claims ID --html FILE";
        bail!(Misuse(mistake.into()));
    }
    let view = args.screen.view();
    let screen = screen(args.screen.format, view, &args.page)?;
    if args.list {
        screen.text(text::list)?;
        json::list(&screen)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let ([claim], false) = (&args.ids[..], args.evidence) {
        return conduct(&OneClaim(claim), &args.predict, &screen);
    }
    if args.predict.is_given() {
        // An id right behind the flag has been taken for an answer.
        let answer = args.predict.predict.iter().flatten().next();
        let id = answer.and_then(|answer| find(answer));
        let id = id.map_or("ID", |claim| claim.id);
        bail!(Misuse(format!(
            "--predict is for one claim, and stands behind it: epoll-lab claims {id} --predict"
        )));
    }
    match screen.format {
        Format::Text => as_text(args, &screen)?,
        Format::Json => as_json(args, &screen)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Each line as soon as it is known: the whole takes some seconds.
fn as_text(args: &ClaimsArgs, screen: &Screen) -> Result<(), OutputError> {
    let mut tally = Tally::default();
    let began = Instant::now();
    screen.text(text::header)?;
    if args.ids.is_empty() {
        for family in &FAMILIES {
            screen.text(|out| text::family(family, out))?;
            for (index, claim) in family.claims.iter().enumerate() {
                if args.evidence && index > 0 {
                    screen.text(|out| writeln!(out))?;
                }
                tally.add(&show(claim, args.evidence, screen)?);
            }
        }
    } else {
        for claim in &args.ids {
            screen.text(|out| writeln!(out))?;
            tally.add(&show(claim, true, screen)?);
        }
    }
    let (took, one) = (began.elapsed(), args.ids.first());
    screen.text(|out| text::tally(&tally, took, one, screen.view, out))
}

/// Tries a claim and shows its row, or with the trace all.
fn show(claim: &'static Claim, evidence: bool, screen: &Screen) -> Result<Tried, OutputError> {
    if screen.view.calls {
        screen.text(|out| text::question(claim, out))?;
        let tried = try_out(claim, &mut *screen.audience.lock())?;
        screen.text(|out| text::answer(&tried, screen.view, out))?;
        return Ok(tried);
    }
    let tried = try_out(claim, &mut ())?;
    screen.text(|out| {
        text::row(&tried, out)?;
        if evidence {
            text::evidence(&tried, screen.view, out)?;
        }
        Ok(())
    })?;
    Ok(tried)
}

fn as_json(args: &ClaimsArgs, screen: &Screen) -> Result<(), OutputError> {
    let claims: Vec<&'static Claim> = if args.ids.is_empty() {
        all().collect()
    } else {
        args.ids.clone()
    };
    for (run, claim) in (1..).zip(claims) {
        let tried = try_out(claim, &mut *screen.audience.lock())?;
        json::tried(&tried, run, screen)?;
    }
    Ok(())
}
