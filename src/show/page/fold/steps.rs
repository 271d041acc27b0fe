//! What the clients change, and what is seen of a server that sleeps.

use serde_json::Value;

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::verdict::{plural, sentence};
use crate::lab::report::{EventLoop, Summary};
use crate::show::page::ask;
use crate::show::page::board::{Delta, some};
use crate::show::page::fold::Fold;
use crate::show::page::fold::calls::spot;
use crate::show::page::fold::client::Place;
use crate::show::page::moment::{Kind, Moment, Way};
use crate::trace::words::open_text;
use crate::trace::{Call, Fd, Name, errno_name};

impl Fold {
    /// The server sleeps for anybody, where that is news.
    pub(super) fn fall_asleep(&mut self, asleep: &Asleep) -> Option<Moment> {
        // That a call for one client does not return has been told.
        if self.slept == Some(asleep.steps) || asleep.for_one().is_some() {
            return None;
        }
        self.slept = Some(asleep.steps);
        self.forget_ghosts();
        if asleep.is_held() {
            return Some(self.held(asleep));
        }
        let call = asleep.call;
        let gone = self.ask_all();
        self.compare_ready(asleep);
        let left = self.clients.iter().find_map(|(name, client)| {
            let unread = client.place == Place::Open && client.unread > 0;
            unread.then_some((*name, client.unread))
        });
        let sleeps_in = match asleep.fd {
            Some(fd) => format!("{call}({fd})"),
            None => format!("{call}(...)"),
        };
        self.thread("any", sleeps_in);
        self.buffer(None);
        for client in self.clients.values_mut() {
            if client.unread == 0 && client.base != client.read {
                client.base = client.read;
                client.touched = true;
            }
        }
        let gone = gone.iter().rev();
        let gone = gone
            .filter(|_| self.rules)
            .find(|fd| Some(**fd) != self.listener);
        let say = match (left, gone) {
            (Some((name, unread)), _) if !self.rules => {
                format!(
                    "{call} sleeps, although {} of {name} are unread.",
                    plural(unread, "byte")
                )
            }
            (Some((name, unread)), _) => format!(
                "{call} sleeps, although {} of {name} are unread: nothing new has come for \
                 {name} since its report.",
                plural(unread, "byte")
            ),
            (None, Some(fd)) => format!(
                "{call} asks fd {fd}: no longer readable. It comes off the ready list, and the \
                 thread sleeps, for anybody."
            ),
            (None, None) if self.api == EventLoop::None => {
                "The queue is empty. The thread sleeps in accept4, for anybody.".into()
            }
            (None, None) if !self.rules => format!("The program sleeps in {call}, for anybody."),
            (None, None) => format!("Nothing is ready. The thread sleeps in {call}, for anybody."),
        };
        let asked = left.filter(|_| self.last == Kind::Call && self.ask_once("again"));
        let mut moment = Moment::new(Kind::Sleep, say).look("thread");
        if gone.is_some() || left.is_some() {
            moment = moment.look("ready");
        }
        Some(moment.ask(asked.map(|(name, unread)| ask::again(call, name, unread, false))))
    }

    /// The lab holds the server, as if it were busy.
    fn held(&mut self, asleep: &Asleep) -> Moment {
        let call = asleep.call;
        self.compare_ready(asleep);
        self.thread("held", format!("before {call}"));
        self.buffer(None);
        let say = format!(
            "The thread is busy: the lab holds it, and its next {call} has not begun. Clients may \
             send meanwhile."
        );
        Moment::new(Kind::Sleep, say).look("thread")
    }

    /// The server rests. Where it goes to sleep now, that becomes a moment of
    /// its own; otherwise what this tells belongs to the last one.
    pub fn rest(&mut self, asleep: &Asleep) -> Delta {
        if self.slept != Some(asleep.steps) && asleep.for_one().is_none() {
            return Delta::new();
        }
        self.compare_ready(asleep);
        self.board.set("ready", some(self.list.ready.clone()));
        self.board.cut()
    }

    /// A wait that sleeps has asked everyone on the ready list.
    fn ask_all(&mut self) -> Vec<i32> {
        let listed = self.list.ready.iter().copied();
        let readable: Vec<i32> = listed.filter(|fd| self.is_readable(*fd)).collect();
        self.list.ask_all(|fd| readable.contains(&fd))
    }

