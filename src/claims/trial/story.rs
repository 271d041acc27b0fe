//! What is told of an experiment: its calls, the steps of its clients, and
//! what neither of them says.

use crate::claims::disturbance::LACKS;
use crate::claims::trial::connection::Conn;
use crate::claims::trial::vocabulary::Trial;
use crate::lab::audience::{Event, OutputError};
use crate::lab::report::scene::{Action, Step};
use crate::sys::journal::{Batch, Follow};
use crate::trace::{Name, Record, errno_text};

impl<'a> Trial<'a> {
    /// Tells what has happened since the last time, and that it is over. An
    /// error: somewhere on the way nobody could hear it any more.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.collect();
        self.tell(&Event::Finish);
        self.heard?;
        self.audience.flush()
    }

    fn collect(&mut self) {
        self.sys.publish();
        let mut records = Batch::default();
        drop(self.journal.take(&mut records));
        for record in records.iter() {
            if let Err(errno) = record.result
                && LACKS.contains(&errno)
            {
                let call = record.call.name();
                self.lacked = Some(format!("{call}: {}", errno_text(errno)));
            }
            self.tell(&Event::Call(record));
        }
    }

    /// The experiment goes on, whoever hears it: what is measured does not
    /// depend on that.
    fn tell(&mut self, event: &Event<'_>) {
        if self.heard.is_ok() {
            self.heard = self.audience.hear(event);
        }
    }

    /// The call, traced or not, for which the kernel had not enough, with its
    /// errno.
    pub fn lacked(&mut self) -> Option<String> {
        self.collect();
        self.lacked.take().or_else(|| {
            let faults = &self.journal.lock().totals.faults;
            let errno = LACKS
                .iter()
                .find(|&&errno| faults.contains_key(&(errno as i32)));
            errno.map(|errno| format!("a call failed: {}", errno_text(*errno)))
        })
    }

    /// A line of the trace that is no call.
    pub fn note(&mut self, note: impl Into<String>) {
        self.collect();
        self.tell(&Event::Note(&note.into()));
    }

    /// A call that another thread or process has made.
    pub fn record(&mut self, mut record: Record) {
        self.collect();
        record.end_ns = self.began.elapsed().as_nanos() as u64;
        record.start_ns = record.end_ns;
        self.tell(&Event::Call(&record));
    }

    /// Leaves calls and steps out of the trace: too many, or not always as
    /// many. A note should say what they are.
    pub fn untraced<T>(&mut self, calls: impl FnOnce(&mut Trial<'a>) -> T) -> T {
        self.sys.follow(Follow::Counts);
        self.untraced = true;
        let result = calls(self);
        self.untraced = false;
        self.sys.follow(Follow::Timed);
        result
    }

    /// So many reports of `a` were left out: the next one has its own number.
    pub fn unseen(&mut self, a: &Conn, reports: u64) {
        self.collect();
        self.tell(&Event::Unseen(a.name, reports));
    }

    /// A step that a client is about to take.
    pub(super) fn step(&mut self, client: Name, action: Action, data: &[u8]) {
        if self.untraced {
            return;
        }
        self.collect();
        let step = Step {
            client,
            action,
            data: data.to_vec(),
            asleep: None,
            failed: None,
            at_ns: self.began.elapsed().as_nanos() as u64,
        };
        self.tell(&Event::Step(&step));
    }
}
