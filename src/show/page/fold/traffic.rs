//! What the waits report, and what recv and send move.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::lab::report::EventLoop;
use crate::lab::report::verdict::plural;
use crate::show::page::ask;
use crate::show::page::fold::calls::{says, spot};
use crate::show::page::fold::{Fold, is_peer};
use crate::show::page::moment::{Asked, Kind, Moment, Way};
use crate::trace::words::{call_text, ready_names};
use crate::trace::{Fd, Name, Record, Report};

impl Fold {
    pub(super) fn wait(&mut self, record: &Record) -> Moment {
        self.buffer(None);
        if record.result.is_err() {
            return says("");
        }
        self.waits += 1;
        let call = record.call.name();
        let after_call = self.last == Kind::Call;
        let reported: Vec<i32> = record.events.iter().map(|event| event.fd.raw).collect();
        let mut kind = Kind::Call;
        for event in &record.events {
            kind = match self.report(event) {
                true => Kind::Report,
                false => kind,
            };
        }
        let mut moment = says(match record.events[..] {
            [] => match record.call.timeout() {
                Some(0) => format!("{call} returns 0 at once: nothing is ready."),
                Some(ms) => format!("{call} returns 0: nothing was ready within {ms} ms."),
                None => format!("{call} returns 0."),
            },
            [event] => format!("{call} {}", self.one(&event)),
            _ => {
                let fds: Vec<String> = record.events.iter().map(|e| e.fd.to_string()).collect();
                format!(
                    "{call} returns {} reports at once: {}.",
                    fds.len(),
                    fds.join(", ")
                )
            }
        });
        moment.k = kind;
        moment.ask = match record.events[..] {
            [event] => self.ask_report(call, &event, after_call),
            _ => None,
        };
        if self.api == EventLoop::Epoll {
            let wants_out = reported.iter().any(|fd| {
                let interest = self.list.interest.get(fd);
                interest.is_none_or(|interest| interest.contains(EpollFlags::EPOLLOUT))
            });
            let readable = self.ready_and_readable();
            let stood = self.list.returned(&reported, |fd| readable.contains(&fd));
            if !wants_out {
                self.check(stood);
            }
            moment = moment.look("ready");
        } else if self.rules {
            let cost = &record.cost;
            moment.s += &format!(
                " The program has handed over {}, and tested {} to find it.",
                plural(cost.handed, "fd"),
                cost.tested.max(1)
            );
        }
        for event in &record.events {
            moment = moment.look(spot(event.fd.name));
        }
        moment
    }

    /// Counts a report; whether it is a client's.
    fn report(&mut self, event: &Report) -> bool {
        let name = event.fd.name;
        self.meet(Some(event.fd));
        if !is_peer(name) {
            self.listener_reports += u64::from(name == Name::Listener);
            return false;
        }
        let client = self.client(name);
        client.clear_up(false);
        if event.ready.writable() {
            client.full = Some(false);
        }
        match event.unread == Some(0) && !event.ready.writable() {
            true => client.unclear = true,
            false => client.reports += 1,
        }
        self.measure(name, event.unread);
        true
    }

    /// What one report says.
    fn one(&self, event: &Report) -> String {
        let (fd, name) = (event.fd.raw, event.fd.name);
        let ready = ready_names(&event.ready).join("|");
        if name == Name::Listener {
            return match event.ready.hung_up() {
                true => format!("returns: the listener has {ready}."),
                false => "returns: the listener is readable.".into(),
            };
        }
        let client = self.clients.get(&name);
        let mut text = match client.is_some_and(|client| client.unclear) {
            _ if event.ready.writable() && ready.contains('|') => {
                format!("reports {name}: {ready}.")
            }
            _ if event.ready.writable() => format!("reports {name}: there is room to send."),
            true if event.ready.hung_up() => format!("reports {name}: {ready}."),
            true => format!("reports {name}: readable, and no byte is unread: recv will tell."),
            false => format!("reports {name}: readable."),
        };
        if self.api == EventLoop::Epoll && self.rules {
            text += &match self.list.is_edge(fd) {
                true => {
                    format!(" Edge-triggered: the report takes fd {fd} off the ready list.")
                }
                false => format!(" Level-triggered: fd {fd} stays on the ready list."),
            };
        }
        text
    }

