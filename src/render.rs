//! From data to the screen: one format a file, each from data and a writer.

pub mod claims;
pub mod compare;
mod grid;
pub mod json;
pub mod matrix;
pub mod predict;
pub mod progress;
pub mod scaling;
pub mod svg;
pub mod table;
pub mod text;
pub mod write;

use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};
use std::time::Duration;

use crate::compare::Served;
use crate::matrix::{Combination, Matrix};
use crate::predict::Compared;
use crate::report::{Report, Run};
use crate::scene::{Asleep, Blocked, Step};
use crate::shared::Shared;
use crate::trace::{Call, Name, Record, io_error_text};
use crate::write_events::bench::Line;
use crate::write_events::{Side, WriteEvents};

/// Whether every call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    Calls,
    Summary,
}

/// Whether what varies from run to run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    Shown,
    Hidden,
}

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Unicode,
    Ascii,
}

/// How things are shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub trace: Trace,
    pub timing: Timing,
    pub charset: Charset,
}

/// One of the formats.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them")]
pub enum Format {
    Text(text::Text),
    Json(json::Json),
}

/// Standard output, in one of the formats.
#[derive(Debug)]
pub struct Screen {
    out: Out,
    format: Format,
    /// The summary of the run is out: there is no second one.
    summarized: bool,
}

/// Standard output, or what is held back from it.
#[derive(Debug)]
struct Out {
    stdout: BufWriter<Stdout>,
    held: Option<Vec<u8>>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.held {
            Some(held) => held.write(bytes),
            None => self.stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// A line on standard error. If that is closed or full, nobody is left to be
/// told so.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output cannot be written to.
#[derive(Debug)]
pub struct OutputError(pub io::Error);

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write to standard output: {}", io_error_text(&self.0))
    }
}

impl std::error::Error for OutputError {}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> OutputError {
        OutputError(error)
    }
}

type Shown = Result<(), OutputError>;

impl Screen {
    pub fn new(format: Format) -> Screen {
        // Large, because a trace may be long; what is in it never waits
        // longer than the lab does.
        let stdout = BufWriter::with_capacity(1 << 16, io::stdout());
        Screen {
            out: Out { stdout, held: None },
            format,
            summarized: false,
        }
    }

    /// Whether every call is shown.
    pub fn trace(&self) -> Trace {
        match &self.format {
            Format::Text(text) => text.look().trace,
            Format::Json(json) => json.look().trace,
        }
    }

    /// What is about to be run.
    pub fn run(&mut self, run: &Run) -> Shown {
        self.summarized = false;
        match &mut self.format {
            Format::Text(text) => text.run(run, &mut self.out)?,
            Format::Json(json) => json.run(run, &mut self.out)?,
        }
        self.flush()
    }

