//! The records, as serde writes them, and what they are made from.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::lab::report::Row;
use crate::lab::report::scene::Asleep;
use crate::trace::escape::escape;
use crate::trace::words::{epoll_names, msg_names, open_names, ready_names};
use crate::trace::{Call, Event, Name, Record, WaitCost};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Run(RunLine),
    Call(Box<CallLine>),
    Client(ClientLine),
    Blocked(BlockedLine<'a>),
    Summary(SummaryLine<'a>),
    Claim(ClaimLine<'a>),
}

#[derive(Serialize)]
pub(super) struct RunLine {
    pub(super) run: u32,
    pub(super) command: &'static str,
    pub(super) api: &'static str,
    pub(super) trigger: Option<&'static str>,
    pub(super) socket: &'static str,
    pub(super) read: &'static str,
    pub(super) buffer: usize,
    pub(super) clients: usize,
}

#[derive(Serialize, Default)]
pub(super) struct CallLine {
    pub(super) run: u32,
    pub(super) seq: u64,
    pub(super) call: &'static str,
    pub(super) syscall: &'static str,
    pub(super) fd: Option<i32>,
    pub(super) name: Option<String>,
    pub(super) result: i32,
    pub(super) errno: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tid: Option<i32>,
    #[serde(flatten)]
    pub(super) arguments: Arguments,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<CostLine>,
    #[serde(flatten)]
    pub(super) times: Option<Times>,
}

#[derive(Serialize)]
pub(super) struct CostLine {
    pub(super) handed: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) asked: u64,
    pub(super) tested: u64,
}

/// What only some calls have.
#[derive(Serialize, Default)]
#[serde(default)]
pub(super) struct Arguments {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epfd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nfds: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maxevents: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<Vec<EventLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) op: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interest: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) option: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flags: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unread: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Times {
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
}

#[derive(Serialize)]
pub(super) struct EventLine {
    pub(super) fd: i32,
    pub(super) name: Option<String>,
    pub(super) events: Vec<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ClientLine {
    pub(super) run: u32,
    pub(super) seq: u64,
    pub(super) client: String,
    pub(super) action: &'static str,
    pub(super) bytes: usize,
    pub(super) data: String,
    pub(super) server_asleep: Option<AsleepLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errno: Option<String>,
}

#[derive(Serialize)]
pub(super) struct AsleepLine {
    pub(super) call: &'static str,
    pub(super) fd: Option<i32>,
}

#[derive(Serialize)]
pub(super) struct BlockedLine<'a> {
    pub(super) run: u32,
    pub(super) seq: u64,
    pub(super) call: &'static str,
    pub(super) syscall: &'static str,
    pub(super) fd: Option<i32>,
    pub(super) name: Option<String>,
    pub(super) thread_state: char,
    pub(super) waiting: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wchan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waited_ns: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct SummaryLine<'a> {
    pub(super) run: u32,
    pub(super) wait: WaitLine,
    pub(super) listener: ListenerLine,
    pub(super) clients: Vec<RowLine<'a>>,
    pub(super) totals: RowLine<'a>,
    pub(super) stranded: u64,
    pub(super) stuck: bool,
    pub(super) echo_intact: bool,
    pub(super) faults: &'a BTreeMap<String, u64>,
    pub(super) verdict: &'a str,
}

#[derive(Serialize)]
pub(super) struct ClaimLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<u32>,
    pub(super) id: &'static str,
    pub(super) claim: &'static str,
    pub(super) verdict: Option<&'static str>,
    pub(super) evidence: Option<&'a str>,
    pub(super) figures: BTreeMap<&'static str, serde_json::Number>,
}

#[derive(Serialize)]
pub(super) struct WaitLine {
    pub(super) returns: u64,
    pub(super) timeouts: u64,
}

#[derive(Serialize)]
pub(super) struct ListenerLine {
    pub(super) reports: u64,
}

#[derive(Serialize)]
pub(super) struct RowLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<&'a str>,
    pub(super) reports: u64,
    pub(super) hangups: u64,
    pub(super) recv: u64,
    pub(super) eagain: u64,
    pub(super) sent: Option<u64>,
    pub(super) received: u64,
    pub(super) echoed: u64,
    pub(super) unread: u64,
    pub(super) answered: Option<&'static str>,
}

pub(super) fn arguments(record: &Record) -> Arguments {
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
        Call::Input { length, flags, .. } => Arguments {
            length: Some(length),
            flags: Some(msg_names(flags)),
            data: data(),
            unread: record.unread,
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
        Call::Output { length, .. } => Arguments {
            length: Some(length),
            data: data(),
            ..none
        },
        Call::Fionbio { .. } => Arguments {
            op: Some("FIONBIO"),
            ..none
        },
        Call::Shutdown { how, .. } => Arguments {
            op: Some(how),
            ..none
        },
        Call::Close { .. } => Arguments {
            unread: record.unread,
            ..none
        },
        _ => none,
    }
}

pub(super) fn is_wait(call: &Call) -> bool {
    matches!(
        call,
        Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. }
    )
}

pub(super) fn cost_line(cost: &WaitCost) -> CostLine {
    CostLine {
        handed: cost.handed,
        bytes_in: cost.bytes_in,
        bytes_out: cost.bytes_out,
        asked: cost.asked,
        tested: cost.tested,
    }
}

pub(super) fn event_line(event: &Event) -> EventLine {
    EventLine {
        fd: event.fd.raw,
        name: name(event.fd.name),
        events: ready_names(&event.ready),
    }
}

pub(super) fn asleep_line(asleep: &Asleep) -> AsleepLine {
    AsleepLine {
        call: asleep.call,
        fd: asleep.fd.map(|fd| fd.raw),
    }
}

pub(super) fn row_line<'a>(row: &Row, client: Option<&'a str>) -> RowLine<'a> {
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
pub(super) fn name(name: Name) -> Option<String> {
    match name {
        Name::Plain => None,
        name => Some(name.to_string()),
    }
}

pub(super) fn write_line(line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