    fn ask_report(&mut self, call: &str, event: &Report, after_call: bool) -> Option<Asked> {
        let name = event.fd.name;
        let client = self.clients.get(&name)?;
        let unread = event.unread.filter(|unread| *unread > 0)?;
        if after_call && client.reports > 1 {
            return self
                .ask_once("again")
                .then(|| ask::again(call, name, unread, true));
        }
        let first = self.last == Kind::Client && client.reports == 1;
        (first && self.ask_once("what")).then(|| ask::what(call, name, unread))
    }

    pub(super) fn recv(&mut self, record: &Record, fd: Fd, echo: Option<&Record>) -> Moment {
        let (name, call) = (fd.name, record.call.name());
        let resumed = self.open.is_some();
        let last_was_wait = self.last == Kind::Report;
        let client = self.client(name);
        client.recv += u64::from(!resumed);
        let before = client.unread;
        let now = if resumed { "Now " } else { "" };
        let moment = match record.result {
            Ok(0) => {
                client.clear_up(true);
                self.buffer(None);
                says(format!(
                    "{now}{call} returns 0: {name} has hung up, and no byte is left."
                ))
            }
            Ok(taken) => {
                let taken = taken as u64;
                client.clear_up(false);
                let from = client.read;
                client.read += taken;
                client.unread = client.unread.saturating_sub(taken);
                client.took = taken;
                let first = client.recv == 1 && last_was_wait;
                self.measure(name, record.unread);
                self.buffer(Some((name, from, from + taken)));
                let left = record
                    .unread
                    .map_or(String::new(), |left| format!(", {left} stay in the kernel"));
                let of = match name {
                    Name::Client(_) => format!(" of {name}"),
                    _ => String::new(),
                };
                let mut moment = says(format!(
                    "{now}{call} takes {}{of}{left}.",
                    plural(taken, "byte")
                ));
                if first && before > taken && self.ask_once("recv") {
                    moment.ask = Some(ask::how_many(name, before, taken));
                }
                moment
            }
            Err(Errno::EAGAIN) => {
                client.clear_up(false);
                client.eagain += 1;
                self.buffer(None);
                let asked = self.last != Kind::Report && self.ask_once("empty");
                says(format!(
                    "{call} says EAGAIN at once: nothing for now. The loop ends, and the thread \
                     has not slept."
                ))
                .ask(asked.then(|| ask::empty(name, 1)))
            }
            Err(Errno::EINTR) => says(""),
            Err(_) => {
                let hung_up = client.unread == 0;
                client.clear_up(hung_up);
                says("")
            }
        };
        if !matches!(record.result, Ok(1..)) {
            self.measure(name, record.unread);
        }
        self.echo(moment.look(spot(name)), name, echo)
    }

    fn echo(&mut self, mut moment: Moment, name: Name, echo: Option<&Record>) -> Moment {
        let Some((call, Ok(sent))) = echo.map(|send| (send.call.name(), send.result)) else {
            return moment;
        };
        self.client(name).echoed += sent as u64;
        moment.s += &format!(" {call} gives them back to {name}.");
        self.board
            .set("call2", echo.map(call_text).unwrap_or_default());
        moment.flow(name, Way::Back, sent.to_string())
    }

    pub(super) fn send(&mut self, record: &Record, fd: Fd, length: usize) -> Moment {
        let (name, call) = (fd.name, record.call.name());
        match record.result {
            Ok(taken) => {
                let partly = (taken as usize) < length;
                let client = self.client(name);
                client.echoed += taken as u64;
                client.full = Some(partly);
                let bytes = plural(taken as u64, "byte");
                if !self.rules {
                    return says(format!("{call} takes {bytes} of {length}."));
                }
                says(match taken as usize == length {
                    true => format!("{call} gives {bytes} back to {name}."),
                    false => format!(
                        "{call} takes {bytes} of {length}: the rest is held up until {name} reads."
                    ),
                })
                .flow(name, Way::Back, taken.to_string())
            }
            Err(Errno::EAGAIN) if !self.rules => {
                self.client(name).full = Some(true);
                says(format!(
                    "{call} takes nothing, EAGAIN: the send buffer is full."
                ))
            }
            Err(Errno::EAGAIN) => says(format!(
                "{call} takes nothing, EAGAIN: {name} does not read, and its buffers are full."
            )),
            Err(_) => says(""),
        }
    }

    /// The kernel says how much is unread; what was derived is compared.
    pub(super) fn measure(&mut self, name: Name, unread: Option<u64>) {
        let Some(unread) = unread else { return };
        let client = self.client(name);
        let agrees = client.unread == unread;
        client.unread = unread;
        client.measured = true;
        self.check(agrees);
    }
}
