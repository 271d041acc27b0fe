//! Clients that hang up: one whose end comes with its bytes, and whether the
//! server closes what has ended.

use std::time::Duration;

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::scene::Action;
use crate::trace::Name;
use crate::watch::act::Act;
use crate::watch::acts::ActOutcome;
use crate::watch::session::Session;
use crate::watch::sockets;
use crate::watch::state::Hold;

/// By letter.
const H: u32 = 7;
const I: u32 = 8;

impl Session<'_> {
    /// While the server is busy with H, I sends and hangs up: one report, of
    /// the bytes and of the end.
    pub(super) fn leave(&mut self) -> Result<ActOutcome> {
        let mut places = Vec::new();
        for index in [H, I] {
            if !self.rests() {
                return Ok(self.judge(Act::Leave));
            }
            places.push(self.connect(index, false)?);
        }
        let (first, last) = (self.plan.messages.first(), self.plan.messages.last());
        let message = |of: Option<&Vec<u8>>| of.cloned().unwrap_or_else(|| b"ping".to_vec());
        let (first, last) = (message(first), message(last));
        if self.rests() {
            let held = self.hold_at(places[0], &first)?;
            let name = Name::Client(I);
            self.announce(name, Action::Send, last.clone())?;
            self.acts(places[1]).say(&last);
            self.announce(name, Action::Shutdown, Vec::new())?;
            self.acts(places[1]).hang_up();
            self.let_go(held)?;
            self.settle()?;
        }
        self.tell_stranded()?;
        Ok(self.judge(Act::Leave))
    }

    /// The client sends, and the server is held where its wait returns.
    pub(super) fn hold_at(&mut self, place: usize, message: &[u8]) -> Result<bool> {
        let name = self.clients[place].name;
        self.announce(name, Action::Send, message.to_vec())?;
        self.shared.lock().hold = Hold::Armed;
        self.acts(place).say(message);
        let held = self.until(Duration::from_secs(1), |hold| hold == Hold::Held);
        self.audience.tell(&Event::Note(match held {
            true => "the lab holds the server where its call returns",
            false => "the server cannot be held: it has not woken",
        }))?;
        Ok(held)
    }

    /// The client has hung up, and the server's end of its connection is open
    /// still: in CLOSE_WAIT, until the server calls close (tcp(7)).
    pub(super) fn is_left_open(&self, place: usize) -> bool {
        let (main, listener) = {
            let state = self.shared.lock();
            (state.main, state.listener.map_or(0, |it| it.address.port()))
        };
        let client = &self.clients[place];
        let table = sockets::table(main);
        let mut rows = table.iter();
        let row = rows.find(|row| row.local == listener && row.remote == client.port);
        client.hung_up && row.is_some_and(|row| row.is_left_open())
    }
}
