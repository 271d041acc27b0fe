//! What stands in an experiment's trace: its calls, the steps of its clients,
//! and what neither of them says.

use crate::claims::disturbance::LACKS;
use crate::claims::trial::connection::Conn;
use crate::claims::trial::entry::Entry;
use crate::claims::trial::vocabulary::Trial;
use crate::lab::report::scene::{Action, Step};
use crate::sys::journal::Follow;
use crate::trace::{Name, Record, errno_text};

impl Trial {
    /// What has happened so far.
    pub fn into_story(mut self) -> Vec<Entry> {
        self.collect();
        self.story
    }

    fn collect(&mut self) {
        self.sys.publish();
        let mut records = Vec::new();
        self.shared.take(&mut records);
        self.story.extend(records.into_iter().map(Entry::Call));
    }

    /// The call, traced or not, for which the kernel had not enough, with its
    /// errno.
    pub fn lacked(&mut self) -> Option<String> {
        self.collect();
        let traced = self.story.iter().find_map(|entry| match entry {
            Entry::Call(record) => {
                let errno = record.result.err().filter(|errno| LACKS.contains(errno))?;
                Some(format!("{}: {}", record.call.name(), errno_text(errno)))
            }
            _ => None,
        });
        traced.or_else(|| {
            let faults = &self.shared.lock().totals.faults;
            let errno = LACKS
                .iter()
                .find(|&&errno| faults.contains_key(&(errno as i32)));
            errno.map(|errno| format!("a call failed: {}", errno_text(*errno)))
        })
    }

    /// A line of the trace that is no call.
    pub fn note(&mut self, note: impl Into<String>) {
        self.collect();
        self.story.push(Entry::Note(note.into()));
    }

    /// A call that another thread or process has made.
    pub fn record(&mut self, mut record: Record) {
        self.collect();
        record.end_ns = self.began.elapsed().as_nanos() as u64;
        record.start_ns = record.end_ns;
        self.story.push(Entry::Call(record));
    }

    /// Leaves calls and steps out of the trace: too many, or not always as
    /// many. A note should say what they are.
    pub fn untraced<T>(&mut self, calls: impl FnOnce(&mut Trial) -> T) -> T {
        self.sys.follow(Follow::Counts);
        self.untraced = true;
        let result = calls(self);
        self.untraced = false;
        self.sys.follow(Follow::Records);
        result
    }

    /// So many reports of `a` were left out: the next one has its own number.
    pub fn unseen(&mut self, a: &Conn, reports: u64) {
        self.collect();
        self.story.push(Entry::Unseen(a.name, reports));
    }

    /// A step that a client is about to take.
    pub(super) fn step(&mut self, client: Name, action: Action, data: &[u8]) {
        if self.untraced {
            return;
        }
        self.collect();
        self.story.push(Entry::Step(Step {
            client,
            action,
            data: data.to_vec(),
            asleep: None,
            failed: None,
            at_ns: self.began.elapsed().as_nanos() as u64,
        }));
    }
}