    /// A call that has returned.
    fn record(&mut self, record: &Record) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.record(record, &mut self.out)?,
            Format::Json(json) => json.record(record, &mut self.out)?,
        }
        Ok(())
    }

    /// Shows the calls that have returned since the last time; how many.
    ///
    /// With the screen locked, so that nobody ends the trace between taking
    /// records and showing them. `room` is empty before and after.
    pub fn take_records(
        &mut self,
        shared: &Shared,
        room: &mut Vec<Record>,
    ) -> Result<usize, OutputError> {
        shared.take(room);
        for record in room.iter() {
            self.record(record)?;
        }
        let taken = room.len();
        room.clear();
        if taken > 0 {
            self.flush()?;
        }
        Ok(taken)
    }

    /// A call in which the server sleeps for one client.
    pub fn does_not_return(&mut self, call: &Call) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.does_not_return(call, &mut self.out)?,
            Format::Json(_) => {} // `blocked` says it
        }
        Ok(())
    }

    /// A step of a client.
    pub fn step(&mut self, step: &Step) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.step(step, &mut self.out)?,
            Format::Json(json) => json.step(step, &mut self.out)?,
        }
        Ok(())
    }

    /// The listener is shut down, `at_ns` after the start, while the server
    /// sleeps in `asleep`.
    pub fn shut_down(&mut self, asleep: &Asleep, at_ns: u64) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.shut_down(asleep, at_ns, &mut self.out)?,
            Format::Json(_) => {} // not a client's doing
        }
        Ok(())
    }

    /// Bytes unread although the server sleeps where a report would wake it.
    pub fn stranded(&mut self, stranded: &[(Name, u64)], asleep: &Asleep) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.stranded(stranded, asleep, &mut self.out)?,
            Format::Json(_) => {} // the summary says it
        }
        Ok(())
    }

    /// What /proc says of a server that sleeps for one client, at once: what
    /// follows may take its time.
    pub fn evidence(&mut self, blocked: &Blocked) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.evidence(blocked, &mut self.out)?,
            Format::Json(_) => {} // `blocked` has it
        }
        self.flush()
    }

    /// The server asleep for one client while others wait; `stall`: how long
    /// that was to be watched.
    pub fn blocked(&mut self, blocked: &Blocked, stall: Duration) -> Shown {
        match &mut self.format {
            Format::Text(text) => text.blocked(blocked, stall, &mut self.out)?,
            Format::Json(json) => json.blocked(blocked, &mut self.out)?,
        }
        Ok(())
    }

    /// What is about to happen, before somebody is asked what will come of it.
    pub fn setup(&mut self, sentence: &str) -> Shown {
        match &mut self.format {
            Format::Text(_) => {
                writeln!(self.out, "{}\n", text::layout::wrap(sentence, 0))?;
                self.flush()
            }
            Format::Json(_) => Ok(()), // the questions are for people
        }
    }

    /// Keeps what is shown from now on, until [`Screen::release`].
    pub fn hold_back(&mut self) {
        self.out.held = Some(Vec::new());
    }

    /// Shows what was held back, if anything was.
    pub fn release(&mut self) -> Shown {
        if let Some(held) = self.out.held.take() {
            self.out.write_all(&held)?;
        }
        self.flush()
    }

    /// What the run came to, all of it: nothing is held back any more.
    pub fn summary(&mut self, report: &Report) -> Shown {
        if self.summarized {
            return Ok(());
        }
        self.release()?;
        self.predicted(report, &[])
    }

    /// What the run came to, beside what was predicted of it. Without the
    /// trace the counts are left out: the predictions are about some of them.
    pub fn predicted(&mut self, report: &Report, compared: &[Compared]) -> Shown {
        if std::mem::replace(&mut self.summarized, true) {
            return Ok(());
        }
        match &mut self.format {
            Format::Text(text) => {
                let (look, out) = (text.look(), &mut self.out);
                text.finish(out)?;
                let counts = look.trace == Trace::Calls || compared.is_empty();
                if counts {
                    table::counts(report, look, out)?;
                }
                let held = out.held.take();
                if counts && held.is_none() {
                    writeln!(out)?;
                }
                if !compared.is_empty() {
                    predict::text("while all stay connected", compared, out)?;
                    writeln!(out, "\nand when all have hung up:")?;
                }
                table::verdict(report, out)?;
                out.held = held;
                if out.held.is_none() {
                    table::next(report, look, compared, out)?;
                }
            }
            Format::Json(json) => {
                json.summary(report, &mut self.out)?;
                predict::json(compared, json.run_number(), &mut self.out)?;
            }
        }
        self.flush()
    }

    /// Shows the trace that is held back, if it is `wanted`, and where to go
    /// on.
    pub fn after_predicted(
        &mut self,
        report: &Report,
        compared: &[Compared],
        wanted: bool,
    ) -> Shown {
        match wanted {
            true => {
                writeln!(self.out.stdout)?;
                self.release()?;
            }
            false => self.out.held = None,
        }
        if let Format::Text(text) = &mut self.format {
            table::next(report, text.look(), compared, &mut self.out)?;
        }
        self.flush()
    }

    /// What one run of several came to: the text has one table for all.
    pub fn one_of_several(&mut self, report: &Report) -> Shown {
        self.summarized = true;
        match &mut self.format {
            Format::Text(text) => text.end_of_one(&mut self.out)?,
            Format::Json(json) => json.summary(report, &mut self.out)?,
        }
        self.flush()
    }

    /// Several runs beside each other, and the flags to go on with; in JSON
    /// each has its own summary.
    pub fn comparison(&mut self, served: &[Served], next: Option<&str>) -> Shown {
        match &mut self.format {
            Format::Text(_) => compare::comparison(served, next, &mut self.out)?,
            Format::Json(_) => {}
        }
        self.flush()
    }

    /// One row of the matrix; the text has them all in one table.
    pub fn combination(&mut self, row: &Combination) -> Shown {
        match &mut self.format {
            Format::Text(_) => {}
            Format::Json(json) => matrix::json_line(row, json.run_number(), &mut self.out)?,
        }
        self.flush()
    }

    /// The whole matrix, beside what was predicted; in JSON each row is out
    /// already.
    pub fn matrix(&mut self, rows: &Matrix, compared: &[Compared]) -> Shown {
        match &mut self.format {
            Format::Text(_) => matrix::text(rows, compared, &mut self.out)?,
            Format::Json(json) => predict::json(compared, json.run_number(), &mut self.out)?,
        }
        self.flush()
    }

    /// A line of the trace of `write-events`.
    pub fn write_line(&mut self, line: &Line<'_>) -> Shown {
        match &mut self.format {
            Format::Text(text) => write::line(line, text.look(), &mut self.out)?,
            Format::Json(json) => write::json::line(line, json, &mut self.out)?,
        }
        match line {
            Line::SetUp(_) | Line::Act(_) => self.flush(),
            Line::Call(..) | Line::Folded(_) => Ok(()),
        }
    }

    /// What came of one trigger; the text has one table for both.
    pub fn side(&mut self, side: &Side) -> Shown {
        match &mut self.format {
            Format::Text(text) => write::end_of_side(text.look(), &mut self.out)?,
            Format::Json(json) => write::json::side(side, json, &mut self.out)?,
        }
        self.flush()
    }

    /// Both triggers beside each other, and what was predicted; in JSON the acts
    /// are out already.
    pub fn write_events(&mut self, all: &WriteEvents, compared: &[Compared]) -> Shown {
        match &mut self.format {
            Format::Text(_) => write::table(all, compared, &mut self.out)?,
            Format::Json(json) => predict::json(compared, json.run_number(), &mut self.out)?,
        }
        self.flush()
    }

    /// Shows what was held back because a following line might join it.
    pub fn finish(&mut self) -> Shown {
        if let Format::Text(text) = &mut self.format {
            text.finish(&mut self.out)?;
        }
        self.flush()
    }

    /// Everything shown so far goes out.
    pub fn flush(&mut self) -> Shown {
        Ok(self.out.flush()?)
    }
}
