//! The formats that print a run, writing to a tape: the page has its lines and
//! its records from them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use crate::lab::audience::{Audience, Event};
use crate::show::View;
use crate::show::json::Json;

/// How the page shows a run, however the screen does.
pub const VIEW: View = View {
    calls: true,
    times: false,
};

/// What was written; all clones are the same.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut tape = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tape.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// See the module.
pub struct Formats {
    text: Box<dyn Audience>,
    lines: Tape,
    json: Json<Tape>,
    records: Tape,
}

impl Formats {
    /// `text` makes what the command shows its traces with.
    pub fn new(text: impl FnOnce(View, Box<dyn Write + Send>) -> Box<dyn Audience>) -> Formats {
        let (lines, records) = (Tape::default(), Tape::default());
        Formats {
            text: text(VIEW, Box::new(lines.clone())),
            lines,
            json: Json::new(VIEW, records.clone()),
            records,
        }
    }

    /// What the formats print of it.
    pub fn print(&mut self, event: &Event<'_>) {
        // Writing to a tape cannot fail.
        let _ = self.text.hear(event);
        let _ = self.json.hear(event);
    }

    /// The lines since the last time; with [`Event::Finish`] also those that
    /// are held back because a following call might join them.
    pub fn lines(&mut self, finish: Option<Event<'_>>) -> Vec<String> {
        if let Some(finish) = finish {
            let _ = self.text.hear(&finish);
        }
        let _ = self.text.flush();
        let printed = plain(&self.lines.take());
        let lines = printed.trim_end().lines();
        lines.map(str::to_string).collect()
    }

    /// The records since the last time.
    pub fn records(&mut self) -> Vec<Box<RawValue>> {
        let printed = String::from_utf8(self.records.take()).unwrap_or_default();
        let raw = printed
            .lines()
            .map(|line| RawValue::from_string(line.into()));
        raw.flatten().collect()
    }
}

/// Without colours, which are the screen's affair.
pub fn plain(printed: &[u8]) -> String {
    let printed = anstream::adapter::strip_bytes(printed).into_vec();
    String::from_utf8_lossy(&printed).into_owned()
}
