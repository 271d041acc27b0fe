//! Hundreds of the same answer are one line.

use crate::lab::audience::{Audience, Event, OutputError};
use crate::trace::Record;
use crate::trace::words::{call_text, push_report};

/// Before an audience: passes on what it hears, but for calls that are the
/// same as the one before.
#[derive(Debug)]
pub struct Same<A> {
    audience: A,
    last: Option<Record>,
    /// How many more there were.
    more: u64,
}

impl<A: Audience> Same<A> {
    /// `audience` hears what is left.
    pub fn new(audience: A) -> Same<A> {
        Same {
            audience,
            last: None,
            more: 0,
        }
    }

    /// The next call is another one, or none.
    fn end(&mut self) -> Result<(), OutputError> {
        let last = self.last.take();
        match (std::mem::take(&mut self.more), &last) {
            (0, _) | (_, None) => Ok(()),
            (1, Some(record)) => self.audience.hear(&Event::Call(record)),
            (more, _) => {
                let note = format!("... and {more} times more the same");
                self.audience.hear(&Event::Note(&note))
            }
        }
    }
}

impl<A: Audience> Audience for Same<A> {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        if let (Event::Call(next), Some(last)) = (event, &self.last)
            && is_same(last, next)
        {
            self.more += 1;
            return Ok(());
        }
        self.end()?;
        if let Event::Call(record) = event {
            self.last = Some((*record).clone());
        }
        self.audience.hear(event)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.audience.flush()
    }
}

/// To the reader they are the same: only the times may differ.
fn is_same(record: &Record, next: &Record) -> bool {
    let reports = |record: &Record| {
        let mut text = String::new();
        let each = record.events.iter();
        each.for_each(|report| push_report(&mut text, report));
        text
    };
    call_text(record) == call_text(next)
        && record.unread == next.unread
        && reports(record) == reports(next)
}
