//! A client whose end comes with its bytes.

use anyhow::Result;

use crate::lab::report::scene::Action;
use crate::trace::Name;
use crate::watch::act::Act;
use crate::watch::acts::ActOutcome;
use crate::watch::session::Session;

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
        let (first, last) = (self.plan.first_message(), self.plan.last_message());
        if self.rests() {
            let held = self.hold_at(places[0], first)?;
            let name = Name::Client(I);
            self.announce(name, Action::Send, last.to_vec())?;
            self.acts(places[1]).say(last);
            self.announce(name, Action::Shutdown, Vec::new())?;
            self.acts(places[1]).hang_up();
            self.let_go(held)?;
            self.settle()?;
        }
        self.tell_stranded()?;
        Ok(self.judge(Act::Leave))
    }
}
