//! The script of the clients, step by step.
//!
//! All connect in turn; all send, message by message, in turn; each, in turn,
//! receives what has come back and hangs up. Each of these is a step, and a
//! step is taken only when the server has come to rest.

use std::io::{self, BufRead, Write};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{Shutdown, shutdown};

use super::{Lab, Rest, failed};
use crate::client::{Client, End};
use crate::render::tell;
use crate::report::Api;
use crate::scene::{Action, Asleep, BeforeHangUp, Blocked, ClientSide, Eve, Step, Stuck, Waiting};
use crate::shared::State;
use crate::trace::Name;

/// What the clients are told to do.
#[derive(Clone, Debug)]
pub struct Script {
    /// By client: its messages.
    pub messages: Vec<Vec<Vec<u8>>>,
    /// How long a starving client is watched.
    pub stall: Duration,
    pub pace: Pace,
}

/// When the next step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as the server has come to rest.
    Settled,
    /// When somebody has pressed Enter as well.
    Enter,
}

impl Lab {
    /// Plays the script to its end, shuts the listener down, and joins the
    /// server.
    pub fn play(&mut self, mut script: Script) -> Result<()> {
        let clients = script.messages.len();
        self.clients = (0..clients).map(|_| Client::default()).collect();
        self.shared.lock().scene.clients = vec![ClientSide::default(); clients];

        for client in 0..clients {
            self.step(client, Action::Connect, &[], &mut script.pace)?;
        }
        let rounds = script.messages.iter().map(Vec::len).max().unwrap_or(0);
        let mut watched = false;
        for round in 0..rounds {
            for client in 0..clients {
                let Some(message) = script.messages[client].get(round) else {
                    continue;
                };
                self.step(client, Action::Send, message, &mut script.pace)?;
                let starved = self.after_send(client)?;
                if let Some(blocked) = starved
                    && !watched
                {
                    watched = true;
                    self.watch(blocked, script.stall)?;
                }
            }
        }
        self.note_stranded()?;
        for client in 0..clients {
            if !script.messages[client].is_empty() {
                self.step(client, Action::Recv, &[], &mut script.pace)?;
            }
            self.step(client, Action::Shutdown, &[], &mut script.pace)?;
            self.receive_the_rest(client, &mut script.pace)?;
            self.step(client, Action::Close, &[], &mut script.pace)?;
        }
        self.end(&mut script.pace)
    }

    /// One step of one client.
    fn step(
        &mut self,
        index: usize,
        action: Action,
        message: &[u8],
        pace: &mut Pace,
    ) -> Result<()> {
        let asleep = match self.settle()? {
            Rest::Asleep(asleep) => asleep,
            Rest::Ended => return self.join(),
        };
        let address = self.address;
        let client = &mut self.clients[index];
        if matches!(client.end, Some(End::Failed(_))) && action != Action::Recv {
            return Ok(()); // its connection is gone: there is no call to make
        }
        let data = match action {
            Action::Send => message.to_vec(),
            Action::Recv => client.receive().to_vec(),
            Action::Connect | Action::Shutdown => Vec::new(),
            Action::Close | Action::Reset => Vec::new(),
        };
        let mut step = Step {
            client: Name::Client(index as u32),
            action,
            data,
            asleep: Some(asleep),
            failed: None,
            at_ns: 0,
        };
        if *pace == Pace::Enter && action != Action::Close {
            // What has been so far, before anybody is asked for more.
            self.screen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .finish()?;
            *pace = prompt(&step)?;
        }
        if matches!(action, Action::Send | Action::Shutdown) {
            client.acted_at = Some(asleep.steps);
        }
        step.at_ns = self.began.elapsed().as_nanos() as u64;
        match action {
            Action::Connect => client.connect(address).map_err(|e| failed("connect", e))?,
            Action::Send => client.say(message).map_err(|e| failed("write", e))?,
            Action::Recv => {}
            Action::Shutdown => client.hang_up().map_err(|e| failed("shutdown", e))?,
            Action::Close | Action::Reset => client.close(),
        }
        step.failed = match client.end {
            Some(End::Failed(errno)) => Some(errno),
            _ => None,
        };
        if action == Action::Send {
            self.shared.lock().scene.clients[index].messages += 1;
        }
        self.note_sides();
        let mut screen = self.screen();
        screen.step(&step)?;
        screen.flush()?;
        Ok(())
    }

