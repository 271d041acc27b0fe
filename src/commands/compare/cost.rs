//! Part 2: what one wait costs as the set of fds grows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::commands::args::Format;
use crate::commands::compare::args::{CompareArgs, Part};
use crate::commands::compare::{cost_text, json, svg};
use crate::commands::next;
use crate::cost::{Measurement, Plan, measure};
use crate::lab::audience::OutputError;
use crate::lab::interrupt::status_after;
use crate::show::{Charset, progress, tell};
use crate::trace::OfCall;

/// Measures and shows it; after Ctrl-C what has been measured by then. No other thread is left: each would make every fd
/// of select and poll cost more.
pub fn execute(
    args: &CompareArgs,
    plan: &Plan,
    charset: Charset,
    picture: Option<File>,
) -> Result<ExitCode> {
    let stopped = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM] {
        flag::register_usize(signal, Arc::clone(&stopped), signal as usize).of_call("sigaction")?;
    }
    let bar = progress::bar(1, plan.expected_time());
    let measured = measure(plan, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        match stopped.load(Ordering::Relaxed) {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    bar.finish_and_clear();
    let status = status_after(stopped.load(Ordering::Relaxed) as i32);
    let measured = match measured {
        Err(_) if status != 0 => {
            tell("epoll-lab: stopped before anything was measured");
            return Ok(ExitCode::from(status));
        }
        measured => measured?,
    };
    let (rounds, all) = (measured.plan.repetitions, plan.repetitions);
    if rounds < all {
        tell(&format!(
            "epoll-lab: stopped after {rounds} of {all} rounds"
        ));
    }

    let mut out = BufWriter::new(io::stdout().lock());
    let shown = match args.screen.format {
        Format::Text => cost_text::text(&measured, charset, &mut out)
            .and_then(|()| writeln!(out, "\nnext: {}", next::AFTER_COST)),
        Format::Json => {
            // The servers before it are runs 1 to 3.
            let run = if args.only == Some(Part::Cost) { 1 } else { 4 };
            json::json_lines(&measured, run, &mut out)
        }
    };
    shown.and_then(|()| out.flush()).map_err(OutputError)?;
    if let (Some(mut file), Some(path)) = (picture, args.scaling.svg.as_deref()) {
        write_picture(&measured, &mut file, path)?;
    }
    Ok(ExitCode::from(status))
}

/// Opens the file that the picture goes to, and leaves it as it is.
pub fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    Ok(file.of_call(format!("open({})", path.display()))?)
}

fn write_picture(measured: &Measurement, file: &mut File, path: &Path) -> Result<()> {
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
