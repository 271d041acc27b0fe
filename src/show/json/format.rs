//! The listener: which event becomes which record.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::lab::audience::{Audience, Event, Folded, OutputError};
use crate::lab::report::Run;
use crate::lab::report::scene::Step;
use crate::show::json::call::CallLine;
use crate::show::json::line::{Line, line, write_line};
use crate::show::json::lines::{BlockedLine, MomentLine, StepLine};
use crate::show::json::summary::SummaryLine;
use crate::show::view::View;
use crate::trace::Record;

/// The format, and the number of the next record.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
    view: View,
    seq: u64,
    run: u32,
    costs: bool,
    /// How many calls were folded varies from run to run; so does what came of
    /// them.
    varies: bool,
    /// By man page name: the system call that the kernel was seen in. Which
    /// one a C library makes of `select` differs from one to the other.
    syscalls: BTreeMap<&'static str, &'static str>,
}

impl<W: Write + Send> Audience for Json<W> {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        match *event {
            Event::Run(run) => self.run(run)?,
            Event::Trial(_) => {
                self.run += 1;
                self.varies = false;
            }
            Event::Summary(summary) => {
                let data = SummaryLine::new(summary);
                line("summary", Some(self.run), &data, &mut self.out)?;
            }
            // Without the trace a run has no more than that.
            _ if !self.view.calls => {}
            Event::SetUp(records) => {
                records.iter().try_for_each(|record| self.call(record))?;
            }
            Event::Call(record) => self.call(record)?,
            Event::Folded(folded) => self.folded(folded)?,
            Event::Step(step) => self.step(step)?,
            Event::DoesNotReturn(call) => {
                self.of_trace("moment", &MomentLine::does_not_return(call))?;
            }
            Event::Stranded { unread, asleep } if !unread.is_empty() => {
                self.of_trace("moment", &MomentLine::stranded(unread, asleep))?;
            }
            Event::ShutDown { asleep, .. } => {
                self.of_trace("moment", &MomentLine::shut_down(asleep))?;
            }
            Event::Blocked { blocked, .. } => {
                let data = BlockedLine::new(blocked, self.view.times);
                self.of_trace("blocked", &data)?;
            }
            // The order of the records says it, or the summary, or it is for
            // people.
            _ => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(self.out.flush()?)
    }
}

impl<W: Write> Json<W> {
    /// Runs and records are numbered from 1 on.
    pub fn new(view: View, out: W) -> Json<W> {
        Json {
            out,
            view,
            seq: 0,
            run: 0,
            costs: false,
            varies: false,
            syscalls: BTreeMap::new(),
        }
    }

    /// A record of a trace: it has the next number.
    fn of_trace<T: Serialize>(&mut self, r#type: &'static str, data: &T) -> io::Result<()> {
        self.seq += 1;
        let line = Line {
            r#type,
            run: Some(self.run),
            seq: Some(self.seq),
            data,
        };
        write_line(&line, &mut self.out)
    }

    /// `run`, whose number all records bear until the next one.
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.run += 1;
        self.costs = run.caption.costs;
        self.varies = false;
        line("run", Some(self.run), run, &mut self.out)
    }

    /// `call`: one record, at its return.
    fn call(&mut self, record: &Record) -> io::Result<()> {
        let seen = self.syscalls.get(record.call.name()).copied();
        let syscall = record.syscall.or(seen).unwrap_or(record.call.syscall());
        let data = CallLine::new(record, syscall, self.costs, self.view.times);
        self.of_trace("call", &data)
    }

    /// `client`, before what the server makes of it.
    fn step(&mut self, step: &Step) -> io::Result<()> {
        if let Some(asleep) = &step.asleep {
            self.syscalls.insert(asleep.call, asleep.syscall);
        }
        self.of_trace("client", &StepLine::new(step, self.varies))
    }

    /// `folded`: calls of a loop that have no record of their own.
    fn folded(&mut self, folded: &Folded) -> io::Result<()> {
        #[derive(Serialize)]
        struct FoldedLine {
            /// How many; null where it varies.
            calls: Option<u64>,
        }
        let known = folded.what.is_none() || self.view.times;
        self.varies |= !known;
        let calls = known.then(|| folded.count());
        self.of_trace("folded", &FoldedLine { calls })
    }
}