    /// A hang-up may bring more of the answer: whoever has hung up reads on.
    fn receive_the_rest(&mut self, index: usize, pace: &mut Pace) -> Result<()> {
        if matches!(self.settle()?, Rest::Asleep(_)) && self.clients[index].has_more() {
            self.step(index, Action::Recv, &[], pace)?;
        }
        Ok(())
    }

    /// The clients' side of the story, where a Ctrl-C finds it too.
    fn note_sides(&self) {
        let mut state = self.shared.lock();
        for (side, client) in state.scene.clients.iter_mut().zip(&self.clients) {
            side.sent = client.sent;
            side.came_back = client.came_back();
            side.damaged = client.is_damaged();
        }
    }

    /// What came of a message once the server is at rest again: answered, or
    /// not yet, or not as long as the server sleeps for somebody else.
    fn after_send(&mut self, sender: usize) -> Result<Option<Blocked>> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return Ok(None);
        };
        self.note_sides();
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let side = &mut state.scene.clients[sender];
        side.late |= side.came_back < side.sent;
        let Some(fd) = asleep.for_one() else {
            return Ok(None);
        };

        let served = |index: usize| {
            state
                .totals
                .connections
                .get(&(index as u32))
                .map_or(0, |c| c.received)
        };
        let starved: Vec<usize> = (0..self.clients.len())
            .filter(|index| Name::Client(*index as u32) != fd.name)
            .filter(|index| served(*index) < self.clients[*index].said())
            .collect();
        let said_by = |name| match name {
            Name::Client(index) => self.clients[index as usize].sent,
            _ => 0,
        };
        // The server without multiplexing sleeps like that by design; it is a
        // pitfall only where somebody waits meanwhile.
        if starved.is_empty() && self.run.api == Api::None {
            return Ok(None);
        }
        let call = asleep.call;
        let stuck = state.scene.stuck.get_or_insert(Stuck {
            call,
            fd,
            starved: Vec::new(),
            sent: said_by(fd.name),
        });
        for index in &starved {
            let name = Name::Client(*index as u32);
            if !stuck.starved.contains(&name) {
                stuck.starved.push(name);
            }
        }
        drop(guard);
        match starved.is_empty() {
            true => Ok(None),
            false => self.blocked(&asleep, &starved).map(Some),
        }
    }

    /// The kernel's evidence, and who waits meanwhile.
    fn blocked(&self, asleep: &Asleep, starved: &[usize]) -> Result<Blocked> {
        let mut blocked = self.evidence(asleep)?;
        let ends = self.server_ends();
        let waiting = starved.iter().map(|index| {
            let client = &self.clients[*index];
            let end = ends.iter().find(|(port, _)| *port == client.port);
            Waiting {
                client: Name::Client(*index as u32),
                sent: Some(client.said()),
                echoed: client.came_back(),
                unread: end.map(|(_, end)| end.unread),
            }
        });
        blocked.waiting = waiting.collect();
        Ok(blocked)
    }

    /// Watches a starving client for as long as the user wants it watched.
    fn watch(&mut self, mut blocked: Blocked, stall: Duration) -> Result<()> {
        let returns = |lab: &Lab| lab.shared.lock().totals.returns;
        self.screen().evidence(&blocked)?;
        let (before, began) = (returns(self), Instant::now());
        loop {
            let left = stall.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            self.take_in(left.min(Duration::from_millis(50)))?;
        }
        blocked.waited = began.elapsed();
        blocked.wait_returns = returns(self) - before;
        for waiting in &mut blocked.waiting {
            if let Name::Client(index) = waiting.client {
                let client = &mut self.clients[index as usize];
                client.pump().map_err(|e| failed("read", e))?;
                waiting.echoed = client.came_back();
            }
        }
        let mut screen = self.screen();
        screen.blocked(&blocked, stall)?;
        screen.flush()?;
        Ok(())
    }

    /// Before the first client hangs up: who has no answer yet, and what is
    /// stranded, which is unread although the server sleeps where any report
    /// would wake it.
    fn note_stranded(&mut self) -> Result<()> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return Ok(());
        };
        self.note_sides();
        for side in &mut self.shared.lock().scene.clients {
            side.unanswered = side.sent - side.came_back.min(side.sent);
        }
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        state.scene.before_hang_up = Some(before_hang_up(state, asleep));
        if asleep.for_one().is_some() {
            return Ok(());
        }
        let mut stranded = Vec::new();
        for (index, side) in (0..).zip(&mut state.scene.clients) {
            if let Some(connection) = state.totals.connections.get(&index)
                && !connection.closed
                && connection.unread > 0
            {
                side.stranded = connection.unread;
                stranded.push((Name::Client(index), connection.unread));
            }
        }
        drop(guard);
        let mut screen = self.screen();
        screen.stranded(&stranded, &asleep)?;
        Ok(screen.flush()?)
    }

    /// Shuts the listener down, which ends the server's loop, and waits for
    /// the thread.
    fn end(&mut self, pace: &mut Pace) -> Result<()> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return self.join();
        };
        if *pace == Pace::Enter {
            *pace = wait_for_enter("the listener is shut down")?;
        }
        let listener = self
            .shared
            .lock()
            .listener
            .context("the server has no listener")?;
        shutdown(listener, Shutdown::Both).map_err(|e| failed("shutdown", e.into()))?;
        let at_ns = self.began.elapsed().as_nanos() as u64;
        self.screen().shut_down(&asleep, at_ns)?;
        let deadline = Instant::now() + super::SETTLE;
        while self
            .server
            .as_ref()
            .is_some_and(|server| !server.is_finished())
        {
            self.take_in(Duration::from_millis(1))?;
            if Instant::now() > deadline {
                anyhow::bail!("the server does not end, although its listener is shut down");
            }
        }
        self.take_in(Duration::ZERO)?;
        self.note_sides();
        self.join()
    }
}

