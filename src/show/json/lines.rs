//! What stands in the records, where that is not the data itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::verdict::sentence;
use crate::lab::report::{Row, Summary};
use crate::trace::escape::escape;
use crate::trace::{Call, Name, errno_name};

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

/// The letter, null for what has none.
pub(super) fn name(name: Name) -> Option<String> {
    match name {
        Name::Plain => None,
        name => Some(name.to_string()),
    }
}