    /// The epoll fd was polled: it is readable as long as anything is ready.
    fn compare_ready(&mut self, asleep: &Asleep) {
        if let Some(ready) = asleep.ready {
            // The poll, too, drops what is no longer ready.
            self.ask_all();
            self.check(ready != self.list.ready.is_empty());
        }
    }

    pub(super) fn does_not_return(&mut self, call: &Call) -> Moment {
        self.open = Some(*call);
        self.thread(
            "one",
            open_text(call).trim_end_matches(", ...").to_string() + ")",
        );
        self.buffer(None);
        let name = call.fd().map_or(Name::Plain, |fd| fd.name);
        self.board.set("for", name.to_string());
        let (text, unread) = (call.name(), self.client(name).unread);
        let client = self.client(name);
        if matches!(call, Call::Recv { .. }) {
            client.clear_up(false);
            client.recv += 1;
        }
        let asked = unread == 0 && self.api != EventLoop::None && self.ask_once("empty");
        let say = match call {
            Call::Recv { .. } => format!(
                "{text} for {name} does not return. Nothing of {name} is unread: the thread is \
                 asleep, for {name} alone."
            ),
            _ => format!("{text} for {name} does not return: the thread is asleep."),
        };
        Moment::new(Kind::Stuck, say)
            .look("thread")
            .ask(asked.then(|| ask::empty(name, 2)))
    }

    pub(super) fn step(&mut self, step: &Step) -> Option<Moment> {
        let name = step.client;
        let bytes = step.data.len() as u64;
        let asleep = step.asleep.and_then(|asleep| asleep.for_one());
        let (fd, place) = (self.client(name).fd, self.client(name).place);
        let watched = fd.filter(|fd| self.rules && self.list.interest.contains_key(fd));
        let listed = match watched {
            Some(fd) => format!(", and puts fd {fd} on the ready list"),
            None => String::new(),
        };
        let moment = |say: String| Moment::new(Kind::Client, say).of(name);
        let shown = match step.action {
            Action::Connect => self.connect(name, step),
            Action::Send => {
                let client = self.client(name);
                client.sent += bytes;
                client.unread += bytes;
                client.measured = false;
                if let Some(fd) = watched {
                    self.list.arrive(fd);
                }
                let say = format!("{name} sends {}.", plural(bytes, "byte"));
                let say = match (asleep, fd) {
                    (Some(other), Some(fd)) if other.raw != fd && watched.is_some() => format!(
                        "{say} fd {fd} is on the ready list, but the thread is asleep in recv \
                         for {}.",
                        other.name
                    ),
                    (_, Some(fd)) => format!("{say} The kernel holds them for fd {fd}{listed}."),
                    (_, None) => {
                        format!("{say} The kernel holds them; nobody has accepted {name}.")
                    }
                };
                moment(say)
                    .look(spot(name))
                    .look("ready")
                    .flow(name, Way::To, bytes.to_string())
            }
            Action::Recv => {
                let client = self.client(name);
                client.back += bytes;
                let (back, sent) = (client.back, client.sent);
                moment(match (bytes, back == bytes) {
                    (0, _) => format!("{name} receives nothing: nothing has come back."),
                    (_, true) => {
                        format!("{name} receives what came back: {back} of its {sent} bytes.")
                    }
                    (_, false) => {
                        format!("{name} receives {bytes} more: {back} of its {sent} bytes.")
                    }
                })
            }
            Action::Shutdown => {
                let client = self.client(name);
                client.state = Some("has hung up");
                client.eof = place != Place::Closed;
                if let Some(fd) = watched {
                    self.list.arrive(fd);
                }
                let whose = match fd {
                    Some(fd) => format!("of fd {fd}"),
                    None => "that it has sent".into(),
                };
                let listed = match watched {
                    Some(fd) => format!(", and fd {fd} is on the ready list"),
                    None => String::new(),
                };
                moment(format!(
                    "{name} hangs up. The end of the file waits behind the last byte {whose}\
                     {listed}."
                ))
                .look(spot(name))
                .look("ready")
                .flow(name, Way::To, "end")
            }
            Action::Close | Action::Reset => {
                self.client(name).state = Some("gone");
                let says = match step.action {
                    Action::Reset => format!("{name} resets its connection."),
                    _ => format!("{name} closes its end."),
                };
                // After a hang-up this is no news, and no line of the trace.
                match step.asleep.is_some() {
                    true => return None,
                    false => moment(says),
                }
            }
        };
        let mut shown = shown.look(format!("c-{name}"));
        if let Some(errno) = step.failed {
            shown.s = format!("{name}'s connection has failed: {}.", errno_name(errno));
        }
        Some(shown)
    }

