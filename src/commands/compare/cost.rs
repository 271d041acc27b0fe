//! Part 2: what one wait costs as the set of fds grows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Result;

use crate::commands::args::Format;
use crate::commands::compare::args::{CompareArgs, Part};
use crate::commands::compare::{cost_text, json, svg};
use crate::commands::next;
use crate::cost::{Measurement, Plan, measure};
use crate::lab::audience::OutputError;
use crate::show::{Charset, progress};
use crate::trace::OfCall;

/// Measures and shows it. No other thread is left: each would make every fd
/// of select and poll cost more.
pub fn execute(
    args: &CompareArgs,
    plan: &Plan,
    charset: Charset,
    picture: Option<File>,
) -> Result<()> {
    let bar = progress::bar(1, plan.expected_time());
    let measured = measure(plan, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let measured = measured?;

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
    match (picture, args.scaling.svg.as_deref()) {
        (Some(mut file), Some(path)) => write_picture(&measured, &mut file, path),
        _ => Ok(()),
    }
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
