//! What stands in the records, where that is not the data itself.

use serde::Serialize;

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::trace::escape::escape;
use crate::trace::{Call, Name, errno_name};

#[derive(Serialize)]
pub(super) struct StepLine {
    client: String,
    action: &'static str,
    bytes: Option<usize>,
    data: Option<String>,
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
        /// Null: nobody has looked; the call has been entered.
        server_asleep: Option<AsleepLine>,
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
            server_asleep: None,
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

impl StepLine {
    /// `varies`: how much a client has received by now.
    pub(super) fn new(step: &Step, varies: bool) -> StepLine {
        let known = step.action != Action::Recv || !varies;
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
            bytes: known.then_some(step.data.len()),
            data: known.then(|| escape(&step.data)),
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

/// The letter, null for what has none.
pub(super) fn name(name: Name) -> Option<String> {
    match name {
        Name::Plain => None,
        name => Some(name.to_string()),
    }
}
