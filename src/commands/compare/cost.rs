//! Part 2: what one wait costs as the set of fds grows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::commands::args::Format;
use crate::commands::compare::args::{CompareArgs, Part};
use crate::commands::compare::{cost_text, json, svg};
use crate::commands::next;
use crate::cost::{Measurement, Plan, measure};
use crate::lab::audience::OutputError;
use crate::show::{Charset, progress};
use crate::trace::io_error_text;

/// Measures and shows it. No other thread is left: each would make every fd
/// of select and poll dearer.
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
    if let Some(mut file) = picture {
        let path = args.scaling.svg.as_deref().unwrap_or(Path::new(""));
        let written = write_picture(&measured, &mut file);
        written.with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Opens the file that the picture goes to, and leaves it as it is.
pub fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    file.map_err(|e| anyhow!("open {}: {}", path.display(), io_error_text(&e)))
}

fn write_picture(measured: &Measurement, file: &mut File) -> Result<()> {
    // A pipe or a device has no length to cut.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    svg::write(measured, file)
}
