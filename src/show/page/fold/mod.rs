//! From what happens to moments: a pure function, which makes no call and asks
//! nobody.
//!
//! What is measured is taken as it comes: bytes unread (FIONREAD), the
//! interest list, where the thread sleeps, whether anything is ready. What
//! follows from that by rule is derived: the ready list and its order, which
//! bytes lie where, how much is unread between an arrival and the next look.
//! Every derived number is compared with the measured one as soon as there is
//! one ([`Fold::checks`]).

mod asleep;
mod calls;
mod client;
mod input;
mod steps;
mod traffic;

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use nix::sys::epoll::EpollFlags;
use serde_json::{Value, json};

use crate::lab::report::scene::Step;
use crate::lab::report::{EventLoop, Run};
use crate::show::page::board::{Board, nonzero, some};
use crate::show::page::fold::client::{Client, Place};
pub use crate::show::page::fold::input::Input;
use crate::show::page::moment::{Kind, Moment};
use crate::show::page::ready::ReadyList;
use crate::trace::words::epoll_names;
use crate::trace::{Call, Fd, Name};

/// Derived numbers beside measured ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// How many could be compared.
    pub compared: u64,
    /// How many of them differed; the measured one is drawn.
    pub differed: u64,
}

/// What is known so far.
#[derive(Debug, Default)]
pub struct Fold {
    api: EventLoop,
    /// A server's loop, which the rules below cover; an experiment may do
    /// what they do not, and then nothing is derived.
    rules: bool,
    /// By name; those of the script from the start.
    clients: BTreeMap<Name, Client>,
    fds: BTreeMap<RawFd, Name>,
    list: ReadyList,
    epoll: Option<RawFd>,
    /// Made so far.
    epolls: u64,
    listener: Option<RawFd>,
    shut_down: bool,
    queue: Vec<Name>,
    waits: u64,
    listener_reports: u64,
    /// The call that does not return.
    open: Option<Call>,
    /// The sleep that has been told, by [`Asleep::steps`].
    slept: Option<u64>,
    /// Who has been touched last, first.
    recent: Vec<Name>,
    /// What was the last thing to happen.
    last: Kind,
    /// Which questions have been asked.
    asked: Vec<&'static str>,
    checks: Checks,
    board: Board,
}

/// Clients that are drawn in full.
const DRAWN: usize = 4;

impl Fold {
    /// Nothing has happened yet.
    pub fn new(run: &Run) -> Fold {
        let names = (0..run.clients).map(|index| Name::Client(index as u32));
        Fold {
            rules: true,
            clients: names.map(|name| (name, Client::default())).collect(),
            ..Fold::experiment(run.api)
        }
    }

    /// The same for an experiment: its sockets come as they are made, and
    /// nothing is derived.
    pub fn experiment(api: EventLoop) -> Fold {
        Fold {
            api,
            ..Fold::default()
        }
    }

    /// How often a derived number met a measured one.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// Whether the ready list is derived.
    pub fn has_rules(&self) -> bool {
        self.rules
    }

    /// Everybody who has a row in the picture.
    pub fn names(&self) -> Vec<String> {
        self.clients.keys().map(Name::to_string).collect()
    }

    /// What there is to see of it: a moment a line, and one more where the
    /// server goes to sleep before.
    pub fn take(&mut self, input: Input<'_>) -> Vec<Moment> {
        let mut moments = Vec::new();
        match input {
            Input::Step(Step {
                asleep: Some(asleep),
                ..
            })
            | Input::Stranded(_, asleep)
            | Input::ShutDown(asleep) => {
                let sleep = self.fall_asleep(asleep);
                moments.extend(sleep.map(|sleep| self.cut(sleep)));
            }
            _ => {}
        }
        self.forget_ghosts();
        let moment = match input {
            Input::SetUp(records) => Some(self.set_up(records)),
            Input::Call(record) => Some(self.call(record, None)),
            Input::Echo(recv, send) => Some(self.call(recv, Some(send))),
            Input::HungUp(recv, close) => Some(self.hung_up(recv, close)),
            Input::DoesNotReturn(call) => Some(self.does_not_return(call)),
            Input::Step(step) => self.step(step),
            Input::Stranded(stranded, asleep) => self.stranded(stranded, asleep),
            Input::Blocked(blocked) => Some(self.blocked(blocked)),
            Input::ShutDown(_) => Some(self.shut_down()),
            Input::Note(note) => Some(Moment::new(Kind::Note, note)),
            Input::Folded => {
                // What is counted call by call has missed some.
                self.board.set("folded", 1);
                Some(Moment::new(Kind::Note, "And so on, many times."))
            }
            Input::Conclusion(sentence) => {
                self.thread("end", "");
                Some(Moment::new(Kind::End, sentence))
            }
            Input::End(summary) => Some(self.end(summary)),
        };
        moments.extend(moment.map(|moment| self.cut(moment)));
        moments
    }

