//! Messages that get no answer: whoever sent them starves while the server
//! sleeps for somebody else, or their bytes are stranded where no report will
//! come.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::EventLoop;
use crate::lab::report::scene::{Asleep, BeforeHangUp, Blocked, ClientSide, Eve, Stuck, Waiting};
use crate::lab::running::{Lab, failed};
use crate::lab::settle::Rest;
use crate::trace::Name;
use crate::trace::totals::Totals;

impl Lab {
    /// What came of a message once the server is at rest again: answered, or
    /// not yet, or not as long as the server sleeps for somebody else.
    pub(super) fn after_send(&mut self, sender: usize) -> Result<Option<Blocked>> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return Ok(None);
        };
        self.note_sides();
        let mut notes = self.board.lock();
        let state = self.journal.lock();
        let side = &mut notes.scene.clients[sender];
        side.late |= side.came_back < side.sent;
        let Some(fd) = asleep.for_one() else {
            return Ok(None);
        };

        // Whom the server has closed, nobody starves any more.
        let starves = |index: usize| {
            let connection = state.totals.connections.get(&(index as u32));
            let served = connection.map_or(0, |c| c.received);
            served < self.clients[index].said() && connection.is_none_or(|c| !c.closed)
        };
        let starved: Vec<usize> = (0..self.clients.len())
            .filter(|index| Name::Client(*index as u32) != fd.name)
            .filter(|index| starves(*index))
            .collect();
        let said_by = |name| match name {
            Name::Client(index) => self.clients[index as usize].sent,
            _ => 0,
        };
        // The server without multiplexing sleeps like that by design; it is a
        // pitfall only where somebody waits meanwhile.
        if starved.is_empty() && self.run.api == EventLoop::None {
            return Ok(None);
        }
        let call = asleep.call;
        let stuck = notes.scene.stuck.get_or_insert(Stuck {
            call,
            fd,
            starved: Vec::new(),
            sent: said_by(fd.name),
        });
        for index in &starved {
            let name = Name::Client(*index as u32);
            if !stuck.starved.contains(&name) {
                stuck.starved.push(name);
            }
        }
        drop(state);
        drop(notes);
        if starved.is_empty() {
            return Ok(None);
        }
        self.blocked(&asleep, &starved).map(Some)
    }

    /// The kernel's evidence, and who waits meanwhile.
    fn blocked(&self, asleep: &Asleep, starved: &[usize]) -> Result<Blocked> {
        let mut blocked = self.evidence(asleep)?;
        let waiting = starved.iter().map(|index| {
            let client = &self.clients[*index];
            let end = self.table.as_ref().zip(client.address);
            let end =
                end.and_then(|(table, client)| table.server_end(self.address, client).ok()?);
            Waiting {
                client: Name::Client(*index as u32),
                sent: Some(client.said()),
                echoed: client.came_back(),
                unread: end.map(|end| end.unread),
            }
        });
        blocked.waiting = waiting.collect();
        Ok(blocked)
    }

    /// Watches a starving client for as long as the user wants it watched.
    pub(super) fn watch(&mut self, mut blocked: Blocked, stall: Duration) -> Result<()> {
        let returns = |lab: &Lab| lab.journal.lock().totals.returns;
        self.audience.tell(&Event::Evidence(&blocked))?;
        let (before, began) = (returns(self), Instant::now());
        loop {
            let left = stall.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            self.take_in(left.min(Duration::from_millis(50)))?;
        }
        blocked.waited = began.elapsed();
        blocked.wait_returns = returns(self) - before;
        for waiting in &mut blocked.waiting {
            if let Name::Client(index) = waiting.client {
                let client = &mut self.clients[index as usize];
                client.pump().map_err(|e| failed("read", e))?;
                waiting.echoed = client.came_back();
            }
        }
        let blocked = &blocked;
        Ok(self.audience.tell(&Event::Blocked { blocked, stall })?)
    }

    /// Before the first client hangs up: who has no answer yet, and what is
    /// stranded, which is unread although the server sleeps where any report
    /// would wake it.
    pub(super) fn note_stranded(&mut self) -> Result<()> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return Ok(());
        };
        self.note_sides();
        let mut notes = self.board.lock();
        let state = self.journal.lock();
        for side in &mut notes.scene.clients {
            side.unanswered = side.sent - side.came_back.min(side.sent);
        }
        let before = before_hang_up(&notes.scene.clients, &state.totals, asleep);
        notes.scene.before_hang_up = Some(before);
        if asleep.for_one().is_some() {
            return Ok(());
        }
        let mut stranded = Vec::new();
        for (index, side) in (0..).zip(&mut notes.scene.clients) {
            if let Some(connection) = state.totals.connections.get(&index)
                && !connection.closed
                && connection.unread > 0
            {
                side.stranded = connection.unread;
                stranded.push((Name::Client(index), connection.unread));
            }
        }
        drop(state);
        drop(notes);
        let (unread, asleep) = (&stranded, &asleep);
        Ok(self.audience.tell(&Event::Stranded { unread, asleep })?)
    }
}

/// What the counts are while the server sleeps in `asleep`.
fn before_hang_up(sides: &[ClientSide], totals: &Totals, asleep: Asleep) -> BeforeHangUp {
    let clients = (0..).zip(sides).map(|(index, side)| {
        let connection = totals.connections.get(&index);
        let mut server = connection.cloned().unwrap_or_default();
        // Calls are counted when they return, and this one has not.
        let in_recv = asleep.whom() == ("recv", Some(Name::Client(index)));
        server.recv += u64::from(in_recv);
        Eve {
            server,
            in_recv,
            came_back: side.came_back,
            unanswered: side.unanswered,
            late: side.late,
        }
    });
    BeforeHangUp {
        asleep,
        returns: totals.returns_for_clients,
        clients: clients.collect(),
    }
}
