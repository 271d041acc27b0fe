//! A running server, and what the lab can see of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::lab::audience::{Event, Shared};
use crate::lab::board::Board;
use crate::lab::client::Client;
use crate::lab::ready::Ready;
use crate::lab::report::Run;
use crate::lab::report::scene::{Asleep, Blocked, WaitsFor};
use crate::lab::tcp_table::{ServerEnd, TcpTable};
use crate::lab::witness::{Look, Sleep, Witness};
use crate::sys::journal::{Batch, Journal};
use crate::trace::totals::Totals;
use crate::trace::{Call, Failure, OfCall, io_error_text};

/// A running server, and what the lab knows of it.
pub struct Lab {
    pub(super) run: Run,
    /// The server's side of it.
    pub(super) journal: Arc<Journal>,
    /// The lab's side of it.
    pub(super) board: Arc<Board>,
    pub(super) audience: Shared,
    /// What has been told is kept for its room.
    pub(super) records: Batch,
    pub(super) witness: Witness,
    pub(super) table: Option<TcpTable>,
    pub(super) ready: Option<Ready>,
    pub(super) server: Option<JoinHandle<Result<(), Failure>>>,
    /// Nothing is sent; it is disconnected when the server thread ends.
    pub(super) ended: Receiver<()>,
    pub(super) address: SocketAddr,
    pub(super) clients: Vec<Client>,
    /// The sleep for one client that the audience has heard of.
    pub(super) told: Option<u64>,
    pub(super) began: Instant,
}

impl Lab {
    /// Tells of the records that have come; if there are none, waits for
    /// `patience` and looks again. How many there were.
    pub(super) fn take_in(&mut self, patience: Duration) -> Result<usize> {
        let taken = self.tell_records()?;
        if taken > 0 || patience.is_zero() {
            return Ok(taken);
        }
        thread::sleep(patience);
        self.tell_records()
    }

    /// With the audience locked, so that nobody ends the trace between taking
    /// records and telling of them.
    pub(super) fn tell_records(&mut self) -> Result<usize> {
        let mut audience = self.audience.lock();
        let state = self.journal.take(&mut self.records);
        // Before they are told: by its number a stranger would be client A.
        if let Some(stranger) = self.stranger(&state.totals) {
            bail!(
                "{stranger} has connected to the server and is none of this run's clients; \
                 run it again"
            );
        }
        drop(state);
        let taken = self.records.len();
        for record in self.records.iter() {
            audience.hear(&Event::Call(record))?;
        }
        if taken > 0 {
            audience.flush()?;
        }
        Ok(taken)
    }

    /// Somebody who was accepted although the lab has not sent him. With
    /// `--listen` all come from outside.
    fn stranger(&self, totals: &Totals) -> Option<SocketAddr> {
        let peers = totals.connections.values().filter_map(|c| c.peer);
        let ours = |peer| self.clients.iter().any(|it| it.address == Some(peer));
        let mut strangers = peers.filter(|peer| !ours(*peer));
        strangers.next().filter(|_| self.run.clients > 0)
    }

    /// One look at the server thread. The steps are read first: what happens
    /// after that is noticed by the next look.
    pub(super) fn look(&self) -> Result<(Look, Option<Asleep>)> {
        let (steps, current, held) = {
            let state = self.journal.lock();
            (state.steps, state.current, state.held)
        };
        let look = self
            .witness
            .look(current)
            .of_call("read(/proc/self/task/TID)")?;
        let asleep = |call, syscall, fd, waits_for| Asleep {
            call,
            syscall,
            fd,
            waits_for,
            steps,
            ready: None,
        };
        if let Some(call) = held {
            let held = asleep(call.name(), call.syscall(), call.fd(), WaitsFor::Lab);
            return Ok((look, Some(held)));
        }
        let fd = current.and_then(|call: Call| call.fd());
        let asleep = match look.sleep {
            Some(Sleep::ForAnyone { call, syscall }) => {
                Some(asleep(call, syscall, fd, WaitsFor::Anyone))
            }
            // The number is the kernel's, the name our own: they must agree.
            Some(Sleep::ForOne {
                call,
                syscall,
                fd: raw,
            }) if fd.is_some_and(|fd| fd.raw == raw) => {
                Some(asleep(call, syscall, fd, WaitsFor::One))
            }
            _ => None,
        };
        Ok((look, asleep))
    }

    /// The server's ends of its connections; none where the kernel has no
    /// such table.
    pub(super) fn server_ends(&self) -> Vec<ServerEnd> {
        let ends = self
            .table
            .as_ref()
            .map(|table| table.server_ends(self.address));
        ends.and_then(io::Result::ok).unwrap_or_default()
    }

    /// What the kernel says of a server that sleeps for one client.
    pub(super) fn evidence(&self, asleep: &Asleep) -> Result<Blocked> {
        let (look, _) = self.look()?;
        Ok(Blocked {
            call: asleep.call,
            syscall: asleep.syscall,
            fd: asleep.for_one(),
            thread_state: look.state,
            waiting: Vec::new(),
            wchan: self.witness.wchan(),
            wait_call: self.run.api.wait_call(),
            wait_returns: 0,
            waited: Duration::ZERO,
        })
    }

    /// A call for one client that does not return is told once.
    pub(super) fn tell_sleep(&mut self, asleep: &Asleep) -> Result<()> {
        if asleep.for_one().is_none() || self.told == Some(asleep.steps) {
            return Ok(());
        }
        self.told = Some(asleep.steps);
        let current = self.journal.lock().current;
        if let Some(call) = current {
            self.audience.tell(&Event::DoesNotReturn(&call))?;
        }
        Ok(())
    }

    /// The clients' side of the story, where a Ctrl-C finds it too.
    pub(super) fn note_sides(&self) {
        let mut notes = self.board.lock();
        for (side, client) in notes.scene.clients.iter_mut().zip(&self.clients) {
            side.sent = client.sent;
            side.came_back = client.came_back();
            side.damaged = client.is_damaged();
        }
    }

    /// What came back to each client, A first.
    pub fn answers(&self) -> Vec<Vec<u8>> {
        self.clients
            .iter()
            .map(|client| client.answer().to_vec())
            .collect()
    }

    /// The server thread has returned.
    pub(super) fn has_ended(&self) -> bool {
        self.server.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// The result of the server thread, which has ended.
    pub(super) fn join(&mut self) -> Result<()> {
        match self.server.take().map(JoinHandle::join) {
            Some(Ok(result)) => Ok(result?),
            Some(Err(_)) => bail!("the server thread has panicked"),
            None => Ok(()),
        }
    }
}

/// An io error of the lab's own, with the call that it came from.
pub(super) fn failed(call: &str, error: io::Error) -> anyhow::Error {
    anyhow!("{call}: {}", io_error_text(&error))
}
