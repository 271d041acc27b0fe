//! One run on the page: its moments, beside the lines of its trace and its
//! records. Both come from the formats that print them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::{Report, Run};
use crate::show::json::Json;
use crate::show::page::fold::{Checks, Fold, Input};
use crate::show::page::html::{escape, visible};
use crate::show::page::listing::Listing;
use crate::show::page::moment::{Ask, Asked, Kind, Moment};
use crate::show::text::{Text, is_whole_echo, table};
use crate::show::{Charset, Look, Timing, Trace};
use crate::trace::escape::escape as as_strace;
use crate::trace::{Call, Name, Record};

/// Moments that a page holds; a browser has to draw a bar for each.
pub const MOST: usize = 10_000;

/// Bytes of a client that the page can draw one by one.
const STREAM: usize = 2048;

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// A call has returned.
    Returned(&'a Record),
    /// The server sleeps in this call, for one client.
    DoesNotReturn(&'a Call),
    /// A client acts.
    Step(&'a Step),
    /// Before the first hang-up: what is unread, and nobody will be told.
    Stranded(&'a [(Name, u64)], &'a Asleep),
    /// Who waited meanwhile, and how long they were to be watched.
    Blocked(&'a Blocked, Duration),
    /// The listener is shut down, so many nanoseconds after the start.
    ShutDown(&'a Asleep, u64),
    /// It is over.
    Summary(&'a Report),
}

/// See the module.
#[derive(Debug)]
pub struct Part {
    run: Run,
    command: String,
    fold: Fold,
    text: Text,
    out: Vec<u8>,
    json: Json,
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
    /// Moments in calls that have not returned yet.
    asleep: Vec<usize>,
    cut: bool,
}

/// The run as the page reads it.
#[derive(Serialize)]
pub struct Data<'a> {
    command: &'a str,
    title: &'a str,
    chips: Vec<&'a str>,
    api: &'static str,
    wait: Option<&'static str>,
    nonblock: bool,
    buffer: usize,
    names: Vec<String>,
    streams: BTreeMap<&'a str, String>,
    lines: &'a [String],
    records: &'a [Box<RawValue>],
    moments: &'a [Moment],
    asks: &'a [Ask],
    compared: u64,
    differed: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

impl Part {
    /// Nothing has happened yet.
    pub fn new(run: &Run) -> Part {
        let look = Look {
            trace: Trace::Calls,
            timing: Timing::Hidden,
            charset: Charset::Unicode,
        };
        let command = format!("epoll-lab {}{}", run.command.name(), run.flags);
        let mut part = Part {
            run: run.clone(),
            command: visible(&command),
            fold: Fold::new(run),
            text: Text::new(look),
            out: Vec::new(),
            json: Json::new(look),
            head: String::new(),
            lines: Vec::new(),
            tail: String::new(),
            records: Vec::new(),
            moments: Vec::new(),
            asks: Vec::new(),
            setup: Vec::new(),
            held: None,
            streams: BTreeMap::new(),
            asleep: Vec::new(),
            cut: false,
        };
        // Writing to a Vec cannot fail, here and below.
        let _ = part.text.run(run, &mut part.out);
        part.head = part.printed().join(" ").replace("  ", " ");
        let _ = part.json.run(run, &mut part.out);
        part.keep_records();
        part
    }

    /// Something happens.
    pub fn take(&mut self, happening: Happening<'_>) {
        if let Happening::Returned(record) = happening {
            if self.is_setup(record) {
                return self.setup.push(record.clone());
            }
            self.flush_setup();
            let held = self.held.take();
            let echo = held
                .as_ref()
                .is_some_and(|held| is_whole_echo(held, record));
            return match held {
                Some(held) if echo => self.group(Input::Echo(&held, record)),
                held => {
                    if let Some(held) = held {
                        self.group(Input::Call(&held));
                    }
                    match (record.call, record.result) {
                        (Call::Recv { .. }, Ok(1..)) => self.held = Some(record.clone()),
                        _ => self.group(Input::Call(record)),
                    }
                }
            };
        }
        self.flush();
        match happening {
            Happening::Returned(_) => {}
            Happening::DoesNotReturn(call) => self.group(Input::DoesNotReturn(call)),
            Happening::Step(step) => {
                if step.action == Action::Send {
                    let stream = self.streams.entry(step.client.to_string()).or_default();
                    let room = STREAM.saturating_sub(stream.len());
                    stream.extend(step.data.iter().take(room));
                }
                self.group(Input::Step(step));
            }
            Happening::Stranded(stranded, asleep) => self.group(Input::Stranded(stranded, asleep)),
            Happening::Blocked(blocked, stall) => {
                let _ = self.text.evidence(blocked, &mut self.out);
                let _ = self.text.blocked(blocked, stall, &mut self.out);
                self.group(Input::Blocked(blocked));
            }
            Happening::ShutDown(asleep, _) => self.group(Input::ShutDown(asleep)),
            Happening::Summary(report) => self.end(report),
        }
    }

    fn is_setup(&self, record: &Record) -> bool {
        let listening =
            |fd: Option<crate::trace::Fd>| fd.is_some_and(|fd| fd.name == Name::Listener);
        match record.call {
            _ if record.result.is_err() => false,
            Call::Socket | Call::Setsockopt { .. } | Call::Bind { .. } => true,
            Call::Listen { .. } | Call::EpollCreate1 => true,
            Call::EpollCtl { .. } => !self.setup.is_empty() && listening(record.call.fd()),
            _ => false,
        }
    }

    fn flush_setup(&mut self) {
        let setup = std::mem::take(&mut self.setup);
        if !setup.is_empty() {
            self.group(Input::SetUp(&setup));
        }
    }

    fn flush(&mut self) {
        self.flush_setup();
        if let Some(held) = self.held.take() {
            self.group(Input::Call(&held));
        }
    }

    /// The lines, the records and the moments of one input.
    fn group(&mut self, input: Input<'_>) {
        let (text, out) = (&mut self.text, &mut self.out);
        let _ = match input {
            Input::SetUp(records) => records.iter().try_for_each(|r| text.record(r, out)),
            Input::Call(record) => text.record(record, out),
            Input::Echo(recv, send) => text.record(recv, out).and_then(|()| text.record(send, out)),
            Input::DoesNotReturn(call) => text.does_not_return(call, out),
            Input::Step(step) => text.step(step, out),
            Input::Stranded(stranded, asleep) => text.stranded(stranded, asleep, out),
            Input::ShutDown(asleep) => text.shut_down(asleep, 0, out),
            Input::Blocked(_) | Input::Note(_) | Input::End(_) => Ok(()),
        };
        let _ = text.finish(out);
        let first = self.lines.len();
        let printed = self.printed();
        self.lines.extend(printed);
        let (json, out) = (&mut self.json, &mut self.out);
        let _ = match input {
            Input::SetUp(records) => records.iter().try_for_each(|r| json.record(r, out)),
            Input::Call(record) => json.record(record, out),
            Input::Echo(recv, send) => json.record(recv, out).and_then(|()| json.record(send, out)),
            Input::Step(step) => json.step(step, out),
            Input::Blocked(blocked) => json.blocked(blocked, out),
            Input::End(report) => json.summary(report, out),
            _ => Ok(()),
        };
        let record = self.records.len();
        self.keep_records();
        if self.cut && !matches!(input, Input::End(_)) {
            self.lines.truncate(first);
            self.records.truncate(record);
            return;
        }
        let returned = match input {
            Input::Call(record) | Input::Echo(record, _) => record.line,
            _ => None,
        };
        if matches!(input, Input::Call(_) | Input::Echo(..)) {
            // What it slept in is what has returned now.
            for index in self.asleep.drain(..) {
                self.moments[index].place = returned;
            }
        }
        let last = self.lines.len().saturating_sub(1);
        for mut moment in self.fold.take(input) {
            moment.r = (record, self.records.len());
            moment.l = match moment.k {
                // Where the server sleeps stands beside the step that follows.
                Kind::Sleep if matches!(input, Input::Step(_) | Input::ShutDown(_)) => {
                    moment.h = true;
                    (first, first)
                }
                Kind::Sleep => (first.saturating_sub(1), first.saturating_sub(1)),
                Kind::End => (last, last),
                _ => (first.min(last), last),
            };
            self.push(moment);
        }
        self.cut |= self.moments.len() >= MOST;
    }

    fn push(&mut self, mut moment: Moment) {
        let index = self.moments.len();
        if matches!(moment.k, Kind::Sleep | Kind::Stuck) {
            self.asleep.push(index);
        }
        if let Some(asked) = moment.ask.take() {
            self.asks.push(placed(asked, index, index));
        }
        self.moments.push(moment);
    }

    fn end(&mut self, report: &Report) {
        self.group(Input::End(report));
        let mut tail = Vec::new();
        let _ = table::counts(report, self.text.look(), &mut tail);
        let _ = std::io::Write::write_all(&mut tail, b"\n");
        let _ = table::verdict(report, &mut tail);
        self.tail = plain(&tail);
    }

    /// Questions about the whole of the run: asked before the first message,
    /// answered by how things stand before the first hang-up.
    pub fn ask(&mut self, asked: Vec<Asked>) {
        let first = |action: &str| {
            let mut moments = self.moments.iter();
            moments.position(|moment| moment.k == Kind::Client && moment.s.contains(action))
        };
        let Some(at) = first(" sends ") else { return };
        let end = self.moments.len() - 1;
        let back = [first(" receives "), first(" hangs up")];
        let shown = back.into_iter().flatten().min().unwrap_or(end);
        let asks = asked.into_iter().map(|asked| placed(asked, at, shown - 1));
        self.asks.splice(0..0, asks);
    }

    /// Looks up where the calls were made.
    pub fn place(&mut self, listing: &mut Listing) {
        for moment in &mut self.moments {
            moment.p = moment.place.and_then(|place| listing.find(place));
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

    /// Derived numbers beside measured ones.
    pub fn checks(&self) -> Checks {
        self.fold.checks()
    }

    /// As a program without pictures prints it, for whoever has no JavaScript,
    /// and for paper.
    pub fn text(&self) -> String {
        let trace = escape(&self.lines.join("\n"));
        let (command, head) = (escape(&self.command), escape(&self.head));
        let tail = escape(self.tail.trim_end());
        format!("<h2>$ {command} --trace</h2>\n<pre>{head}\n\n{trace}\n{tail}</pre>")
    }

    /// See [`Data`].
    pub fn data(&self) -> Data<'_> {
        let mut chips = self.head.split(" | ");
        let checks = self.checks();
        let streams = self.streams.iter();
        Data {
            command: &self.command,
            title: chips.next().unwrap_or_default(),
            chips: chips.collect(),
            api: self.run.api.name(),
            wait: self.run.api.wait_call(),
            nonblock: self.run.socket == crate::server::mode::SocketKind::Nonblocking,
            buffer: self.run.buffer,
            names: self.fold.names(),
            streams: streams
                .map(|(name, bytes)| (name.as_str(), as_strace(bytes)))
                .collect(),
            lines: &self.lines,
            records: &self.records,
            moments: &self.moments,
            asks: &self.asks,
            compared: checks.compared,
            differed: checks.differed,
            cut: self.cut,
        }
    }

    /// Takes what a format has printed, without its colours.
    fn printed(&mut self) -> Vec<String> {
        let printed = plain(&std::mem::take(&mut self.out));
        let lines = printed.trim_end().lines();
        lines.map(str::to_string).collect()
    }

    fn keep_records(&mut self) {
        let printed = String::from_utf8(std::mem::take(&mut self.out)).unwrap_or_default();
        let raw = printed
            .lines()
            .map(|line| RawValue::from_string(line.into()));
        self.records.extend(raw.flatten());
    }
}

fn placed(asked: Asked, at: usize, shown: usize) -> Ask {
    Ask {
        at,
        shown,
        q: asked.question,
        o: asked.options,
        a: asked.answer,
        why: asked.reason,
    }
}

/// Without colours, which whoever prints decides on for the screen.
fn plain(printed: &[u8]) -> String {
    let printed = anstream::adapter::strip_bytes(printed).into_vec();
    String::from_utf8_lossy(&printed).into_owned()
}
