//! `--format json`: JSON Lines, the contract that the README documents.

mod lines;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::claims;
use crate::claims::Tried;
use crate::claims::finding::Figure;
use crate::claims::trial::Entry;
use crate::lab::report::scene::{Action, Blocked, Step};
use crate::lab::report::{Report, Run, Subcommand, Trigger};
use crate::show::json::lines::*;
use crate::show::{Look, Timing, Trace};
use crate::trace::escape::escape;
use crate::trace::{Record, errno_name};

/// The format, and the number of the next record.
#[derive(Debug)]
pub struct Json {
    look: Look,
    seq: u64,
    /// Which server or experiment of this command a record belongs to, counted
    /// from 1.
    run: u32,
    costs: bool,
    /// By man page name: the system call that the kernel was seen in. Which
    /// one a C library makes of `select` differs from one to the other.
    syscalls: BTreeMap<&'static str, &'static str>,
}

impl Json {
    /// Runs and records are numbered from 1 on.
    pub fn new(look: Look) -> Json {
        Json {
            look,
            seq: 0,
            run: 0,
            costs: false,
            syscalls: BTreeMap::new(),
        }
    }

    /// `run`, whose number all records bear until the next one.
    pub fn run(&mut self, run: &Run, out: &mut impl Write) -> io::Result<()> {
        self.run += 1;
        self.costs = run.command == Subcommand::SelectPollCompare;
        let line = Line::Run(RunLine {
            run: self.run,
            command: run.command.name(),
            api: run.api.name(),
            trigger: run.trigger.map(Trigger::name),
            socket: run.socket.name(),
            read: run.read.name(),
            buffer: run.buffer,
            clients: run.clients,
        });
        write_line(&line, out)
    }

    /// `call`: one record, at its return; only with `--trace`.
    pub fn record(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        let fd = record.call.fd();
        let times = Times {
            start_ns: record.start_ns,
            end_ns: record.end_ns,
        };
        let line = Line::Call(Box::new(CallLine {
            run: self.run,
            seq: self.next_seq(),
            call: record.call.name(),
            syscall: record
                .syscall
                .or_else(|| self.syscalls.get(record.call.name()).copied())
                .unwrap_or_else(|| record.call.syscall()),
            tid: record.thread.map(|(_, tid)| tid),
            fd: fd.map(|fd| fd.raw),
            name: fd.and_then(|fd| name(fd.name)),
            result: record.result.unwrap_or(-1),
            errno: record.result.err().map(errno_name),
            arguments: arguments(record),
            cost: (self.costs && is_wait(&record.call)).then(|| cost_line(&record.cost)),
            times: (self.look.timing == Timing::Shown).then_some(times),
        }));
        write_line(&line, out)
    }

    /// `client`, before what the server makes of it; only with `--trace`.
    pub fn step(&mut self, step: &Step, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        if let Some(asleep) = &step.asleep {
            self.syscalls.insert(asleep.call, asleep.syscall);
        }
        let line = Line::Client(ClientLine {
            run: self.run,
            seq: self.next_seq(),
            client: step.client.to_string(),
            action: match step.action {
                Action::Connect => "connect",
                Action::Send => "send",
                Action::Recv => "recv",
                Action::Shutdown => "shutdown",
                Action::Close => "close",
                Action::Reset => "reset",
            },
            bytes: step.data.len(),
            data: escape(&step.data),
            server_asleep: step.asleep.as_ref().map(asleep_line),
            errno: step.failed.map(errno_name),
        });
        write_line(&line, out)
    }

    /// `blocked`, once the lab has watched long enough; only with `--trace`.
    pub fn blocked(&mut self, blocked: &Blocked, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        let waiting = blocked
            .waiting
            .iter()
            .map(|waiting| waiting.client.to_string());
        let timing = self.look.timing == Timing::Shown;
        let waited_ns = blocked.waited.as_nanos() as u64;
        let line = Line::Blocked(BlockedLine {
            run: self.run,
            seq: self.next_seq(),
            call: blocked.call,
            syscall: blocked.syscall,
            fd: blocked.fd.map(|fd| fd.raw),
            name: blocked.fd.and_then(|fd| name(fd.name)),
            thread_state: blocked.thread_state,
            waiting: waiting.filter(|name| !name.is_empty()).collect(),
            wchan: blocked.wchan.as_deref().filter(|_| timing),
            waited_ns: timing.then_some(waited_ns),
        });
        write_line(&line, out)
    }

    /// `summary`, when all of the run is over.
    pub fn summary(&mut self, report: &Report, out: &mut impl Write) -> io::Result<()> {
        let line = Line::Summary(SummaryLine {
            run: self.run,
            wait: WaitLine {
                returns: report.returns,
                timeouts: report.timeouts,
            },
            listener: ListenerLine {
                reports: report.listener_reports,
            },
            clients: report
                .rows
                .iter()
                .map(|row| row_line(row, Some(&row.client)))
                .collect(),
            totals: row_line(&report.sum, None),
            stranded: report.stranded,
            stuck: report.stuck.is_some(),
            echo_intact: report.echo_intact,
            faults: &report.faults,
            verdict: &report.verdict.sentence,
        });
        write_line(&line, out)
    }

    /// A claim that has been tried; its calls come first.
    pub fn tried(&mut self, tried: &Tried, out: &mut impl Write) -> io::Result<()> {
        self.run += 1;
        for entry in &tried.story {
            match entry {
                Entry::Call(record) => self.record(record, out)?,
                Entry::Step(step) => self.step(step, out)?,
                Entry::Note(_) | Entry::Unseen(..) => {} // for people
            }
        }
        let (claim, finding) = (tried.claim, &tried.finding);
        let timing = self.look.timing == Timing::Shown;
        let shown = finding.figures.iter().filter_map(|(name, figure)| {
            let number = match *figure {
                Figure::Count(count) => count.into(),
                Figure::Varies(value) if timing => serde_json::Number::from_f64(value)?,
                Figure::Varies(_) => return None,
            };
            Some((*name, number))
        });
        let line = Line::Claim(ClaimLine {
            run: Some(self.run),
            id: claim.id,
            claim: claim.claim,
            verdict: Some(finding.verdict.name()),
            evidence: Some(&finding.evidence),
            figures: shown.collect(),
        });
        write_line(&line, out)
    }

    /// The claims, untried.
    pub fn list(&mut self, out: &mut impl Write) -> io::Result<()> {
        for claim in claims::all() {
            let line = Line::Claim(ClaimLine {
                run: None,
                id: claim.id,
                claim: claim.claim,
                verdict: None,
                evidence: None,
                figures: BTreeMap::new(),
            });
            write_line(&line, out)?;
        }
        Ok(())
    }

    /// The number of the run that is being shown.
    pub fn run_number(&self) -> u32 {
        self.run
    }

    /// Without the trace a run has no `call`, `client` or `blocked`.
    pub fn look(&self) -> Look {
        self.look
    }

    /// The number of the next record of a trace.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
