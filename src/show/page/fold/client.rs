//! One client: its own side, and what the kernel holds of it for the server.

use std::os::fd::RawFd;

use serde_json::Value;

use crate::show::page::board::{Board, nonzero};

/// Where its connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// There is none.
    #[default]
    Nowhere,
    /// In the listener's queue: the kernel has it, the server not yet.
    Queue,
    /// Accepted.
    Open,
    /// Closed by the server.
    Closed,
}

/// Counts are bytes where nothing else is said.
#[derive(Debug, Default)]
pub struct Client {
    /// `connected`, `has hung up`, `gone`; `None`: it is not there yet.
    pub state: Option<&'static str>,
    pub sent: u64,
    /// Has come back to it.
    pub back: u64,
    /// The server's send took so many.
    pub echoed: u64,
    pub place: Place,
    pub fd: Option<RawFd>,
    /// The server's recv took so many.
    pub read: u64,
    /// In the kernel's receive buffer.
    pub unread: u64,
    /// The kernel said so (FIONREAD); otherwise it follows from what was sent.
    pub measured: bool,
    /// Taken in this very moment.
    pub took: u64,
    /// Where the row of cells begins: what was read before that is history.
    pub base: u64,
    /// The end of the file waits behind the last byte.
    pub eof: bool,
    /// Unread when the server closed.
    pub lost: u64,
    /// Reports that brought more than the hang-up.
    pub reports: u64,
    /// Reports that brought the hang-up alone.
    pub hangups: u64,
    pub recv: u64,
    pub eagain: u64,
    /// send found no room in the send buffer; `None`: nobody has tried.
    pub full: Option<bool>,
    /// A report has found nothing unread: of what kind it is, recv will say.
    pub unclear: bool,
    /// To be painted at the next moment.
    pub touched: bool,
}

impl Client {
    /// recv would not sleep.
    pub fn is_readable(&self) -> bool {
        self.place == Place::Open && (self.unread > 0 || self.eof)
    }

    /// All that has come so far.
    pub fn arrived(&self) -> u64 {
        self.read + self.unread
    }

    /// A report whose kind is still unclear was none of the hang-up's.
    pub fn clear_up(&mut self, hung_up: bool) {
        if std::mem::take(&mut self.unclear) {
            match hung_up {
                true => self.hangups += 1,
                false => self.reports += 1,
            }
        }
    }

    pub fn paint(&self, name: &str, board: &mut Board) {
        let mut set = |key: &str, value: Value| board.set(format!("{name}.{key}"), value);
        set("st", self.state.into());
        set("sent", nonzero(self.sent));
        set("back", nonzero(self.back));
        set("echo", nonzero(self.echoed));
        let place = match self.place {
            Place::Nowhere => None,
            Place::Queue => Some("queue"),
            Place::Open => Some("open"),
            Place::Closed => Some("closed"),
        };
        set("at", place.into());
        set("fd", self.fd.into());
        set("read", nonzero(self.read));
        set("un", nonzero(self.unread));
        let derived = self.place != Place::Closed && self.arrived() > 0 && !self.measured;
        set("by", derived.then_some(1).into());
        set("took", nonzero(self.took));
        set("base", nonzero(self.base));
        set("eof", self.eof.then_some(1).into());
        set("lost", nonzero(self.lost));
        set("full", self.full.into());
        set("rep", nonzero(self.reports));
        set("hup", nonzero(self.hangups));
        set("recv", nonzero(self.recv));
        set("eag", nonzero(self.eagain));
    }
}
