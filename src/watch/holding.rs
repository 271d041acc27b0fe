//! The server, held where its call returns: what is luck elsewhere happens in
//! every run.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::scene::Action;
use crate::watch::launch;
use crate::watch::session::Session;
use crate::watch::state::Hold;

impl Session<'_> {
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

    fn until(&self, patience: Duration, is_so: impl Fn(Hold) -> bool) -> bool {
        let began = Instant::now();
        while began.elapsed() < patience {
            if is_so(self.shared.lock().hold) {
                return true;
            }
            thread::sleep(Duration::from_micros(100));
        }
        false
    }

    /// The thread that is held goes on.
    pub(super) fn let_go(&mut self, held: bool) -> Result<()> {
        let moves = self.shared.lock().moves;
        if !held {
            self.shared.lock().hold = Hold::No;
            return Ok(());
        }
        self.shared.lock().hold = Hold::Release;
        launch::ring()?;
        self.until(Duration::from_secs(2), |hold| hold == Hold::No);
        // Nobody has been woken for them yet: what C has sent comes first.
        for client in &mut self.clients {
            client.acted_at = None;
        }
        let began = Instant::now();
        while self.shared.lock().moves == moves && began.elapsed() < Duration::from_secs(1) {
            thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }
}
