//! What is seen of a server that sleeps.

use crate::lab::report::EventLoop;
use crate::lab::report::scene::{Asleep, Blocked};
use crate::lab::report::verdict::plural;
use crate::show::page::ask;
use crate::show::page::board::{Delta, some};
use crate::show::page::fold::Fold;
use crate::show::page::fold::calls::spot;
use crate::show::page::fold::client::Place;
use crate::show::page::moment::{Kind, Moment};
use crate::trace::words::open_text;
use crate::trace::{Call, Fd, Name};

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
        let readable = self.ready_and_readable();
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
        if call.input().is_some() {
            client.clear_up(false);
            client.recv += 1;
        }
        let asked = unread == 0 && self.api != EventLoop::None && self.ask_once("empty");
        let say = match call.input() {
            Some(_) => format!(
                "{text} for {name} does not return. Nothing of {name} is unread: the thread is \
                 asleep, for {name} alone."
            ),
            None => format!("{text} for {name} does not return: the thread is asleep."),
        };
        Moment::new(Kind::Stuck, say)
            .look("thread")
            .ask(asked.then(|| ask::empty(name, 2)))
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
            if let Name::Client(_) = waiting.client {
                self.measure(waiting.client, waiting.unread);
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
}
