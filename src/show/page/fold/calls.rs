//! What the server's calls change.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::lab::report::Api;
use crate::lab::report::verdict::plural;
use crate::show::page::ask;
use crate::show::page::fold::Fold;
use crate::show::page::fold::client::Place;
use crate::show::page::moment::{Asked, Kind, Moment, Way};
use crate::trace::words::call_text;
use crate::trace::{Call, CtlOp, Event, Fd, Name, Record, errno_text};

impl Fold {
    pub(super) fn set_up(&mut self, records: &[Record]) -> Moment {
        for record in records {
            self.note_new(record);
            if let (Call::EpollCtl { fd, interest, .. }, Ok(_)) = (record.call, record.result) {
                self.list.register(fd.raw, interest, false);
                self.paint_interest(fd.raw, Some(interest));
            }
        }
        let last = records.last().map(call_text).unwrap_or_default();
        self.thread("run", last);
        let say = match (self.listener, self.epoll) {
            (Some(listener), Some(epoll)) => format!(
                "The server has a listener, fd {listener}, and an epoll instance, fd {epoll}. \
                 The listener is on its interest list."
            ),
            (Some(listener), None) => format!("The server has a listener, fd {listener}."),
            _ => "The server makes its sockets.".into(),
        };
        Moment::new(Kind::Setup, say).look("interest").look("L")
    }

    /// A listener or an epoll instance comes into being.
    fn note_new(&mut self, record: &Record) {
        match (record.call, record.result) {
            (Call::Listen { fd, .. }, Ok(_)) => {
                self.listener = Some(fd.raw);
                self.board.set("lfd", fd.raw);
            }
            (Call::EpollCreate1, Ok(fd)) => {
                self.epoll = Some(fd);
                self.board.set("efd", fd);
            }
            _ => {}
        }
    }

