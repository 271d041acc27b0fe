//! Counters: all that a run keeps of the calls that went by.
//!
//! A server that runs for days must not grow by what it has seen, so a closed
//! connection beyond the first [`KEPT`] is added to one common row.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use nix::errno::Errno;

use crate::trace::call::Call;
use crate::trace::failure::Failure;
use crate::trace::name::{Fd, Name};
use crate::trace::record::Record;
use crate::trace::report::{Report, WaitCost};

/// How many clients keep a row of their own after they have gone.
pub const KEPT: u32 = 100;

/// How many results of a connection are remembered one by one.
pub const FIRST: usize = 8;

/// The counters of one connection, as the server's calls show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reports that brought more than the hang-up.
    pub reports: u64,
    /// Reports that brought the peer's hang-up and nothing else: the first
    /// `recv` after them found no byte.
    pub hangups: u64,
    /// Calls of `recv`, whatever they returned, if they ever did.
    pub recv: u64,
    /// Reports that there is room in the send buffer (EPOLLOUT): among
    /// `reports`, though they speak of no data.
    pub room: u64,
    /// Calls of `recv` that brought bytes.
    pub recv_bytes: u64,
    /// Calls of `recv` that failed with EAGAIN.
    pub eagain: u64,
    /// Calls of `recv` that said that no more will come: 0, or the failure of
    /// the connection.
    pub recv_end: u64,
    /// Bytes that `recv` returned.
    pub received: u64,
    /// Bytes that `send` took.
    pub echoed: u64,
    /// Bytes in the kernel's receive buffer when it was last asked.
    pub unread: u64,
    /// `recv` has said that no more will come: 0, or the connection's failure.
    pub ended: bool,
    /// The server has closed the connection.
    pub closed: bool,
    /// Where the peer has connected from, if that is known.
    pub peer: Option<SocketAddr>,
    /// What the first [`FIRST`] calls of `recv` returned.
    pub first_recv: Vec<Result<i32, Errno>>,
    /// The bytes that were unread at the first [`FIRST`] reports.
    pub first_unread: Vec<u64>,
    /// Calls of `recv` that will not return any more.
    begun: u64,
    /// A report has come, and no `recv` since.
    fresh: bool,
}

impl Counts {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Counts) {
        self.reports += other.reports;
        self.hangups += other.hangups;
        self.recv += other.recv;
        self.room += other.room;
        self.recv_bytes += other.recv_bytes;
        self.eagain += other.eagain;
        self.recv_end += other.recv_end;
        self.begun += other.begun;
        self.received += other.received;
        self.echoed += other.echoed;
        self.unread += other.unread;
    }

    /// Calls of `recv` that have not returned: counted when nobody will see
    /// them return.
    pub fn recv_unfinished(&self) -> u64 {
        self.begun
    }

    /// Reports of bytes to read.
    pub fn data_reports(&self) -> u64 {
        self.reports.saturating_sub(self.room)
    }

    /// Whether a `recv` found no byte because none will come.
    fn has_hung_up(&self, result: Result<i32, Errno>) -> bool {
        match result {
            Ok(received) => received == 0,
            // The kernel had none to spare for those that had come.
            Err(Errno::ENOMEM | Errno::ENOBUFS) => false,
            Err(_) => self.unread == 0,
        }
    }

    fn count_recv(&mut self, result: Result<i32, Errno>) {
        self.recv += 1;
        if self.first_recv.len() < FIRST {
            self.first_recv.push(result);
        }
        self.recv_bytes += u64::from(matches!(result, Ok(1..)));
        if !matches!(result, Ok(1..) | Err(Errno::EINTR | Errno::EAGAIN)) {
            self.ended = true;
            self.recv_end += 1;
        }
        match result {
            Err(Errno::EINTR) => return, // nothing was looked at yet
            Err(Errno::EAGAIN) => self.eagain += 1,
            _ if self.fresh && self.has_hung_up(result) => {
                self.reports -= 1;
                self.hangups += 1;
                if self.first_unread.len() as u64 > self.reports {
                    self.first_unread.pop();
                }
            }
            Ok(n) => self.received += n as u64,
            Err(_) => {}
        }
        self.fresh = false;
    }
}

