//! One run on the page: its moments, beside the lines of its trace and its
//! records. Both come from the formats that print them.

pub mod data;
mod group;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::lab::audience::Event;
use crate::lab::report::scene::Action;
use crate::lab::report::{EventLoop, Run, Summary};
use crate::show::page::fold::{Fold, Input};
use crate::show::page::formats::{Formats, VIEW, plain};
use crate::show::page::html::visible;
use crate::show::page::listing::Listing;
use crate::show::page::moment::{Ask, Asked, Kind, Moment};
use crate::show::text::{Joined, joined, table};
use crate::trace::{Call, Name, Record};

/// Moments that a page holds; a browser has to draw all of them.
pub const MOST: usize = 10_000;

/// Bytes of a client that the page can draw one by one.
const STREAM: usize = 2048;

/// See the module.
#[derive(Debug, Default)]
pub struct Part {
    command: String,
    title: String,
    run: Option<Run>,
    fold: Fold,
    head: String,
    lines: Vec<String>,
    tail: String,
    records: Vec<Box<RawValue>>,
    moments: Vec<Moment>,
    asks: Vec<Ask>,
    /// Calls that become one paragraph.
    setup: Vec<Record>,
    /// A recv whose echo may follow.
    held: Option<Record>,
    /// What the clients have sent.
    streams: BTreeMap<String, Vec<u8>>,
    /// The first moment of the clean-up: its calls share a paragraph, which
    /// is printed when it is over.
    ending: Option<usize>,
    /// Moments in calls that have not returned yet.
    asleep: Vec<usize>,
    cut: bool,
    /// No listing of it is known.
    foreign: bool,
}

impl Part {
    /// A run of a server, or of the two ends of a connection.
    pub fn new(run: &Run, formats: &mut Formats) -> Part {
        let command = format!("epoll-lab {}{}", run.command, run.caption.flags);
        // Where the lab plays no clients, both ends are in the trace.
        let fold = match run.caption.ends {
            true => Fold::experiment(run.api),
            false => Fold::new(run),
        };
        formats.print(&Event::Run(run));
        let head = formats.lines(None).join(" ").replace("  ", " ");
        Part {
            command: visible(&command),
            title: head.split(" | ").next().unwrap_or_default().into(),
            run: Some(run.clone()),
            fold,
            head,
            records: formats.records(),
            ..Part::default()
        }
    }

    /// An experiment.
    pub fn trial(id: &'static str, formats: &mut Formats) -> Part {
        formats.print(&Event::Trial(id));
        Part {
            command: format!("epoll-lab claims {id}"),
            title: id.into(),
            fold: Fold::experiment(EventLoop::Epoll),
            lines: formats.lines(None),
            records: formats.records(),
            ..Part::default()
        }
    }

    /// What the run is called.
    pub fn name(&mut self, head: &str) {
        self.head = visible(head);
    }

    /// A program of somebody else's, which this command has watched.
    pub fn watched(&mut self, command: &str) {
        self.command = visible(command);
        self.foreign = true;
    }

    /// Something happens.
    pub fn hear(&mut self, event: &Event<'_>, formats: &mut Formats) {
        if let Event::Call(record) = *event {
            return self.returned(record, formats);
        }
        if let Event::Finish | Event::Evidence(_) = event {
            // The evidence stands with those who wait: one moment.
            self.flush(formats);
            return formats.print(event);
        }
        self.flush(formats);
        let ended;
        let input = match *event {
            Event::Rest(asleep) => {
                let amended = self.fold.rest(asleep);
                if let Some(last) = self.moments.last_mut() {
                    last.d.extend(amended);
                }
                return;
            }
            Event::Summary(summary) => return self.end(summary, formats),
            Event::Unseen(name, reports) => {
                self.fold.unseen(name, reports);
                return formats.print(event);
            }
            Event::SetUp(records) => Input::SetUp(records),
            Event::Act(note) | Event::Note(note) => Input::Note(note),
            Event::Ended(how) => {
                ended = format!("The program has ended: {how}.");
                Input::Note(&ended)
            }
            Event::Folded(_) => Input::Folded,
            Event::DoesNotReturn(call) => Input::DoesNotReturn(call),
            Event::Step(step) => {
                if step.action == Action::Send {
                    let stream = self.streams.entry(step.client.to_string()).or_default();
                    let room = STREAM.saturating_sub(stream.len());
                    stream.extend(step.data.iter().take(room));
                }
                Input::Step(step)
            }
            Event::Blocked { blocked, .. } => Input::Blocked(blocked),
            Event::Stranded { unread, asleep } => Input::Stranded(unread, asleep),
            Event::ShutDown { asleep, .. } => Input::ShutDown(asleep),
            _ => return formats.print(event),
        };
        self.group(&[*event], input, formats);
    }