/// What the counts are while the server sleeps in `asleep`.
fn before_hang_up(state: &State, asleep: Asleep) -> BeforeHangUp {
    let sides = (0..).zip(&state.scene.clients);
    let clients = sides.map(|(index, side)| {
        let connection = state.totals.connections.get(&index);
        let mut server = connection.cloned().unwrap_or_default();
        // Calls are counted when they return, and this one has not.
        let sleeps_for_it = asleep.for_one().map(|fd| fd.name) == Some(Name::Client(index));
        server.recv += u64::from(sleeps_for_it && asleep.call == "recv");
        Eve {
            server,
            unanswered: side.unanswered,
            late: side.late,
        }
    });
    BeforeHangUp {
        asleep,
        clients: clients.collect(),
    }
}

fn prompt(step: &Step) -> Result<Pace> {
    wait_for_enter(&crate::render::text::story::step_text(step))
}

/// Waits for Enter on standard input. At its end nobody is there to press it,
/// and the script goes on by itself.
fn wait_for_enter(what: &str) -> Result<Pace> {
    let _ = write!(io::stderr(), "[Enter] {what} ");
    let mut line = Vec::new();
    let read = io::stdin().lock().read_until(b'\n', &mut line);
    match read.map_err(|e| failed("read", e))? {
        0 => {
            tell("");
            Ok(Pace::Settled)
        }
        _ => Ok(Pace::Enter),
    }
}
