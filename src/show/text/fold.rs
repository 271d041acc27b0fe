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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Call;

    /// What is left, in words.
    #[derive(Default)]
    struct Left(Vec<String>);

    impl Audience for &mut Left {
        fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
            match event {
                Event::Call(record) => self.0.push(call_text(record)),
                Event::Note(note) => self.0.push(note.to_string()),
                _ => {}
            }
            Ok(())
        }
    }

    fn left(results: &[i32]) -> Vec<String> {
        let mut left = Left::default();
        let mut same = Same::new(&mut left);
        for (at, result) in (0..).zip(results) {
            // The times differ from call to call.
            let record = Record::new(Call::EpollCreate1, Ok(*result), at, at + 1);
            same.hear(&Event::Call(&record)).unwrap();
        }
        same.hear(&Event::Finish).unwrap();
        left.0
    }

    #[test]
    fn two_of_a_kind_are_shown_and_more_are_counted() {
        let call = |fd: i32| format!("epoll_create1() = {fd}");
        assert_eq!(left(&[3, 4]), [call(3), call(4)]);
        assert_eq!(left(&[3, 3, 4]), [call(3), call(3), call(4)]);
        let more = "... and 2 times more the same".to_string();
        assert_eq!(left(&[3, 3, 3, 4]), [call(3), more.clone(), call(4)]);
        assert_eq!(left(&[3, 3, 3]), [call(3), more]);
    }
}
