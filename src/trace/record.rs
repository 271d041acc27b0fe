//! What came of a call.

use std::net::SocketAddr;
use std::panic::Location;

use nix::errno::Errno;

use crate::trace::call::Call;
use crate::trace::name::Name;
use crate::trace::report::{Report, WaitCost};

/// Bytes of data whose room a record keeps for the next call.
const MOST_ROOM: usize = 256;

/// A call that has returned.
#[derive(Clone, Debug)]
pub struct Record {
    /// With its arguments as they were at the entry.
    pub call: Call,
    /// What the call returned, or the errno of its -1.
    pub result: Result<i32, Errno>,
    /// `recv`: the bytes that arrived; `send`: the bytes that were offered.
    pub data: Vec<u8>,
    /// The wait call's events.
    pub events: Vec<Report>,
    /// A wait call: what it moved.
    pub cost: WaitCost,
    /// `recv`: bytes that are still in the kernel after it; `close`: bytes
    /// that nobody will read any more.
    pub unread: Option<u64>,
    /// `accept4`: the name of the new connection.
    pub accepted: Option<Name>,
    /// `accept4`: who has connected.
    pub peer: Option<SocketAddr>,
    /// Of a program with several threads: which of them, counted from 1, and
    /// the number that the kernel knows it by.
    pub thread: Option<(u32, i32)>,
    /// The system call that the kernel was seen in, where it need not be the
    /// one that [`Call::syscall`] names.
    pub syscall: Option<&'static str>,
    /// The line that made it, in the server's source.
    pub line: Option<&'static Location<'static>>,
    /// Nanoseconds from the start of the run to the call.
    pub start_ns: u64,
    /// Nanoseconds from the start of the run to its return.
    pub end_ns: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            call: Call::Socket,
            result: Ok(0),
            data: Vec::new(),
            events: Vec::new(),
            cost: WaitCost::default(),
            unread: None,
            accepted: None,
            peer: None,
            thread: None,
            syscall: None,
            line: None,
            start_ns: 0,
            end_ns: 0,
        }
    }
}

impl Record {
    /// The server's file and the line in it that made the call; `None` where it
    /// was no server. However the program was built: `src/server/epoll.rs`.
    pub fn place(&self) -> Option<(&'static str, u32)> {
        let source = self.source();
        source.filter(|(file, _)| file.starts_with("src/server/"))
    }

    /// The file and the line in it that made the call, whoever made it.
    pub fn source(&self) -> Option<(&'static str, u32)> {
        let line = self.line?;
        let file = line.file();
        let start = file.rfind("src/")?;
        Some((&file[start..], line.line()))
    }

    /// A call that brought nothing but its result.
    pub fn new(call: Call, result: Result<i32, Errno>, start_ns: u64, end_ns: u64) -> Record {
        Record {
            call,
            result,
            start_ns,
            end_ns,
            ..Record::default()
        }
    }

    /// Makes it the record of another call, of which nothing is known yet. In
    /// place, and the room for events and for a few bytes stays: this is done
    /// at every call.
    #[inline]
    pub fn renew(&mut self, call: Call) {
        self.call = call;
        self.result = Ok(0);
        self.data.clear();
        if self.data.capacity() > MOST_ROOM {
            self.data.shrink_to(MOST_ROOM);
        }
        self.events.clear();
        self.cost = WaitCost::default();
        self.unread = None;
        self.accepted = None;
        self.peer = None;
        self.thread = None;
        self.syscall = None;
        self.line = None;
        self.start_ns = 0;
        self.end_ns = 0;
    }
}
