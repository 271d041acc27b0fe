//! `select-poll-compare`: the same server on three APIs, and then what one
//! wait costs as the set of fds grows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::commands::compare::cost_text::Glyphs;
use crate::commands::compare::{cost_text as chart, svg, text as table};
use crate::commands::servers::args::PartArg;
use crate::commands::servers::args::{CompareArgs, FormatArg};
use crate::commands::servers::run::look;
use crate::cost as scaling;
use crate::cost::Plan;
use crate::lab::report::{Api, Report, Run, Subcommand, Trigger};
use crate::lab::script::{Pace, Script};
use crate::lab::stage::Stage;
use crate::server::mode;
use crate::show::{Charset, OutputError, Trace, progress, tell};
use crate::trace::OfCall;

/// One server of the three, when it has ended.
#[derive(Debug)]
pub struct Served {
    pub report: Report,
    /// What came back to each client, A first.
    pub answers: Vec<Vec<u8>>,
}

/// Both parts, or the one that was asked for.
pub fn execute(args: &CompareArgs, charset: Charset) -> Result<ExitCode> {
    let plan = match args.scaling.plan() {
        Ok(plan) => plan,
        Err(error) => {
            tell(&format!("epoll-lab: {error} (see --help)"));
            return Ok(ExitCode::from(2));
        }
    };
    // Opened before anything is run, so that a path that cannot be written is
    // told at once; emptied only when there is something to write.
    let picture = match args.only {
        Some(PartArg::Servers) => None, // nothing is measured, so nothing drawn
        _ => args.scaling.svg.as_deref().map(open_picture).transpose()?,
    };
    let mut status = ExitCode::SUCCESS;
    if args.only != Some(PartArg::Cost) {
        let served = servers(args, charset)?;
        if !table::same_answers(&served) {
            status = ExitCode::FAILURE;
        }
    }
    if args.only != Some(PartArg::Servers) {
        cost(args, &plan, charset, picture)?;
    }
    Ok(status)
}

/// Part 1: the three servers, one after the other, against the same script.
fn servers(args: &CompareArgs, charset: Charset) -> Result<Vec<Served>> {
    let mut look = look(&args.screen, charset);
    if args.step && args.screen.format == FormatArg::Text {
        look.trace = Trace::Calls; // what the steps are steps of
    }
    let stage = Stage::new(args.screen.format, look)?;
    let mut served = Vec::new();
    for api in [Api::Select, Api::Poll, Api::Epoll] {
        let run = Run {
            command: Subcommand::SelectPollCompare,
            api,
            trigger: Some(Trigger::Level),
            socket: mode::LT.socket,
            read: mode::LT.read,
            buffer: args.buffer as usize,
            clients: args.clients.into(),
            flags: String::new(),
        };
        let (report, answers) = stage.play(run, mode::LT, script(args))?;
        stage.screen().one_of_several(&report)?;
        served.push(Served { report, answers });
    }
    let next = match (args.only, look.trace) {
        (Some(PartArg::Servers), Trace::Summary) => Some("--only servers --trace"),
        (Some(PartArg::Servers), Trace::Calls) => Some("--only cost"),
        _ => None, // the cost follows
    };
    stage.screen().comparison(&served, next)?;
    stage.dismiss()?;
    Ok(served)
}

/// Everybody connects, the last one talks, everybody hangs up. The last one,
/// because a search from the front finds it last.
fn script(args: &CompareArgs) -> Script {
    let mut messages = vec![Vec::new(); args.clients.into()];
    if let Some(last) = messages.last_mut() {
        *last = match args.message.is_empty() {
            true => vec![b"HELLOworld123".to_vec()],
            false => args
                .message
                .iter()
                .map(|message| message.0.clone())
                .collect(),
        };
    }
    Script {
        messages,
        stall: Duration::ZERO,
        pace: if args.step {
            Pace::Enter
        } else {
            Pace::Settled
        },
    }
}

/// Part 2. No other thread is left: each would make every fd of select and
/// poll dearer.
fn cost(args: &CompareArgs, plan: &Plan, charset: Charset, picture: Option<File>) -> Result<()> {
    let bar = progress::bar(1, plan.expected_time());
    let measured = scaling::measure(plan, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let measured = measured?;

    let mut out = BufWriter::new(io::stdout().lock());
    let shown = match args.screen.format {
        FormatArg::Text => {
            let glyphs = match charset {
                Charset::Unicode => Glyphs::Unicode,
                Charset::Ascii => Glyphs::Ascii,
            };
            chart::text(&measured, glyphs, &mut out)
        }
        FormatArg::Json => {
            // The servers before it are runs 1 to 3.
            let run = if args.only == Some(PartArg::Cost) {
                1
            } else {
                4
            };
            super::json::json_lines(&measured, run, &mut out)
        }
    };
    let shown = shown.and_then(|()| match args.screen.format {
        FormatArg::Text => writeln!(out, "\nnext: epoll-lab claims"),
        FormatArg::Json => Ok(()),
    });
    shown.and_then(|()| out.flush()).map_err(OutputError)?;
    match (picture, args.scaling.svg.as_deref()) {
        (Some(mut file), Some(path)) => write_picture(&measured, &mut file, path),
        _ => Ok(()),
    }
}

fn open_picture(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    Ok(file.of_call(format!("open({})", path.display()))?)
}

fn write_picture(measured: &scaling::Measurement, file: &mut File, path: &Path) -> Result<()> {
    let mut picture = Vec::new();
    svg::write(measured, &mut picture)?;
    let path = path.display();
    // A pipe or a device has no length to cut.
    if file.metadata().of_call(format!("fstat({path})"))?.is_file() {
        file.set_len(0).of_call(format!("ftruncate({path})"))?;
    }
    let written = file.write_all(&picture);
    Ok(written.of_call(format!("write({path})"))?)
}
