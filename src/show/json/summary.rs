//! `summary`: what a run came to, of the lab's servers or of a program that is
//! watched. What is not known is null.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lab::report::verdict::sentence;
use crate::lab::report::{Row, Summary};

/// The fields that every summary has.
#[derive(Debug, Serialize)]
pub struct SummaryLine {
    /// The server's waits for any client.
    pub wait: WaitLine,
    /// Its listening socket.
    pub listener: ListenerLine,
    /// One row a client.
    pub clients: Vec<RowLine>,
    /// The rows added up.
    pub totals: RowLine,
    /// Bytes stranded when all had sent and none had hung up.
    pub stranded: Option<u64>,
    /// It slept in a call for one client.
    pub stuck: Option<bool>,
    /// Every byte that came back is the one that was sent.
    pub echo_intact: Option<bool>,
    /// Failures other than EAGAIN: errno and how often.
    pub faults: Option<BTreeMap<String, u64>>,
    /// The sentence.
    pub verdict: Option<String>,
}

/// Returns of `epoll_wait`, or of what stands in its place.
#[derive(Debug, Serialize)]
pub struct WaitLine {
    /// Without error, timeouts included.
    pub returns: Option<u64>,
    /// Those that brought nothing because time was up.
    pub timeouts: Option<u64>,
}

/// What was reported of the listening socket.
#[derive(Debug, Serialize)]
pub struct ListenerLine {
    /// How often.
    pub reports: Option<u64>,
}

/// A client's counts, or what they add up to.
#[derive(Debug, Serialize)]
pub struct RowLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(flatten)]
    manner: Option<Manner>,
    reports: Option<u64>,
    hangups: Option<u64>,
    recv: Option<u64>,
    eagain: Option<u64>,
    sent: Option<u64>,
    received: Option<u64>,
    echoed: Option<u64>,
    /// Bytes in the kernel's receive buffer.
    pub unread: Option<u64>,
    answered: Option<&'static str>,
}

/// How a server that is not the lab's has its connection.
#[derive(Debug, Serialize)]
pub struct Manner {
    /// `level`, `edge`.
    pub trigger: Option<&'static str>,
    /// `blocking`, `nonblocking`.
    pub socket: Option<&'static str>,
}

impl SummaryLine {
    pub(super) fn new(summary: &Summary) -> SummaryLine {
        SummaryLine {
            wait: WaitLine {
                returns: Some(summary.returns),
                timeouts: Some(summary.timeouts),
            },
            listener: ListenerLine {
                reports: Some(summary.listener_reports),
            },
            clients: summary.rows.iter().map(RowLine::client).collect(),
            totals: RowLine::totals(&summary.sum),
            stranded: Some(summary.stranded),
            stuck: Some(summary.scene.stuck.is_some()),
            echo_intact: Some(summary.echo_intact),
            faults: Some(summary.faults.clone()),
            verdict: Some(sentence(summary)),
        }
    }
}

impl RowLine {
    /// A client's row.
    pub fn client(row: &Row) -> RowLine {
        RowLine {
            client: Some(row.client.clone()),
            ..RowLine::totals(row)
        }
    }

    /// The row of all of them.
    pub fn totals(row: &Row) -> RowLine {
        let server = &row.server;
        RowLine {
            client: None,
            manner: None,
            reports: Some(server.reports),
            hangups: Some(server.hangups),
            recv: Some(server.recv),
            eagain: Some(server.eagain),
            sent: row.sent,
            received: Some(server.received),
            echoed: Some(row.echoed),
            unread: Some(server.unread),
            answered: row.answered.map(|answered| answered.name()),
        }
    }

    /// With how the server has its connection.
    pub fn with(self, manner: Manner) -> RowLine {
        RowLine {
            manner: Some(manner),
            ..self
        }
    }

    /// Without what is the kernel's affair and differs from run to run: all
    /// but what the client was told to send.
    pub fn varying(self) -> RowLine {
        RowLine {
            reports: None,
            hangups: None,
            recv: None,
            eagain: None,
            received: None,
            echoed: None,
            unread: None,
            answered: None,
            ..self
        }
    }
}
