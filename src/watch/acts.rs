//! What the clients do, act by act, each with a fresh server.

use anyhow::Result;

use crate::lab::audience::Event;
use crate::lab::report::scene::Action;
use crate::trace::Name;
use crate::watch::act::Act;
use crate::watch::diagnosis::{Diagnosis, Seen};
use crate::watch::session::Session;
use crate::watch::sockets;

/// What came of an act, and what that was seen by.
#[derive(Clone, Debug)]
pub struct ActOutcome {
    /// The word and the sentence.
    pub diagnosis: Diagnosis,
    /// While all stayed connected.
    pub seen: Seen,
}

/// By letter.
const A: u32 = 0;
const C: u32 = 2;
const D: u32 = 3;
const E: u32 = 4;
const F: u32 = 5;
const G: u32 = 6;

/// What G sends, in bytes, and what the server's send buffer is made, which
/// the kernel doubles (socket(7)).
const MUCH: usize = 32_768;
const SEND_BUFFER: usize = 4096;
/// How many calls are shown of what G sets off: how many there are varies.
const FIRST_CALLS: usize = 6;

impl Session<'_> {
    /// Plays one act, and says what came of it.
    pub fn play(&mut self, act: Act) -> Result<ActOutcome> {
        let outcome = match act {
            Act::Basic => self.basic()?,
            Act::Burst => self.burst()?,
            Act::Reset => self.reset()?,
            Act::Slow => self.slow()?,
            Act::Leave => self.leave()?,
        };
        let after = self.hang_up_all(act)?;
        Ok(match after {
            Some(diagnosis) if outcome.diagnosis.is_ok() => ActOutcome {
                diagnosis,
                ..outcome
            },
            _ => outcome,
        })
    }

    fn basic(&mut self) -> Result<ActOutcome> {
        let mut places = Vec::new();
        for index in [A, A + 1] {
            if self.rests() {
                places.push(self.connect(index, false)?);
            }
        }
        for (place, message) in places.into_iter().zip(self.plan.messages.iter().cycle()) {
            if self.rests() {
                self.send(place, message)?;
            }
        }
        self.tell_stranded()?;
        Ok(self.judge(Act::Basic))
    }

    fn burst(&mut self) -> Result<ActOutcome> {
        let place = self.connect(C, false)?;
        if !self.rests() {
            return Ok(self.judge(Act::Burst));
        }
        let held = self.hold_at(place, self.plan.first_message())?;
        for index in [D, E] {
            self.announce(Name::Client(index), Action::Connect, Vec::new())?;
            self.connect_now(index, false)?;
        }
        self.let_go(held)?;
        self.settle()?;
        self.tell_stranded()?;
        Ok(self.judge(Act::Burst))
    }

    fn reset(&mut self) -> Result<ActOutcome> {
        let place = self.connect(F, false)?;
        if self.rests() {
            self.announce(Name::Client(F), Action::Reset, Vec::new())?;
            let client = self.acts(place);
            client.reset = true;
            client.reset();
            self.settle()?;
        }
        Ok(self.judge(Act::Reset))
    }

    fn slow(&mut self) -> Result<ActOutcome> {
        let place = self.connect(G, true)?;
        if !self.rests() {
            return Ok(self.judge(Act::Slow));
        }
        let open = self.shared.lock().ends.get(&G).and_then(|end| end.open);
        let small = open.is_some_and(|(process, fd)| {
            let pidfd = sockets::pidfd(process);
            pidfd.is_some_and(|it| sockets::shrink_send_buffer(&it, fd, SEND_BUFFER))
        });
        if small {
            let told = "the lab makes the server's SO_SNDBUF for G small";
            self.audience.tell(&Event::Note(told))?;
            // A changed buffer is an edge of its own.
            self.settle()?;
        }
        self.limit(Some(FIRST_CALLS));
        self.shared.lock().hide_unread = true;
        let much: Vec<u8> = match (self.plan.echo, self.plan.messages.first()) {
            (false, Some(message)) => message.iter().copied().cycle().take(MUCH).collect(),
            _ => (b'a'..=b'z').cycle().take(MUCH).collect(),
        };
        self.announce(Name::Client(G), Action::Send, much.clone())?;
        self.acts(place).say(&much);
        self.settle()?;
        let stuck = self.judge(Act::Slow);
        if !stuck.diagnosis.is_ok() && !self.rests() {
            return Ok(stuck);
        }
        self.tell_folded()?;
        self.audience
            .tell(&Event::Note("now G reads all that comes"))?;
        self.limit(Some(0));
        self.clients[place].lazy = false;
        for _ in 0..3 {
            let before = self.clients[place].back.len();
            self.settle()?;
            if !self.rests() || self.clients[place].back.len() == before {
                break;
            }
        }
        Ok(match stuck.diagnosis.is_ok() {
            true => self.judge(Act::Slow),
            false => stuck,
        })
    }

    fn send(&mut self, place: usize, message: &[u8]) -> Result<()> {
        let name = self.clients[place].name;
        self.announce(name, Action::Send, message.to_vec())?;
        self.acts(place).say(message);
        self.settle()?;
        let answered = self.is_answered(place);
        self.clients[place].at_once.get_or_insert(answered);
        match answered || !self.rests() {
            true => Ok(()),
            false => self.watch(place),
        }
    }

    /// Each client receives what has come, and hangs up.
    fn hang_up_all(&mut self, act: Act) -> Result<Option<Diagnosis>> {
        self.shared.lock().hide_unread = act == Act::Slow;
        self.limit(None);
        for place in 0..self.clients.len() {
            let name = self.clients[place].name;
            if !self.rests() || self.clients[place].over() {
                continue;
            }
            if self.clients[place].has_more() {
                self.receive(place)?;
            }
            if !self.clients[place].hung_up {
                self.announce(name, Action::Shutdown, Vec::new())?;
                self.acts(place).hang_up();
                self.settle()?;
            }
            if self.rests() && self.clients[place].has_more() {
                self.receive(place)?;
            }
            if !self.rests() {
                self.clients[place].close();
                let mut judged = self.judge(act).diagnosis;
                judged.after_hang_up(name);
                return Ok(Some(judged));
            }
            let left_open = self.is_left_open(place);
            self.clients[place].left_open = left_open;
            self.clients[place].close();
        }
        let left_open = self.clients.iter().any(|client| client.left_open);
        Ok(left_open.then(|| self.judge(act).diagnosis))
    }

    fn receive(&mut self, place: usize) -> Result<()> {
        let client = &mut self.clients[place];
        let (name, data) = (client.name, client.receive());
        self.announce(name, Action::Recv, data)
    }
}
