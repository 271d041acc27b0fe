//! The command `claims`: tries what was asked for and shows what came of it.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::claims::Claim;

use crate::claims::FAMILIES;

use crate::claims::Tried;

use crate::claims::try_out;
use crate::commands::claims::args::ClaimsArgs;
use crate::commands::claims::text;
use crate::commands::claims::text::Totals;
use crate::commands::predict;
use crate::commands::predict::Asked;
use crate::commands::predict::text::{json as predict_json, text as predict_text};
use crate::commands::servers::args::FormatArg;
use crate::commands::servers::run::look;
use crate::show::json::Json;
use crate::show::{Charset, Look, OutputError, Trace, tell};

/// Whatever the kernel answers, that is an answer: the exit status is 0.
pub fn execute(args: &ClaimsArgs, charset: Charset) -> Result<ExitCode> {
    let look = look(&args.screen, charset);
    if args.predict.is_given() {
        return predicted(args, look);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match (args.list, args.screen.format) {
        (true, FormatArg::Text) => text::list(&mut out),
        (true, FormatArg::Json) => Json::new(look).list(&mut out),
        (false, FormatArg::Text) => as_text(args, look, &mut out),
        (false, FormatArg::Json) => as_json(args, look, &mut out),
    }
    .and_then(|()| out.flush())
    .map_err(OutputError)?;
    Ok(ExitCode::SUCCESS)
}

fn as_text(args: &ClaimsArgs, look: Look, out: &mut impl Write) -> io::Result<()> {
    if let [claim] = args.ids[..] {
        text::in_detail(&try_out(claim), look, out)?;
        return text::next(claim, "", out);
    }
    let mut totals = Totals::default();
    let began = Instant::now();
    text::header(out)?;
    for claim in &args.ids {
        writeln!(out)?;
        totals.add(&show(claim, text::claim_and_row, look, out)?);
    }
    let families = if args.ids.is_empty() {
        &FAMILIES[..]
    } else {
        &[]
    };
    for family in families {
        text::family(family, out)?;
        for claim in family.claims {
            totals.add(&show(claim, text::row, look, out)?);
        }
    }
    text::totals(&totals, began.elapsed(), args.ids.first(), look, out)
}

/// One claim, and first what is thought of it.
fn predicted(args: &ClaimsArgs, look: Look) -> Result<ExitCode> {
    let [claim] = args.ids[..] else {
        // An id right behind the flag has been taken for an answer.
        let answer = args.predict.predict.iter().flatten().next();
        let id = answer.and_then(|answer| crate::claims::find(answer));
        let id = id.map_or("ID", |claim| claim.id);
        tell(&format!(
            "epoll-lab: --predict is for one claim, and stands behind it: epoll-lab claims {id} \
             --predict"
        ));
        return Ok(ExitCode::from(2));
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let show = |shown: io::Result<()>| shown.map_err(OutputError);
    let announce = || match args.screen.format {
        FormatArg::Text => Ok(show(
            text::question(claim, &mut out).and_then(|()| out.flush()),
        )?),
        FormatArg::Json if args.predict.asks() => {
            tell(&format!("{}: {}", claim.id, claim.claim));
            Ok(())
        }
        FormatArg::Json => Ok(()),
    };
    let questions = super::questions::questions(claim);
    let predictions = match predict::collect(&args.predict, questions, announce)? {
        Asked::Answered(predictions) => predictions,
        Asked::End(status) => return Ok(status),
    };
    let tried = try_out(claim);
    let compared = predictions.compare(&tried);
    show(match args.screen.format {
        FormatArg::Text => text::answer(&tried, look, &mut out)
            .and_then(|()| writeln!(out))
            .and_then(|()| predict_text("", &compared, &mut out))
            .and_then(|()| text::next(claim, " --predict", &mut out)),
        FormatArg::Json => {
            let mut json = Json::new(look);
            json.tried(&tried, &mut out)
                .and_then(|()| predict_json(&compared, &mut out))
        }
    })?;
    show(out.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// Tries a claim, one of several, and shows its `row`, or with the trace all.
fn show<W: Write>(
    claim: &'static Claim,
    row: fn(&Tried, Look, &mut W) -> io::Result<()>,
    look: Look,
    out: &mut W,
) -> io::Result<Tried> {
    let tried = try_out(claim);
    match look.trace {
        Trace::Calls => text::in_detail(&tried, look, out)?,
        Trace::Summary => row(&tried, look, out)?,
    }
    // Each line as soon as it is known: the whole takes some seconds.
    out.flush()?;
    Ok(tried)
}

fn as_json(args: &ClaimsArgs, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut json = Json::new(look);
    let claims: Vec<&'static Claim> = match args.ids.is_empty() {
        true => crate::claims::all().collect(),
        false => args.ids.clone(),
    };
    for claim in claims {
        json.tried(&try_out(claim), out)?;
        out.flush()?;
    }
    Ok(())
}
