//! What runs came to, and what somebody had predicted of them.
//!
//! Whoever is asked beforehand may see the trace afterwards: until then it is
//! held back.

use std::io::Write;

use crate::show::screen::Screen;

use crate::commands::compare::run::Served;
use crate::commands::compare::text as compare;
use crate::commands::matrix::run::{Combination, Matrix};
use crate::commands::matrix::text as matrix;
use crate::commands::predict::{Compared, text as predict};
use crate::commands::write_events::run::{Side, WriteEvents};
use crate::commands::write_events::text as write;
use crate::lab::report::Report;
use crate::show::screen::Shown;
use crate::show::text::layout::wrap;
use crate::show::text::table;
use crate::show::{Format, Trace, tell};

impl Screen {
    /// What is about to happen, before somebody is asked what will come of it.
    pub fn setup(&mut self, sentence: &str) -> Shown {
        let sentence = wrap(sentence, 0);
        match &mut self.format {
            Format::Text(_) => writeln!(self.out, "{sentence}\n")?,
            // It belongs to the questions, and those are for people.
            Format::Json(_) => tell(&sentence),
        }
        self.flush()
    }

    /// Keeps what is shown from now on, until [`Screen::release`] shows it or
    /// [`Screen::forget`] does not.
    pub fn hold_back(&mut self) {
        // Apart from what stands above it by then.
        self.out.held = Some(b"\n".to_vec());
    }

    /// Shows what was held back, if anything was.
    pub fn release(&mut self) -> Shown {
        if let Some(held) = self.out.held.take() {
            self.out.write_all(&held)?;
        }
        self.flush()
    }

    /// Nobody wants to see what was held back.
    pub fn forget(&mut self) {
        self.out.held = None;
    }

    /// What the run came to, all of it: nothing is held back any more.
    pub fn summary(&mut self, report: &Report) -> Shown {
        if std::mem::replace(&mut self.summarized, true) {
            return Ok(());
        }
        self.release()?;
        match &mut self.format {
            Format::Text(text) => {
                text.finish(&mut self.out)?;
                text.broken_off(&report.run, &mut self.out)?;
                table::counts(report, text.look(), &mut self.out)?;
                writeln!(self.out)?;
                table::verdict(report, &mut self.out)?;
            }
            Format::Json(json) => json.summary(report, &mut self.out)?,
        }
        self.next(report, &[])
    }

    /// What the run came to, beside what was predicted of it. The counts go
    /// with the trace: the predictions are about some of them.
    pub fn predicted(&mut self, report: &Report, compared: &[Compared]) -> Shown {
        if std::mem::replace(&mut self.summarized, true) {
            return Ok(());
        }
        match &mut self.format {
            Format::Text(text) => {
                let (trace, out) = (text.look().trace, &mut self.out);
                if trace == Trace::Calls {
                    table::counts(report, text.look(), out)?;
                }
                let held = out.held.take();
                if trace == Trace::Calls && held.is_none() {
                    writeln!(out)?;
                }
                predict::text("while all stay connected", compared, out)?;
                writeln!(out)?;
                if trace == Trace::Summary || held.is_some() {
                    table::faults(report, out)?;
                }
                writeln!(out, "and when all have hung up:")?;
                table::verdict(report, out)?;
                out.held = held;
            }
            Format::Json(json) => {
                json.summary(report, &mut self.out)?;
                predict::json(compared, &mut self.out)?;
            }
        }
        self.flush()
    }

    /// Where to go on.
    pub fn next(&mut self, report: &Report, compared: &[Compared]) -> Shown {
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
            Format::Json(_) => predict::json(compared, &mut self.out)?,
        }
        self.flush()
    }

    /// What came of one trigger; the text has one table for both.
    pub fn side(&mut self, side: &Side) -> Shown {
        match &mut self.format {
            Format::Text(text) => write::end_of_side(text.look(), &mut self.out)?,
            Format::Json(json) => {
                crate::commands::write_events::json::side(side, json, &mut self.out)?
            }
        }
        self.flush()
    }

    /// Both triggers beside each other, and what was predicted; in JSON the acts
    /// are out already.
    pub fn write_events(&mut self, all: &WriteEvents, compared: &[Compared]) -> Shown {
        match &mut self.format {
            Format::Text(_) => write::table(all, compared, &mut self.out)?,
            Format::Json(_) => predict::json(compared, &mut self.out)?,
        }
        self.flush()
    }
}
