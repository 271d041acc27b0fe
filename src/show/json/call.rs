//! The record of a call: its arguments, and what it brought.

use serde::Serialize;

use crate::show::json::lines::name;
use crate::trace::escape::escape;
use crate::trace::words::{epoll_names, msg_names, open_names, ready_names};
use crate::trace::{Call, Record, Report, WaitCost, errno_name};

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
        Call::Accept4 { .. } | Call::Accept { .. } => Arguments {
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
