//! `--listen`: the clients come from outside, and the lab only watches.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::EventLoop;
use crate::lab::report::scene::{Asleep, Blocked, Stuck, Waiting};
use crate::lab::running::Lab;
use crate::trace::Name;

/// How often the lab looks whether the server sleeps in recv.
const LOOK: Duration = Duration::from_millis(20);

/// How long it lets records gather while they come.
const GATHER: Duration = Duration::from_millis(1);

impl Lab {
    /// Says where the server can be reached.
    pub fn tell_where_it_listens(&self) -> Result<()> {
        let mut audience = self.audience.lock();
        audience.hear(&Event::Finish)?; // the set-up, before anybody connects
        audience.flush()?;
        Ok(audience.hear(&Event::Listening(self.address))?)
    }

    /// Tells what the server does until it ends, or until a signal ends the
    /// process. A sleep for one client that lasts longer than `stall` is
    /// reported, once.
    pub fn watch_server(&mut self, stall: Duration) -> Result<()> {
        let mut since: Option<(Asleep, Instant)> = None;
        let mut told = None;
        loop {
            if self.take_in(LOOK)? > 0 {
                thread::sleep(GATHER);
                continue;
            }
            if self.has_ended() {
                self.take_in(Duration::ZERO)?;
                return self.join();
            }
            let looked = self.look();
            if self.has_ended() {
                continue; // and /proc knows it no more
            }
            let (_, asleep) = looked?;
            let asleep = asleep.filter(|asleep| asleep.for_one().is_some());
            since = match (asleep, since) {
                (Some(now), Some((then, at))) if now == then => Some((then, at)),
                (Some(now), _) => Some((now, Instant::now())),
                (None, _) => None,
            };
            if let Some((asleep, at)) = since
                && at.elapsed() >= stall
                && told != Some(asleep)
            {
                told = Some(asleep);
                self.note_stuck(&asleep);
                self.tell_sleep(&asleep)?;
                let blocked = &self.blocked_outside(&asleep, at.elapsed())?;
                self.audience.tell(&Event::Evidence(blocked))?;
                self.audience.tell(&Event::Blocked { blocked, stall })?;
            }
        }
    }

    /// For the summary: the server was stuck at least once.
    fn note_stuck(&self, asleep: &Asleep) {
        // The server without multiplexing sleeps like that by design.
        if let Some(fd) = asleep.for_one()
            && self.run.api != EventLoop::None
        {
            let mut notes = self.board.lock();
            notes.scene.stuck.get_or_insert(Stuck {
                call: asleep.call,
                fd,
                starved: Vec::new(),
                sent: 0,
            });
        }
    }

    /// Who waits while the server sleeps: connections with bytes that no recv
    /// has taken, accepted or still in the backlog.
    fn blocked_outside(&self, asleep: &Asleep, waited: Duration) -> Result<Blocked> {
        let mut blocked = self.evidence(asleep)?;
        blocked.waited = waited;
        let ends = self.server_ends();
        let state = self.journal.lock();
        let connections = &state.totals.connections;
        let blocker = asleep.for_one().map(|fd| fd.name);
        for end in ends {
            let known = connections.iter().find(|(_, connection)| {
                !connection.closed && connection.peer.is_some_and(|peer| end.is_of(peer))
            });
            let (client, echoed) = match known {
                Some((index, connection)) => (Name::Client(*index), connection.echoed),
                None => (Name::Plain, 0),
            };
            if end.unread > 0 && Some(client) != blocker {
                blocked.waiting.push(Waiting {
                    client,
                    sent: None,
                    echoed,
                    unread: Some(end.unread),
                });
            }
        }
        blocked.waiting.sort_by_key(|waiting| waiting.client);
        Ok(blocked)
    }
}