    /// So many reports are not told one by one.
    pub fn unseen(&mut self, name: Name, reports: u64) {
        self.client(name).reports += reports;
    }

    /// Paints what has changed.
    fn cut(&mut self, mut moment: Moment) -> Moment {
        for (name, client) in &mut self.clients {
            if std::mem::take(&mut client.touched) {
                client.paint(&name.to_string(), &mut self.board);
                self.recent.retain(|other| other != name);
                self.recent.insert(0, *name);
            }
        }
        if self.clients.len() > DRAWN {
            let mut drawn: Vec<Name> = self.recent.iter().take(DRAWN).copied().collect();
            drawn.sort();
            let drawn: Vec<String> = drawn.iter().map(Name::to_string).collect();
            self.board.set("draw", drawn);
        }
        let queue: Vec<String> = self.queue.iter().map(Name::to_string).collect();
        self.board.set("queue", some(queue));
        if self.rules {
            self.board.set("ready", some(self.list.ready.clone()));
        }
        self.board.set("waits", nonzero(self.waits));
        self.board.set("lrep", nonzero(self.listener_reports));
        moment.d = self.board.cut();
        self.last = moment.k;
        moment
    }

    /// Bytes just taken are to be seen for one moment.
    fn forget_ghosts(&mut self) {
        for client in self.clients.values_mut().filter(|client| client.took > 0) {
            client.took = 0;
            client.touched = true;
        }
    }

    /// What the thread does: `run`, `any`, `one` or `end`, and in which call.
    fn thread(&mut self, state: &'static str, call: impl Into<String>) {
        self.board.set("th", state);
        self.board.set("call", call.into());
        self.board.set("call2", Value::Null);
        self.board.set("for", Value::Null);
    }

    /// The server's own buffer: bytes of whom, from where to where.
    fn buffer(&mut self, of: Option<(Name, u64, u64)>) {
        let of = of.map(|(name, from, to)| json!([name.to_string(), from, to]));
        self.board.set("buf", of.unwrap_or(Value::Null));
    }

    fn client(&mut self, name: Name) -> &mut Client {
        let client = self.clients.entry(name).or_default();
        client.touched = true;
        client
    }

    /// A socket that somebody else has opened, at its first call.
    fn meet(&mut self, fd: Option<Fd>) {
        if let Some(fd) = fd.filter(|fd| is_peer(fd.name) && !self.rules) {
            self.fds.insert(fd.raw, fd.name);
            let client = self.client(fd.name);
            if client.fd != Some(fd.raw) {
                client.fd = Some(fd.raw);
                client.place = Place::Open;
            }
        }
    }

    fn name(&self, fd: RawFd) -> Name {
        match Some(fd) == self.listener {
            true => Name::Listener,
            false => self.fds.get(&fd).copied().unwrap_or(Name::Plain),
        }
    }

    /// Whether recv or accept4 would not sleep.
    fn is_readable(&self, fd: RawFd) -> bool {
        match self.name(fd) {
            Name::Listener => !self.queue.is_empty() || self.shut_down,
            name => self.clients.get(&name).is_some_and(Client::is_readable),
        }
    }

    /// Who stands on the ready list with reason.
    fn ready_and_readable(&self) -> Vec<RawFd> {
        let listed = self.list.ready.iter().copied();
        listed.filter(|fd| self.is_readable(*fd)).collect()
    }

    /// How it stands on the interest list, for the picture.
    fn paint_interest(&mut self, fd: RawFd, interest: Option<EpollFlags>) {
        let shown = interest.map(|interest| {
            let names = epoll_names(interest);
            let short = names.iter().map(|name| name.trim_start_matches("EPOLL"));
            let short: Vec<&str> = short.collect();
            json!([self.name(fd).to_string(), short.join(" ")])
        });
        self.board
            .set(format!("i.{fd}"), shown.unwrap_or(Value::Null));
    }

    /// A derived number has met a measured one.
    fn check(&mut self, agrees: bool) {
        if self.rules {
            self.checks.compared += 1;
            self.checks.differed += u64::from(!agrees);
        }
    }

    /// True once for each `question`: a class that is asked the same again
    /// stops listening. An experiment has a question of its own.
    fn ask_once(&mut self, question: &'static str) -> bool {
        let new = self.rules && !self.asked.contains(&question);
        if new {
            self.asked.push(question);
        }
        new
    }
}

/// One end of a connection, which has a row in the picture.
fn is_peer(name: Name) -> bool {
    matches!(name, Name::Client(_) | Name::Letter(_))
}
