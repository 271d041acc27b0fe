//! `--format json`: JSON Lines, the contract that the README documents.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{Look, Timing, Trace};
use crate::claims::finding::Figure;
use crate::claims::trial::Entry;
use crate::claims::{self, Tried};
use crate::escape::escape;
use crate::report::{COMPARE, Report, Row, Run, Trigger};
use crate::scene::{Action, Asleep, Blocked, Step};
use crate::trace::{Call, Name, Record, WaitCost, errno_name};
use crate::wording::{epoll_names, msg_names, open_names, ready_names};

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

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Run(RunLine),
    Call(Box<CallLine>),
    Client(ClientLine),
    Blocked(BlockedLine<'a>),
    Summary(SummaryLine<'a>),
    Claim(ClaimLine<'a>),
}

#[derive(Serialize)]
struct RunLine {
    run: u32,
    command: &'static str,
    api: &'static str,
    trigger: Option<&'static str>,
    socket: &'static str,
    read: &'static str,
    buffer: usize,
    clients: usize,
}

#[derive(Serialize, Default)]
struct CallLine {
    run: u32,
    seq: u64,
    call: &'static str,
    syscall: &'static str,
    fd: Option<i32>,
    name: Option<String>,
    result: i32,
    errno: Option<String>,
    #[serde(flatten)]
    arguments: Arguments,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostLine>,
    #[serde(flatten)]
    times: Option<Times>,
}

#[derive(Serialize)]
struct CostLine {
    handed: u64,
    bytes_in: u64,
    bytes_out: u64,
    asked: u64,
    tested: u64,
}

/// What only some calls have.
#[derive(Serialize, Default)]
#[serde(default)]
struct Arguments {
    #[serde(skip_serializing_if = "Option::is_none")]
    epfd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nfds: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maxevents: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<EventLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interest: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
}

#[derive(Serialize)]
struct Times {
    start_ns: u64,
    end_ns: u64,
}

#[derive(Serialize)]
struct EventLine {
    fd: i32,
    name: Option<String>,
    events: Vec<&'static str>,
}

#[derive(Serialize)]
struct ClientLine {
    run: u32,
    seq: u64,
    client: String,
    action: &'static str,
    bytes: usize,
    data: String,
    server_asleep: Option<AsleepLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
}

#[derive(Serialize)]
struct AsleepLine {
    call: &'static str,
    fd: Option<i32>,
}

#[derive(Serialize)]
struct BlockedLine<'a> {
    run: u32,
    seq: u64,
    call: &'static str,
    syscall: &'static str,
    fd: Option<i32>,
    name: Option<String>,
    thread_state: char,
    waiting: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wchan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ns: Option<u64>,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    run: u32,
    wait: WaitLine,
    listener: ListenerLine,
    clients: Vec<RowLine<'a>>,
    totals: RowLine<'a>,
    stranded: u64,
    stuck: bool,
    echo_intact: bool,
    faults: &'a BTreeMap<String, u64>,
    verdict: &'a str,
}

#[derive(Serialize)]
struct ClaimLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<u32>,
    id: &'static str,
    claim: &'static str,
    verdict: Option<&'static str>,
    evidence: Option<&'a str>,
    figures: BTreeMap<&'static str, serde_json::Number>,
}

#[derive(Serialize)]
struct WaitLine {
    returns: u64,
    timeouts: u64,
}

#[derive(Serialize)]
struct ListenerLine {
    reports: u64,
}

#[derive(Serialize)]
struct RowLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    reports: u64,
    hangups: u64,
    recv: u64,
    eagain: u64,
    sent: Option<u64>,
    received: u64,
    echoed: u64,
    unread: u64,
    answered: Option<&'static str>,
}

impl Json {
    pub fn new(look: Look) -> Json {
        Json {
            look,
            seq: 0,
            run: 0,
            costs: false,
            syscalls: BTreeMap::new(),
        }
    }

