//! What stands in the records, where that is not the data itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::verdict::sentence;
use crate::lab::report::{Row, Summary};
use crate::trace::escape::escape;
use crate::trace::words::{epoll_names, msg_names, open_names, ready_names};
use crate::trace::{Call, Name, Record, Report, WaitCost, errno_name};

#[derive(Serialize)]
pub(super) struct CallLine<'a> {
    call: &'static str,
    syscall: &'static str,
    fd: Option<i32>,
    name: Option<String>,
    result: i32,
    errno: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<i32>,
    #[serde(flatten)]
    arguments: Arguments,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a WaitCost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(flatten)]
    times: Option<Times>,
}

/// What only some calls have.
#[derive(Serialize, Default)]
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
    events: Option<Vec<ReportLine>>,
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
    new: Option<String>,
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
struct ReportLine {
    fd: i32,
    name: Option<String>,
    events: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct StepLine {
    client: String,
    action: &'static str,
    bytes: usize,
    data: String,
    server_asleep: Option<AsleepLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_held: Option<AsleepLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
}

#[derive(Serialize)]
pub(super) struct AsleepLine {
    call: &'static str,
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
}

impl AsleepLine {
    fn new(asleep: &Asleep) -> AsleepLine {
        AsleepLine {
            call: asleep.call,
            fd: asleep.fd.map(|fd| fd.raw),
            ready: asleep.ready,
        }
    }
}

/// What is neither a call's return nor a client's step.
#[derive(Serialize)]
#[serde(tag = "what")]
pub(super) enum MomentLine {
    #[serde(rename = "does not return")]
    DoesNotReturn {
        call: &'static str,
        fd: Option<i32>,
        name: Option<String>,
    },
    #[serde(rename = "stranded")]
    Stranded {
        unread: Vec<StrandedLine>,
        server_asleep: AsleepLine,
    },
    #[serde(rename = "shut down")]
    ShutDown { server_asleep: AsleepLine },
}

#[derive(Serialize)]
pub(super) struct StrandedLine {
    client: String,
    bytes: u64,
}

impl MomentLine {
    pub(super) fn does_not_return(call: &Call) -> MomentLine {
        let fd = call.fd();
        MomentLine::DoesNotReturn {
            call: call.name(),
            fd: fd.map(|fd| fd.raw),
            name: fd.and_then(|fd| name(fd.name)),
        }
    }

    pub(super) fn stranded(unread: &[(Name, u64)], asleep: &Asleep) -> MomentLine {
        let each = unread.iter().map(|(client, bytes)| StrandedLine {
            client: client.to_string(),
            bytes: *bytes,
        });
        MomentLine::Stranded {
            unread: each.collect(),
            server_asleep: AsleepLine::new(asleep),
        }
    }

    pub(super) fn shut_down(asleep: &Asleep) -> MomentLine {
        MomentLine::ShutDown {
            server_asleep: AsleepLine::new(asleep),
        }
    }
}

#[derive(Serialize)]
pub(super) struct BlockedLine<'a> {
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
pub(super) struct SummaryLine<'a> {
    wait: WaitLine,
    listener: ListenerLine,
    clients: Vec<RowLine<'a>>,
    totals: RowLine<'a>,
    stranded: u64,
    stuck: bool,
    echo_intact: bool,
    faults: &'a BTreeMap<String, u64>,
    verdict: String,
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

impl<'a> CallLine<'a> {
    /// `syscall`: the one that the kernel was seen in.
    pub(super) fn new(record: &'a Record, syscall: &'static str, costs: bool, times: bool) -> Self {
        let fd = record.call.fd();
        CallLine {
            call: record.call.name(),
            syscall,
            fd: fd.map(|fd| fd.raw),
            name: fd.and_then(|fd| name(fd.name)),
            result: record.result.unwrap_or(-1),
            errno: record.result.err().map(errno_name),
            tid: record.thread.map(|(_, tid)| tid),
            arguments: arguments(record),
            cost: (costs && is_wait(&record.call)).then_some(&record.cost),
            line: record.place().map(|(file, line)| format!("{file}:{line}")),
            times: times.then_some(Times {
                start_ns: record.start_ns,
                end_ns: record.end_ns,
            }),
        }
    }
}

impl StepLine {
    pub(super) fn new(step: &Step) -> StepLine {
        let line = |held| {
            let there = step
                .asleep
                .as_ref()
                .filter(|asleep| asleep.is_held() == held);
            there.map(AsleepLine::new)
        };
        StepLine {
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
            server_asleep: line(false),
            server_held: line(true),
            errno: step.failed.map(errno_name),
        }
    }
}

impl<'a> BlockedLine<'a> {
    pub(super) fn new(blocked: &'a Blocked, times: bool) -> BlockedLine<'a> {
        let waiting = blocked.waiting.iter();
        let waited_ns = blocked.waited.as_nanos() as u64;
        BlockedLine {
            call: blocked.call,
            syscall: blocked.syscall,
            fd: blocked.fd.map(|fd| fd.raw),
            name: blocked.fd.and_then(|fd| name(fd.name)),
            thread_state: blocked.thread_state,
            waiting: waiting.filter_map(|waiting| name(waiting.client)).collect(),
            wchan: blocked.wchan.as_deref().filter(|_| times),
            waited_ns: times.then_some(waited_ns),
        }
    }
}

impl<'a> SummaryLine<'a> {
    pub(super) fn new(summary: &'a Summary) -> SummaryLine<'a> {
        SummaryLine {
            wait: WaitLine {
                returns: summary.returns,
                timeouts: summary.timeouts,
            },
            listener: ListenerLine {
                reports: summary.listener_reports,
            },
            clients: summary
                .rows
                .iter()
                .map(|row| row_line(row, Some(&row.client)))
                .collect(),
            totals: row_line(&summary.sum, None),
            stranded: summary.stranded,
            stuck: summary.scene.stuck.is_some(),
            echo_intact: summary.echo_intact,
            faults: &summary.faults,
            verdict: sentence(summary),
        }
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
            events: Some(record.events.iter().map(report_line).collect()),
            ..none
        },
        Call::Poll { nfds, timeout } | Call::Select { nfds, timeout } => Arguments {
            nfds: Some(nfds),
            timeout: Some(timeout),
            events: Some(record.events.iter().map(report_line).collect()),
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
        Call::Accept4 { .. } => Arguments {
            new: record.accepted.and_then(name),
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

fn report_line(report: &Report) -> ReportLine {
    ReportLine {
        fd: report.fd.raw,
        name: name(report.fd.name),
        events: ready_names(&report.ready),
        unread: report.unread,
    }
}

/// The letter, null for what has none.
fn name(name: Name) -> Option<String> {
    match name {
        Name::Plain => None,
        name => Some(name.to_string()),
    }
}
