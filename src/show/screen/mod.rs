//! Standard output in one of the formats: what servers and clients do.
//!
//! Each method says one thing and leaves the words to the format. Where a
//! format has nothing to say to it, the arm is empty and says why. Here stands
//! what is shown while something runs; what it came to is in `results`.

mod results;

use std::io::{self, BufWriter, Stdout, Write};
use std::time::Duration;

use crate::show::Format;

use crate::show::OutputError;

use crate::show::Trace;

use crate::commands::write_events::bench::Line;
use crate::commands::write_events::text as write;
use crate::lab::report::Run;
use crate::lab::report::scene::{Asleep, Blocked, Step};
use crate::sys::journal::Shared;
use crate::trace::{Call, Name, Record};

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

type Shown = Result<(), OutputError>;

impl Screen {
    /// Takes standard output over: what is written there past it may come out
    /// of order.
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

    /// A line of the trace of `write-events`.
    pub fn write_line(&mut self, line: &Line<'_>) -> Shown {
        match &mut self.format {
            Format::Text(text) => write::line(line, text.look(), &mut self.out)?,
            Format::Json(json) => {
                crate::commands::write_events::json::line(line, json, &mut self.out)?
            }
        }
        match line {
            Line::SetUp(_) | Line::Act(_) => self.flush(),
            Line::Call(..) | Line::Folded(_) => Ok(()),
        }
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
