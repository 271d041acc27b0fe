//! The rows in the JSON contract.

use serde::Serialize;

use crate::commands::matrix::rows;
use crate::lab::report::{Answered, Trigger};

/// A `combination`.
#[derive(Serialize)]
pub struct Combination {
    socket: &'static str,
    read: &'static str,
    trigger: Trigger,
    reports: u64,
    recv: u64,
    eagain: u64,
    unread: u64,
    b_answered: bool,
    result: &'static str,
    command: Option<&'static str>,
}

impl Combination {
    /// A row.
    pub fn of(row: &rows::Combination) -> Combination {
        Combination {
            socket: row.socket.name(),
            read: row.read.name(),
            trigger: row.trigger,
            reports: row.a.reports,
            recv: row.a.recv,
            eagain: row.a.eagain,
            unread: row.a.unread,
            b_answered: row.b != Answered::Never,
            result: row.outcome.name(),
            command: row.server.map(|server| server.name()),
        }
    }
}