/// The counters of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Wake-ups: returns of the wait call without error, timeouts included.
    pub returns: u64,
    /// Those among them that reported a client.
    pub returns_for_clients: u64,
    /// Returns of the wait call that brought nothing because time was up.
    pub timeouts: u64,
    /// What the waits moved and looked at.
    pub cost: WaitCost,
    /// Calls of epoll_ctl that changed the interest list.
    pub changes: u64,
    /// Reports for the listening socket.
    pub listener_reports: u64,
    /// Connections accepted.
    pub accepted: u32,
    /// The connections, by order of arrival.
    pub connections: BTreeMap<u32, Counts>,
    /// What the connections beyond [`KEPT`] that have gone add up to.
    pub others: Counts,
    /// How many connections `others` holds.
    pub others_count: u64,
    /// Failures other than EAGAIN, by errno.
    pub faults: BTreeMap<i32, u64>,
    /// The last of them.
    pub last_fault: Option<Failure>,
}

impl Totals {
    /// Counts one return.
    #[inline]
    pub fn count(&mut self, record: &Record) {
        let result = record.result;
        match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => {
                if let Ok(ready) = result {
                    self.count_wait(ready, record);
                }
            }
            Call::Recv { fd, .. } | Call::Input { fd, .. } => {
                if let Some(connection) = self.connection(fd) {
                    connection.count_recv(result);
                    if record.call.only_peeks() {
                        connection.received -= result.unwrap_or(0) as u64;
                    }
                    connection.unread = record.unread.unwrap_or(connection.unread);
                }
            }
            Call::Send { fd, .. } | Call::Output { fd, .. } => {
                if let (Ok(taken), Some(connection)) = (result, self.connection(fd)) {
                    connection.echoed += taken as u64;
                }
            }
            _ => self.count_other(record),
        }
        if let Err(errno) = result {
            self.count_error(record.call, errno);
        }
    }

    fn count_wait(&mut self, ready: i32, record: &Record) {
        self.returns += 1;
        self.cost.add(&record.cost);
        self.timeouts += u64::from(ready == 0);
        let client = |event: &Report| matches!(event.fd.name, Name::Client(_));
        self.returns_for_clients += u64::from(record.events.iter().any(client));
        for event in &record.events {
            self.count_report(event);
        }
    }

    /// The calls that are made once for a connection, or for the server.
    fn count_other(&mut self, record: &Record) {
        match (record.call, record.result) {
            (Call::EpollCtl { .. }, Ok(_)) => self.changes += 1,
            (Call::Accept4 { .. } | Call::Accept { .. }, Ok(_)) => {
                let connection = Counts {
                    peer: record.peer,
                    ..Counts::default()
                };
                // Clients of a server with several processes are accepted in
                // any order.
                let index = match record.accepted {
                    Some(Name::Client(index)) => index,
                    _ => self.accepted,
                };
                self.connections.insert(index, connection);
                self.accepted += 1;
            }
            (Call::Close { fd }, _) => self.close(fd, record.unread),
            _ => {}
        }
    }

    /// EAGAIN has a column of its own; EINVAL is how accept4 ends.
    fn count_error(&mut self, call: Call, errno: Errno) {
        match (call, errno) {
            (_, Errno::EAGAIN) | (Call::Accept4 { .. }, Errno::EINVAL) => {}
            (_, errno) => {
                *self.faults.entry(errno as i32).or_default() += 1;
                self.last_fault = Some(Failure { call, errno });
            }
        }
    }

    /// Counts a call that has begun and will not return any more.
    pub fn count_begun(&mut self, call: &Call) {
        if let Some(fd) = call.input()
            && let Some(connection) = self.connection(fd)
        {
            connection.recv += 1;
            connection.begun += 1;
        }
    }

    fn count_report(&mut self, event: &Report) {
        match event.fd.name {
            Name::Listener => self.listener_reports += 1,
            _ => {
                if let Some(connection) = self.connection(event.fd) {
                    connection.reports += 1;
                    connection.room += u64::from(event.ready.writable());
                    connection.fresh = true;
                    connection.unread = event.unread.unwrap_or(connection.unread);
                    if connection.first_unread.len() < FIRST {
                        connection.first_unread.push(connection.unread);
                    }
                }
            }
        }
    }

    fn close(&mut self, fd: Fd, unread: Option<u64>) {
        let Name::Client(index) = fd.name else { return };
        if let Some(connection) = self.connections.get_mut(&index) {
            connection.closed = true;
            connection.unread = unread.unwrap_or(connection.unread);
        }
        if index >= KEPT
            && let Some(gone) = self.connections.remove(&index)
        {
            self.others.add(&gone);
            self.others_count += 1;
        }
    }

    fn connection(&mut self, fd: Fd) -> Option<&mut Counts> {
        match fd.name {
            Name::Client(index) => self.connections.get_mut(&index),
            _ => None,
        }
    }
}
