//! `--listen`: the clients come from outside, and the lab only watches.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::Lab;
use crate::lab::report::Api;
use crate::lab::report::scene::{Asleep, Blocked, Stuck, Waiting};
use crate::show::text::story::blocked_text;
use crate::show::{Timing, Trace, tell};
use crate::trace::Name;

/// How often the lab looks whether the server sleeps in recv.
const LOOK: Duration = Duration::from_millis(20);

/// How long it lets records gather while they come.
const GATHER: Duration = Duration::from_millis(1);

impl Lab {
    /// On standard error, so that data on standard output stays data.
    pub fn say_where_it_listens(&self) -> Result<()> {
        self.screen().finish()?; // the set-up, before anybody connects
        let address = self.address;
        if !address.ip().is_loopback() {
            tell(&format!(
                "epoll-lab: warning: {address} can be reached from other machines"
            ));
        }
        tell(&format!("epoll-lab: listening on {address}, Ctrl-C ends"));
        Ok(())
    }

    /// Shows what the server does until it ends, or until a signal ends the
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
                self.show_sleep(&asleep)?;
                let blocked = self.blocked_outside(&asleep, at.elapsed())?;
                let mut screen = self.screen();
                screen.evidence(&blocked)?;
                screen.blocked(&blocked, stall)?;
                screen.flush()?;
                if screen.trace() == Trace::Summary {
                    // Nothing else is told while it runs.
                    let told = blocked_text(&blocked, stall, Timing::Hidden);
                    let fd = blocked.fd.map_or(String::new(), |fd| fd.to_string());
                    let told = told.join("; ");
                    tell(&format!(
                        "epoll-lab: server asleep in {}({fd}): {told}",
                        blocked.call
                    ));
                }
            }
        }
    }

    /// For the summary: the server was stuck at least once.
    fn note_stuck(&self, asleep: &Asleep) {
        // The server without multiplexing sleeps like that by design.
        if let Some(fd) = asleep.for_one()
            && self.run.api != Api::None
        {
            let mut state = self.shared.lock();
            state.scene.stuck.get_or_insert(Stuck {
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
        let state = self.shared.lock();
        let connections = &state.totals.connections;
        let blocker = asleep.for_one().map(|fd| fd.name);
        for (port, end) in ends {
            let known = connections
                .iter()
                .find(|(_, connection)| connection.port == port && !connection.closed);
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
