//! Clients that have no answer: watched for a while, and told of with what the
//! kernel holds for them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::scene::{Blocked, Waiting};
use crate::trace::Name;
use crate::watch::proc;
use crate::watch::session::Session;

impl Session<'_> {
    /// All that it waits for has come back.
    pub(super) fn is_answered(&self, place: usize) -> bool {
        let client = &self.clients[place];
        match self.plan.echo {
            true => client.back.len() >= client.said.len(),
            false => !client.back.is_empty(),
        }
    }

    /// Watches a client that has no answer, for as long as was asked for.
    pub(super) fn watch(&mut self, place: usize) -> Result<()> {
        let returns = |session: &Self| {
            let state = session.shared.lock();
            state.totals.returns - state.totals.timeouts
        };
        let before = returns(self);
        let began = Instant::now();
        while began.elapsed() < self.plan.stall {
            thread::sleep(Duration::from_millis(2));
            self.clients[place].pump();
            if self.is_answered(place) || self.shared.lock().end.is_some() {
                break;
            }
        }
        self.settle()?;
        if self.is_answered(place) {
            return Ok(());
        }
        let Some(sleeper) = self.sleeper().filter(|it| it.is_for_one()) else {
            return Ok(());
        };
        let client = &self.clients[place];
        let asleep = sleeper.asleep;
        if asleep.fd.is_some_and(|fd| fd.name == client.name) {
            return Ok(()); // it is served, as far as it goes
        }
        let wait_call = self.shared.lock().wait_call;
        let stall = self.plan.stall;
        let blocked = &Blocked {
            call: asleep.call,
            syscall: asleep.syscall,
            fd: asleep.fd,
            thread_state: proc::look(sleeper.thread).map_or('?', |look| look.state),
            waiting: vec![Waiting {
                client: client.name,
                sent: Some(client.sent as u64),
                echoed: client.back.len() as u64,
                unread: Some(self.unread(client.port)),
            }],
            wchan: None,
            wait_call,
            wait_returns: returns(self) - before,
            waited: stall,
        };
        self.audience.tell(&Event::Evidence(blocked))?;
        Ok(self.audience.tell(&Event::Blocked { blocked, stall })?)
    }

    /// Bytes unread while it sleeps where a report would wake it.
    pub(super) fn tell_stranded(&mut self) -> Result<()> {
        let Some(sleeper) = self.sleeper().filter(|it| !it.is_for_one()) else {
            return Ok(());
        };
        let accepted = |name| {
            self.shared
                .lock()
                .end_of(name)
                .is_some_and(|end| end.accepted)
        };
        let stranded: Vec<(Name, u64)> = self
            .clients
            .iter()
            .filter(|client| accepted(client.name))
            .map(|client| (client.name, self.unread(client.port)))
            .filter(|(_, unread)| *unread > 0)
            .collect();
        if stranded.is_empty() {
            return Ok(());
        }
        let (unread, asleep) = (&stranded[..], &sleeper.asleep);
        Ok(self.audience.tell(&Event::Stranded { unread, asleep })?)
    }
}
