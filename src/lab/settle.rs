//! When a server has come to rest, so that a client may act.
//!
//! Never after so-and-so many milliseconds: what was sent has arrived, and the
//! [`witness`](crate::lab::witness) says that the server sleeps.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use thiserror::Error;

use crate::lab::audience::Event;
use crate::lab::clock::{Clock, SETTLE};
use crate::lab::report::scene::Asleep;
use crate::lab::running::{Lab, failed};
use crate::trace::Name;
use crate::trace::totals::Counts;

/// Looks in a row that must agree before the server counts as asleep.
const LOOKS: u32 = 3;

/// What a server thread is doing once nothing moves any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Asleep, in the wait call or in a call for one client; or held.
    Asleep(Asleep),
    /// It has ended.
    Ended,
}

/// What is still under way.
#[derive(Debug, Error)]
enum Missing {
    /// A client has connected.
    #[error("{0} was not accepted")]
    Accept(Name),
    /// The server's `send` took more bytes than have come back.
    #[error("only {back} of {sent} bytes that were sent to {name} arrived")]
    Echo { name: Name, back: u64, sent: u64 },
    /// The server has closed the connection.
    #[error("{0} was not told that its connection is closed")]
    End(Name),
    /// A client has acted, and whoever sleeps for it has not moved.
    #[error("what {0} did has not woken the server")]
    WakeUp(Name),
    /// What a client has sent, bytes or its end.
    #[error("what {0} sent has not reached the server")]
    Message(Name),
}

impl Lab {
    /// Waits until nothing moves: everything sent has arrived, on both sides,
    /// and the kernel says [`LOOKS`] times in a row that the server sleeps in
    /// the same call. Tells of the records that come meanwhile.
    pub(super) fn settle(&mut self) -> Result<Rest> {
        let (mut progress, mut clock) = (self.progress(), Clock::start());
        let mut last = None;
        let mut agreed = 0;
        loop {
            self.take_in(Duration::ZERO)?;
            if self.progress() > progress {
                (progress, clock) = (self.progress(), Clock::start());
            }
            let late = clock.is_over();
            if self.has_ended() {
                self.take_in(Duration::ZERO)?;
                return Ok(Rest::Ended);
            }
            let looked = self.look();
            if self.has_ended() {
                continue; // and /proc knows it no more
            }
            let (look, asleep) = looked?;
            // What has arrived stays so while the server does nothing.
            let missing = match &asleep {
                Some(asleep) if last != Some(*asleep) => self.missing(asleep)?,
                _ => None,
            };
            match asleep {
                Some(asleep) if missing.is_none() => {
                    agreed = if last == Some(asleep) { agreed + 1 } else { 1 };
                    last = Some(asleep);
                    if agreed == LOOKS {
                        self.take_in(Duration::ZERO)?;
                        let asleep = self.ask_ready(asleep);
                        self.tell_sleep(&asleep)?;
                        self.audience.tell(&Event::Rest(&asleep))?;
                        return Ok(Rest::Asleep(asleep));
                    }
                    thread::yield_now();
                }
                _ => {
                    (last, agreed) = (None, 0);
                    self.take_in(Duration::from_micros(100))?;
                }
            }
            if late && agreed == 0 {
                let (current, failed) = {
                    let state = self.journal.lock();
                    (state.current, state.totals.last_fault)
                };
                let call = current.map_or("no call", |call| call.name());
                let (seconds, state) = (SETTLE.as_secs(), look.state);
                let told = match missing {
                    Some(missing) => {
                        format!("{missing} within {seconds} s; the server is in {call}")
                    }
                    None => format!(
                        "the server did not come to rest within {seconds} s: thread state {state}, \
                         in {call}"
                    ),
                };
                match failed {
                    Some(failed) => bail!("{told}; the last failure: {failed}"),
                    None => bail!(told),
                }
            }
        }
    }

    /// Asks, while the server rests, whether its epoll fd is readable.
    fn ask_ready(&mut self, asleep: Asleep) -> Asleep {
        let epoll = self.journal.lock().epoll;
        let ready = self.ready.as_mut().zip(epoll);
        let ready = ready.and_then(|(ready, epoll)| ready.ask(epoll));
        Asleep { ready, ..asleep }
    }

    /// What the script has come to so far: grows while the server gets on, and
    /// not while it only tries the same again.
    fn progress(&self) -> u64 {
        let state = self.journal.lock();
        let connections = state.totals.connections.values();
        let each = connections.map(|c| c.received + c.echoed + u64::from(c.closed));
        u64::from(state.totals.accepted) + each.sum::<u64>()
    }

    /// What has not yet reached the server of all that the clients did, or the
    /// clients of all that the server sent; `None`: everything has arrived.
    fn missing(&mut self, asleep: &Asleep) -> Result<Option<Missing>> {
        let state = self.journal.lock();
        for (index, client) in self.clients.iter_mut().enumerate() {
            let name = Name::Client(index as u32);
            let Some(address) = client.address else {
                continue; // it has not connected yet
            };
            let none = Counts::default();
            let connection = match state.totals.connections.get(&(index as u32)) {
                Some(connection) => connection,
                // Whoever waits for anyone is about to accept it.
                None if asleep.for_one().is_none() => {
                    return Ok(Some(Missing::Accept(name)));
                }
                None => &none,
            };
            let read = |e| failed("read", e);
            if client.came_back() < connection.echoed || connection.closed {
                client.pump().map_err(read)?;
            }
            if client.end.is_some() {
                continue;
            }
            if client.came_back() < connection.echoed || connection.closed {
                let (back, sent) = (client.came_back(), connection.echoed);
                return Ok(Some(if back < sent {
                    Missing::Echo { name, back, sent }
                } else {
                    Missing::End(name)
                }));
            }
            client.push().map_err(|e| failed("write", e))?;
            // Bytes in the queue are not enough: the wake-up comes after them.
            // Whoever sleeps for this client has to have moved since it acted.
            let sleeps_for_it = match asleep.for_one() {
                Some(fd) => fd.name == name,
                None => !asleep.is_held(),
            };
            if sleeps_for_it && client.acted_at == Some(asleep.steps) {
                return Ok(Some(Missing::WakeUp(name)));
            }
            let accounted = connection.received + connection.unread;
            if accounted >= client.sent && !client.hung_up {
                continue;
            }
            // The trace does not account for all: the kernel's table does.
            let Some(table) = &self.table else { continue };
            let end = table.server_end(self.address, address);
            if let Some(end) = end.map_err(|e| failed("read /proc/self/net/tcp", e))?
                && (connection.received + end.unread < client.sent || client.hung_up && !end.fin)
            {
                return Ok(Some(Missing::Message(name)));
            }
        }
        Ok(None)
    }
}
