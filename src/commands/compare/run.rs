//! `select-poll-compare`: the same server on three APIs, and then what one
//! wait costs as the set of fds grows.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, FromArgMatches};

use crate::commands::command::{Command, Misuse};
use crate::commands::compare::args::{CompareArgs, Part};
use crate::commands::compare::cost;
use crate::commands::compare::servers;
use crate::show::Charset;

/// Three APIs.
pub const COMMAND: Command = Command {
    name: "select-poll-compare",
    flags: CompareArgs::augment_args,
    run: |given| {
        // A flag of the whole program; the chart alone has other characters.
        let charset = match given.get_flag("ascii") {
            true => Charset::Ascii,
            false => Charset::Unicode,
        };
        execute(&CompareArgs::from_arg_matches(given)?, charset)
    },
};

/// Both parts, or the one that was asked for.
fn execute(args: &CompareArgs, charset: Charset) -> Result<ExitCode> {
    let plan = args.scaling.plan();
    let plan = plan.map_err(|error| Misuse(format!("{error} (see --help)")))?;
    if args.only == Some(Part::Cost) && args.page.html.is_some() {
        let mistake =
            "--html with --only cost: a page is of the servers' run (--svg draws the cost)";
        bail!(Misuse(mistake.into()));
    }
    // Opened before anything is run, so that a path that cannot be written is
    // told at once; emptied only when there is something to write.
    let picture = match args.only {
        Some(Part::Servers) => None, // nothing is measured, so nothing drawn
        _ => args.scaling.svg.as_deref().map(cost::open).transpose()?,
    };
    let mut status = ExitCode::SUCCESS;
    if args.only != Some(Part::Cost) {
        status = servers::execute(args)?;
    }
    if args.only != Some(Part::Servers) {
        return cost::execute(args, &plan, charset, picture);
    }
    Ok(status)
}