    /// A call has returned; `echo` is the send that gave back what a recv had
    /// brought.
    pub(super) fn call(&mut self, record: &Record, echo: Option<&Record>) -> Moment {
        self.note_new(record);
        self.thread("run", call_text(record));
        let mut moment = match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => self.wait(record),
            Call::Accept4 { .. } => self.accept(record),
            Call::EpollCtl {
                op, fd, interest, ..
            } => self.ctl(record, op, fd, interest),
            Call::FcntlGetfl { fd } => says(format!("fcntl reads the flags of fd {}.", fd.raw)),
            Call::FcntlSetfl { fd, .. } => says(format!(
                "fcntl makes fd {} non-blocking: recv will never sleep.",
                fd.raw
            )),
            Call::Recv { fd, .. } => self.recv(record, fd, echo),
            Call::Send { fd, length, .. } => self.send(record, fd, length),
            Call::Close { fd } => self.close(record, fd),
            _ => says(format!("{}.", call_text(record))),
        };
        if let (Err(errno), true) = (record.result, moment.s.is_empty()) {
            moment.s = match errno {
                Errno::EINTR => "A signal came before anything was done: again.".into(),
                errno => format!("{} fails: {}.", record.call.name(), errno_text(errno)),
            };
        }
        self.open = None;
        moment.place = record.line;
        moment.look("thread")
    }

    fn wait(&mut self, record: &Record) -> Moment {
        self.buffer(None);
        if record.result.is_err() {
            return says("");
        }
        self.waits += 1;
        let call = record.call.name();
        let foreseen = matches!(record.events[..], [_]) && self.last == Kind::Call;
        let reported: Vec<i32> = record.events.iter().map(|event| event.fd.raw).collect();
        let mut kind = Kind::Call;
        for event in &record.events {
            kind = match self.report(event) {
                true => Kind::Report,
                false => kind,
            };
        }
        let mut moment = says(match record.events[..] {
            [] => format!("{call} returns 0: its time is up."),
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
            [event] => self.ask_report(call, &event, foreseen),
            _ => None,
        };
        if self.api == Api::Epoll {
            let wants_out = reported.iter().any(|fd| {
                let interest = self.list.interest.get(fd);
                interest.is_none_or(|interest| interest.contains(EpollFlags::EPOLLOUT))
            });
            let readable: Vec<i32> = self.list.ready.clone();
            let readable: Vec<i32> = readable
                .into_iter()
                .filter(|fd| self.is_readable(*fd))
                .collect();
            let stood = self.list.returned(&reported, |fd| readable.contains(&fd));
            if !wants_out {
                self.check(stood);
            }
            moment = moment.look("ready");
        } else {
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
    fn report(&mut self, event: &Event) -> bool {
        let name = event.fd.name;
        if !matches!(name, Name::Client(_) | Name::Letter(_)) {
            self.listener_reports += u64::from(name == Name::Listener);
            return false;
        }
        let client = self.client(name);
        client.clear_up(false);
        match event.unread == Some(0) && !event.ready.writable() {
            true => client.unclear = true,
            false => client.reports += 1,
        }
        self.measure(name, event.unread);
        true
    }

    /// What one report says.
    fn one(&self, event: &Event) -> String {
        let (fd, name) = (event.fd.raw, event.fd.name);
        let ready = crate::trace::words::ready_names(&event.ready).join("|");
        if name == Name::Listener {
            return match event.ready.hung_up() {
                true => format!("returns: the listener has {ready}."),
                false => "returns: the listener is readable.".into(),
            };
        }
        let client = self.clients.get(&name);
        let mut text = match client.is_some_and(|client| client.unclear) {
            _ if event.ready.writable() => format!("reports {name}: there is room to send."),
            true if event.ready.hung_up() => format!("reports {name}: {ready}."),
            true => format!("reports {name}: readable, and no byte is unread: recv will tell."),
            false => format!("reports {name}: readable."),
        };
        if self.api == Api::Epoll {
            text += &match self.list.is_edge(fd) {
                true => {
                    format!(" Edge-triggered: the report takes fd {fd} off the ready list.")
                }
                false => format!(" Level-triggered: fd {fd} stays on the ready list."),
            };
        }
        text
    }

    fn ask_report(&mut self, call: &str, event: &Event, after_call: bool) -> Option<Asked> {
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

    fn accept(&mut self, record: &Record) -> Moment {
        let (Ok(fd), Some(name)) = (record.result, record.accepted) else {
            return says(match record.result {
                Err(Errno::EAGAIN) => "accept4 finds nobody in the queue.",
                Err(Errno::EINVAL) => "accept4 fails: the listener is shut down.",
                _ => "",
            })
            .look("L");
        };
        self.queue.retain(|other| *other != name);
        self.fds.insert(fd, name);
        let client = self.client(name);
        client.fd = Some(fd);
        client.place = Place::Open;
        says(format!(
            "accept4 takes {name}'s connection out of the queue. It is fd {fd}."
        ))
        .look("L")
        .look(spot(name))
    }

    fn ctl(&mut self, record: &Record, op: CtlOp, fd: Fd, interest: EpollFlags) -> Moment {
        if record.result.is_err() {
            return says("");
        }
        let raw = fd.raw;
        let how = match interest.contains(EpollFlags::EPOLLET) {
            true => "edge-triggered",
            false => "level-triggered",
        };
        let say = match op {
            CtlOp::Add => {
                format!("epoll_ctl puts fd {raw} on the interest list, {how}.")
            }
            CtlOp::Mod if interest.is_empty() => {
                format!("epoll_ctl silences fd {raw}: nothing of it will be reported.")
            }
            CtlOp::Mod if interest.contains(EpollFlags::EPOLLOUT) => {
                format!("epoll_ctl: of fd {raw} the server now wants to know when it may send.")
            }
            CtlOp::Mod => {
                format!("epoll_ctl asks for fd {raw} anew, and the kernel looks at once.")
            }
            CtlOp::Del => format!("epoll_ctl takes fd {raw} off the interest list."),
        };
        match op {
            CtlOp::Del => {
                self.list.remove(raw);
                self.paint_interest(raw, None);
            }
            CtlOp::Add | CtlOp::Mod => {
                let ready = interest.contains(EpollFlags::EPOLLIN) && self.is_readable(raw);
                self.list.register(raw, interest, ready);
                self.paint_interest(raw, Some(interest));
            }
        }
        let mut moment = says(say).look("interest");
        if self.list.ready.contains(&raw) && op == CtlOp::Add {
            moment.s += " It is ready already.";
            moment = moment.look("ready");
        }
        moment
    }

    fn recv(&mut self, record: &Record, fd: Fd, echo: Option<&Record>) -> Moment {
        let name = fd.name;
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
                    "{now}recv returns 0: {name} has hung up, and no byte is left."
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
                let mut moment = says(format!(
                    "{now}recv takes {} of {name}{left}.",
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
                says(
                    "recv says EAGAIN at once: nothing for now. The loop ends, and the thread \
                     has not slept.",
                )
                .ask(asked.then(|| ask::empty(name, 1)))
            }
            Err(Errno::EINTR) => says(""),
            Err(_) => {
                let hung_up = client.unread == 0;
                client.clear_up(hung_up);
                says("")
            }
        };
        self.echo(moment.look(spot(name)), name, echo)
    }

    fn echo(&mut self, mut moment: Moment, name: Name, echo: Option<&Record>) -> Moment {
        let Some(Ok(sent)) = echo.map(|send| send.result) else {
            return moment;
        };
        self.client(name).echoed += sent as u64;
        moment.s += &format!(" send gives them back to {name}.");
        self.board
            .set("call2", echo.map(call_text).unwrap_or_default());
        moment.flow(name, Way::Back, sent.to_string())
    }

    fn send(&mut self, record: &Record, fd: Fd, length: usize) -> Moment {
        let name = fd.name;
        match record.result {
            Ok(taken) => {
                self.client(name).echoed += taken as u64;
                let bytes = plural(taken as u64, "byte");
                says(match taken as usize == length {
                    true => format!("send gives {bytes} back to {name}."),
                    false => format!(
                        "send takes {bytes} of {length}: the rest is held up until {name} reads."
                    ),
                })
                .flow(name, Way::Back, taken.to_string())
            }
            Err(Errno::EAGAIN) => says(format!(
                "send takes nothing, EAGAIN: {name} does not read, and its buffers are full."
            )),
            Err(_) => says(""),
        }
    }

    fn close(&mut self, record: &Record, fd: Fd) -> Moment {
        let raw = fd.raw;
        let watched = self.list.interest.contains_key(&raw);
        self.list.remove(raw);
        self.fds.remove(&raw);
        if watched {
            self.paint_interest(raw, None);
        }
        match fd.name {
            Name::Listener => {
                self.listener = None;
                says("close: the listener is gone.").look("L")
            }
            Name::Plain if Some(raw) == self.epoll => {
                self.epoll = None;
                says("close: the epoll instance is gone.").look("interest")
            }
            name @ Name::Client(_) => {
                self.buffer(None);
                let lost = record.unread.unwrap_or(0);
                self.measure(name, record.unread);
                let client = self.client(name);
                client.place = Place::Closed;
                client.lost = lost;
                let off = match watched {
                    true => format!(", and the kernel takes fd {raw} off the interest list"),
                    false => String::new(),
                };
                let rest = match lost {
                    0 => ".".into(),
                    lost => format!(". {} of {name} are lost.", plural(lost, "byte")),
                };
                says(format!("close{off}{rest}"))
                    .look("interest")
                    .look(spot(name))
            }
            _ => says(format!("{}.", call_text(record))),
        }
    }

    /// The kernel says how much is unread; what was derived is compared.
    fn measure(&mut self, name: Name, unread: Option<u64>) {
        let Some(unread) = unread else { return };
        let client = self.client(name);
        let agrees = client.unread == unread;
        client.unread = unread;
        client.measured = true;
        self.check(agrees);
    }
}

fn says(say: impl Into<String>) -> Moment {
    Moment::new(Kind::Call, say)
}

/// Where a name is drawn.
pub(super) fn spot(name: Name) -> String {
    match name {
        Name::Listener => "L".into(),
        name => format!("sock-{name}"),
    }
}