    fn returned(&mut self, record: &Record, formats: &mut Formats) {
        if self.is_setup(record) {
            return self.setup.push(record.clone());
        }
        self.flush_setup(formats);
        if let Some(held) = self.held.take() {
            let both = [Event::Call(&held), Event::Call(record)];
            match joined(&held, record) {
                Some(Joined::Echo) => {
                    return self.group(&both, Input::Echo(&held, record), formats);
                }
                Some(Joined::Close) => {
                    return self.group(&both, Input::HungUp(&held, record), formats);
                }
                None => self.group(&both[..1], Input::Call(&held), formats),
            }
        }
        match (record.call.input(), record.result) {
            (Some(_), Ok(_)) => self.held = Some(record.clone()),
            _ => self.group(&[Event::Call(record)], Input::Call(record), formats),
        }
    }

    fn is_setup(&self, record: &Record) -> bool {
        let fd = record.call.fd();
        match record.call {
            _ if record.result.is_err() => false,
            Call::Socket | Call::Setsockopt { .. } | Call::Bind { .. } => true,
            Call::Listen { .. } | Call::EpollCreate1 => true,
            Call::EpollCtl { .. } => {
                !self.setup.is_empty() && fd.is_some_and(|fd| fd.name == Name::Listener)
            }
            _ => false,
        }
    }

    fn flush_setup(&mut self, formats: &mut Formats) {
        let setup = std::mem::take(&mut self.setup);
        if !setup.is_empty() {
            let calls: Vec<Event<'_>> = setup.iter().map(Event::Call).collect();
            self.group(&calls, Input::SetUp(&setup), formats);
        }
    }

    fn flush(&mut self, formats: &mut Formats) {
        self.flush_setup(formats);
        if let Some(held) = self.held.take() {
            self.group(&[Event::Call(&held)], Input::Call(&held), formats);
        }
    }

    fn end(&mut self, summary: &Summary, formats: &mut Formats) {
        formats.print(&Event::Finish);
        let (first, more) = (self.lines.len(), formats.lines(None));
        self.lines.extend(more);
        self.lay_out_ending(first, true);
        let all = [Event::Summary(summary)];
        let (lines, cut) = (self.lines.len(), self.cut);
        self.group(&all, Input::End(summary), formats);
        // The table stands below the trace.
        self.lines.truncate(lines);
        self.cut = cut;
        let last = lines.saturating_sub(1);
        if let Some(moment) = self.moments.last_mut() {
            moment.l = (last, last);
        }
        let mut tail = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = table::counts(summary, VIEW, &mut tail);
        let _ = std::io::Write::write_all(&mut tail, b"\n");
        let _ = table::verdict(summary, &mut tail);
        self.tail = plain(&tail);
    }

    /// What an experiment came to.
    pub fn conclude(&mut self, sentence: &str, text: &[u8], formats: &mut Formats) {
        self.flush(formats);
        self.group(&[], Input::Conclusion(sentence), formats);
        self.tail = plain(text);
    }

    /// A question about the whole of the run: asked before the first message,
    /// answered by how things stand before the first hang-up.
    pub fn ask(&mut self, asked: Asked) {
        let clients = || {
            let moments = self.moments.iter().enumerate();
            moments.filter(|(_, moment)| moment.k == Kind::Client && moment.c.is_some())
        };
        let does = |what: &'static str| move |moment: &Moment| moment.s.contains(what);
        let first = |what| clients().find(|(_, moment)| does(what)(moment));
        let last = self.moments.len().saturating_sub(1);
        let at = first(" sends ").map_or(1.min(last), |(at, _)| at);
        let ends = [first(" receives "), first(" hangs up")];
        let shown = ends.into_iter().flatten().map(|(at, _)| at).min();
        let shown = shown.map_or(last, |shown| shown.saturating_sub(1));
        let before = self.asks.iter().filter(|ask| ask.at != ask.shown).count();
        let shown = shown.max(at);
        self.asks.insert(before, Ask { at, shown, asked });
    }

    /// Looks up where the calls were made.
    pub fn place(&mut self, listing: &mut Listing) {
        for moment in &mut self.moments {
            moment.p = moment
                .place
                .and_then(|(file, line)| listing.find(file, line));
        }
    }

    /// See [`MOST`].
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The command line, without the flags that say how to show it.
    pub fn command(&self) -> &str {
        &self.command
    }
}
