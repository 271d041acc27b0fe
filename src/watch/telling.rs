//! What the audience is told of a session: the calls, the clients' steps, and
//! what the counts cannot show.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::lab::audience::{Event, Folded};
use crate::lab::report::scene::{Action, Step};
use crate::lab::script::Coming;
use crate::trace::Name;
use crate::watch::odd;
use crate::watch::rest::Rest;
use crate::watch::session::Session;

impl Session<'_> {
    /// Waits until the program rests, and tells what it has done meanwhile.
    pub(super) fn settle(&mut self) -> Result<()> {
        let rest = self.settler().settle();
        if rest.is_err() {
            self.audience.tell(&Event::Finish)?; // standard error is next
        }
        self.rest = rest?;
        self.tell()?;
        if let Rest::Asleep(sleeper) = &self.rest
            && sleeper.is_for_one()
            && self.told != Some(sleeper.asleep.steps)
        {
            self.told = Some(sleeper.asleep.steps);
            let whole = sleeper.whole;
            self.tell_folded()?;
            if let Some(call) = &whole {
                self.audience.tell(&Event::DoesNotReturn(call))?;
            }
        }
        if let Rest::Ended(end) = self.rest {
            self.audience.tell(&Event::Finish)?;
            self.audience.tell(&Event::Ended(&odd::end_text(end)))?;
        }
        Ok(())
    }

    /// Tells of the calls that have returned. Of several threads, one after
    /// the other: which of them came first differs from run to run.
    fn tell(&mut self) -> Result<()> {
        let mut records: Vec<_> = self.shared.lock().records.drain(..).collect();
        records.sort_by_key(|record| record.thread.map_or(1, |(ordinal, _)| ordinal));
        for record in &records {
            self.shared_work |= record.thread.is_some_and(|(ordinal, _)| ordinal > 1);
            self.audience.tell(&Event::Call(record))?;
        }
        Ok(())
    }

    /// Tells of a client's step before it is taken.
    pub(super) fn announce(&mut self, client: Name, action: Action, data: Vec<u8>) -> Result<()> {
        self.tell_folded()?;
        let at_ns = self.shared.lock().now_ns();
        let failed = self.clients.iter().find(|it| it.name == client);
        let step = Step {
            client,
            action,
            data,
            asleep: self.sleeper().map(|sleeper| sleeper.asleep),
            failed: failed.and_then(|client| client.failed),
            at_ns,
        };
        // What has been so far, before anybody is asked for more.
        self.audience.tell(&Event::Finish)?;
        (self.pace)(Coming::Step(&step))?;
        Ok(self.audience.tell(&Event::Step(&step))?)
    }

    /// Tells of the calls that are not shown, and counts them anew.
    pub(super) fn tell_folded(&mut self) -> Result<()> {
        let folded = {
            let mut state = self.shared.lock();
            state.since_step = 0;
            std::mem::take(&mut state.folded)
        };
        if folded == 0 {
            return Ok(());
        }
        // How many is the same in every run, or not said.
        let varies = self.shared.lock().hide_unread || !self.rests();
        let (count, what) = match varies {
            true => (0, Some("more calls like these")),
            false => (folded, None),
        };
        let calls = BTreeMap::from([("calls", count)]);
        Ok(self
            .audience
            .tell(&Event::Folded(&Folded { calls, what }))?)
    }

    /// What the counts cannot show.
    pub fn notes(&self) -> Vec<String> {
        let state = self.shared.lock();
        let mut notes = Vec::new();
        if self.shared_work {
            notes.push(
                "Several threads or processes made these calls. Which of them is first is the \
                 scheduler's choice: --trace may show other lines, in another order, next time."
                    .into(),
            );
        }
        if state.uring > 0 {
            notes.push(
                "The program uses io_uring: what it does there are no system calls, and is not \
                 seen."
                    .into(),
            );
        }
        if !state.lost_signals.is_empty() {
            let numbers: Vec<String> = state.lost_signals.iter().map(i32::to_string).collect();
            notes.push(format!(
                "Signal {} was not delivered: real-time signals cannot be passed on to a watched \
                 program. One with threads that calls setuid waits for it for ever.",
                numbers.join(", ")
            ));
        }
        notes
    }
}