    fn connect(&mut self, name: Name, step: &Step) -> Moment {
        let client = self.client(name);
        client.state = Some("connected");
        let moment = |say: String| Moment::new(Kind::Client, say).of(name);
        // In an experiment clients are accepted unseen.
        if step.asleep.is_none() {
            client.place = Place::Open;
            return moment(format!("{name} is connected."));
        }
        client.place = Place::Queue;
        self.queue.push(name);
        let say =
            format!("{name} connects. The kernel puts the connection into the listener's queue");
        let listener = self
            .listener
            .filter(|fd| self.rules && self.list.interest.contains_key(fd));
        match listener {
            Some(fd) => {
                self.list.arrive(fd);
                moment(format!("{say}, and fd {fd} on the ready list."))
            }
            None => moment(format!("{say}.")),
        }
        .look("L")
        .look("ready")
    }

    pub(super) fn stranded(&mut self, stranded: &[(Name, u64)], asleep: &Asleep) -> Option<Moment> {
        if stranded.is_empty() {
            return None;
        }
        let call = asleep.call;
        let whose: Vec<String> = stranded
            .iter()
            .map(|(name, unread)| format!("{} of {name}", plural(*unread, "byte")))
            .collect();
        let mut moment = Moment::new(
            Kind::Stranded,
            format!(
                "{} lie in the kernel, and nobody will be told: the thread sleeps in {call}, and \
                 nothing is ready.",
                whose.join(" and ")
            ),
        )
        .look("ready");
        for (name, unread) in stranded {
            let agrees = self.client(*name).unread == *unread;
            self.check(agrees);
            moment = moment.look(spot(*name));
        }
        Some(moment)
    }

    pub(super) fn blocked(&mut self, blocked: &Blocked) -> Moment {
        let mut whose = Vec::new();
        for waiting in &blocked.waiting {
            whose.push(waiting.client.to_string());
            if let (Name::Client(_), Some(unread)) = (waiting.client, waiting.unread) {
                let client = self.client(waiting.client);
                let agrees = client.unread == unread;
                client.unread = unread;
                client.measured = true;
                self.check(agrees);
            }
        }
        let who = match whose.len() {
            0..=2 => whose.join(" and "),
            n => format!("{} and {} more", whose[0], n - 1),
        };
        let waits = if whose.len() == 1 { "waits" } else { "wait" };
        let fd = blocked
            .fd
            .map_or(String::new(), |fd: Fd| format!(", fd {}", fd.raw));
        let rest = match blocked.wait_call {
            Some(call) => format!("{who} {waits}, and nobody calls {call}."),
            None => format!("{who} {waits} meanwhile."),
        };
        Moment::new(
            Kind::Blocked,
            format!(
                "The kernel says so: state {}, in {}{fd}. {rest}",
                blocked.thread_state, blocked.syscall
            ),
        )
        .look("thread")
        .look("ready")
    }

    pub(super) fn shut_down(&mut self) -> Moment {
        self.shut_down = true;
        if let Some(fd) = self.listener {
            self.list.arrive(fd);
        }
        Moment::new(
            Kind::Client,
            "The lab shuts the listener down, which ends the run.",
        )
        .look("L")
    }

    pub(super) fn end(&mut self, summary: &Summary) -> Moment {
        self.thread("end", "");
        self.buffer(None);
        for client in self.clients.values_mut().filter(|client| client.unclear) {
            client.clear_up(false);
            client.touched = true;
        }
        for row in &summary.rows {
            let answered = row.answered.map(|answered| answered.name());
            self.board
                .set(format!("{}.ans", row.client), Value::from(answered));
        }
        Moment::new(Kind::End, sentence(summary))
    }
}