    pub fn run(&mut self, run: &Run, out: &mut impl Write) -> io::Result<()> {
        self.run += 1;
        self.costs = run.command == COMPARE;
        let line = Line::Run(RunLine {
            run: self.run,
            command: run.command,
            api: run.api.name(),
            trigger: run.trigger.map(Trigger::name),
            socket: run.socket.name(),
            read: run.read.name(),
            buffer: run.buffer,
            clients: run.clients,
        });
        write_line(&line, out)
    }

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
            syscall: match self.syscalls.get(record.call.name()) {
                Some(syscall) => syscall,
                None => record.call.syscall(),
            },
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
                Entry::Note(_) => {} // for people
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

    pub fn look(&self) -> Look {
        self.look
    }

    /// The number of the next record of a trace.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

fn arguments(record: &Record) -> Arguments {
    let none = Arguments::default();
    let data = || Some(escape(&record.data));
    match record.call {
        Call::EpollWait {
            epfd,
            maxevents,
            timeout,
        } => Arguments {
            epfd: Some(epfd.raw),
            timeout: Some(timeout),
            maxevents: Some(maxevents),
            events: Some(record.events.iter().map(event_line).collect()),
            ..none
        },
        Call::Poll { nfds, timeout } | Call::Select { nfds, timeout } => Arguments {
            nfds: Some(nfds),
            timeout: Some(timeout),
            events: Some(record.events.iter().map(event_line).collect()),
            ..none
        },
        Call::EpollCtl {
            epfd, op, interest, ..
        } => Arguments {
            epfd: Some(epfd.raw),
            op: Some(op.name()),
            interest: Some(epoll_names(interest)),
            ..none
        },
        Call::Setsockopt { option, value, .. } => Arguments {
            option: Some(option),
            value: (value != 1).then_some(value), // 1 switches it on
            ..none
        },
        Call::FcntlGetfl { .. } => Arguments {
            op: Some("F_GETFL"),
            ..none
        },
        Call::FcntlSetfl { flags, .. } => Arguments {
            op: Some("F_SETFL"),
            flags: Some(open_names(flags)),
            ..none
        },
        Call::FcntlDupfd { .. } => Arguments {
            op: Some("F_DUPFD_CLOEXEC"),
            ..none
        },
        Call::Recv { length, .. } => Arguments {
            length: Some(length),
            flags: Some(Vec::new()),
            data: data(),
            unread: record.unread,
            ..none
        },
        Call::Send { length, flags, .. } => Arguments {
            length: Some(length),
            flags: Some(msg_names(flags)),
            data: data(),
            ..none
        },
        Call::Close { .. } => Arguments {
            unread: record.unread,
            ..none
        },
        _ => none,
    }
}

fn is_wait(call: &Call) -> bool {
    matches!(
        call,
        Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. }
    )
}

fn cost_line(cost: &WaitCost) -> CostLine {
    CostLine {
        handed: cost.handed,
        bytes_in: cost.bytes_in,
        bytes_out: cost.bytes_out,
        asked: cost.asked,
        tested: cost.tested,
    }
}

fn event_line(event: &crate::trace::Event) -> EventLine {
    EventLine {
        fd: event.fd.raw,
        name: name(event.fd.name),
        events: ready_names(&event.ready),
    }
}

fn asleep_line(asleep: &Asleep) -> AsleepLine {
    AsleepLine {
        call: asleep.call,
        fd: asleep.fd.map(|fd| fd.raw),
    }
}

fn row_line<'a>(row: &Row, client: Option<&'a str>) -> RowLine<'a> {
    let server = &row.server;
    RowLine {
        client,
        reports: server.reports,
        hangups: server.hangups,
        recv: server.recv,
        eagain: server.eagain,
        sent: row.sent,
        received: server.received,
        echoed: row.echoed,
        unread: server.unread,
        answered: row.answered.map(|answered| answered.name()),
    }
}

/// The letter, null for what has none.
fn name(name: Name) -> Option<String> {
    match name {
        Name::Plain => None,
        name => Some(name.to_string()),
    }
}

fn write_line(line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
