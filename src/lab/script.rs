//! The script of the clients, step by step.
//!
//! All connect in turn; all send, message by message, in turn; each, in turn,
//! receives what has come back and hangs up. Each of these is a step, and a
//! step is taken only when the server has come to rest: it sleeps, or the lab
//! holds it before its next wait.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::socket::{Shutdown, shutdown};

use crate::lab::audience::Event;
use crate::lab::client::{Client, End};
use crate::lab::clock::Clock;
use crate::lab::report::scene::{Action, ClientSide, Step};
use crate::lab::running::{Lab, failed};
use crate::lab::settle::Rest;
use crate::trace::Name;

/// What the clients are told to do.
#[derive(Clone, Debug)]
pub struct Script {
    /// By client: its messages.
    pub messages: Vec<Vec<Vec<u8>>>,
    /// All send their first message before the server waits again: it is held
    /// from the last connect until then.
    pub together: bool,
    /// How long a starving client is watched.
    pub stall: Duration,
}

/// What the script comes to next.
#[derive(Clone, Copy, Debug)]
pub enum Coming<'a> {
    /// A client's step.
    Step(&'a Step),
    /// The end: the listener is shut down.
    ShutDown,
}

/// Asked before each step but a client's close, and returns when it may be
/// taken. No lock is held meanwhile, so it may take as long as a human thinks.
pub type Pace<'a> = &'a mut dyn FnMut(Coming<'_>) -> Result<()>;

/// Each step as soon as the server has come to rest.
pub fn at_once(_: Coming<'_>) -> Result<()> {
    Ok(())
}

impl Lab {
    /// Plays the script to its end, shuts the listener down, and joins the
    /// server.
    pub fn play(&mut self, script: &Script, pace: Pace<'_>) -> Result<()> {
        let clients = script.messages.len();
        self.clients = (0..clients).map(|_| Client::default()).collect();
        self.board.lock().scene.clients = vec![ClientSide::default(); clients];

        for client in 0..clients {
            if script.together && client + 1 == clients {
                // From its sleep: it accepts this one, and comes as far as its
                // next wait.
                let journal = Arc::clone(&self.journal);
                let mut and_hold = |coming: Coming<'_>| {
                    pace(coming)?;
                    journal.hold();
                    Ok(())
                };
                self.step(client, Action::Connect, &[], &mut and_hold)?;
            } else {
                self.step(client, Action::Connect, &[], pace)?;
            }
        }
        let rounds = script.messages.iter().map(Vec::len).max().unwrap_or(0);
        let mut watched = false;
        for round in 0..rounds {
            let together = script.together && round == 0;
            let send = (0..clients).filter(|client| script.messages[*client].len() > round);
            let mut sent = Vec::new();
            for client in send {
                self.step(client, Action::Send, &script.messages[client][round], pace)?;
                sent.push(client);
                if !together {
                    self.look_after(&mut sent, &mut watched, script)?;
                }
            }
            if together {
                // What the last of them sent has arrived, too.
                self.settle()?;
                self.journal.release();
                self.look_after(&mut sent, &mut watched, script)?;
            }
        }
        self.note_stranded()?;
        for client in 0..clients {
            if !script.messages[client].is_empty() {
                self.step(client, Action::Recv, &[], pace)?;
            }
            self.step(client, Action::Shutdown, &[], pace)?;
            self.receive_the_rest(client, pace)?;
            self.step(client, Action::Close, &[], pace)?;
        }
        self.end(pace)
    }

    /// What came of the messages that have been sent; the first client that
    /// starves is watched.
    fn look_after(
        &mut self,
        sent: &mut Vec<usize>,
        watched: &mut bool,
        script: &Script,
    ) -> Result<()> {
        for client in sent.drain(..) {
            if let Some(blocked) = self.after_send(client)?
                && !*watched
            {
                *watched = true;
                self.watch(blocked, script.stall)?;
            }
        }
        Ok(())
    }

    /// One step of one client.
    fn step(&mut self, index: usize, action: Action, message: &[u8], pace: Pace<'_>) -> Result<()> {
        let asleep = match self.settle()? {
            Rest::Asleep(asleep) => asleep,
            Rest::Ended => return self.join(),
        };
        let address = self.address;
        let client = &mut self.clients[index];
        if client.has_failed() && action != Action::Recv {
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
        if action != Action::Close {
            self.wait_for(pace, Coming::Step(&step))?;
        }
        let client = &mut self.clients[index];
        if matches!(action, Action::Send | Action::Shutdown) {
            client.acted_at = Some(asleep.steps);
        }
        step.at_ns = self.began.elapsed().as_nanos() as u64;
        match action {
            Action::Connect => client.connect(address)?,
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
            self.board.lock().scene.clients[index].messages += 1;
        }
        self.note_sides();
        Ok(self.audience.tell(&Event::Step(&step))?)
    }

    /// Waits until what is next may be.
    fn wait_for(&self, pace: Pace<'_>, next: Coming<'_>) -> Result<()> {
        // What has been so far, before anybody is asked for more.
        self.audience.tell(&Event::Finish)?;
        pace(next)
    }

    /// A hang-up may bring more of the answer: whoever has hung up reads on.
    fn receive_the_rest(&mut self, index: usize, pace: Pace<'_>) -> Result<()> {
        if matches!(self.settle()?, Rest::Asleep(_)) && self.clients[index].has_more() {
            self.step(index, Action::Recv, &[], pace)?;
        }
        Ok(())
    }

    /// Shuts the listener down, which ends the server's loop, and waits for
    /// the thread.
    fn end(&mut self, pace: Pace<'_>) -> Result<()> {
        let Rest::Asleep(asleep) = self.settle()? else {
            return self.join();
        };
        self.wait_for(pace, Coming::ShutDown)?;
        let listener = self.journal.lock().listener;
        let listener = listener.context("the server has no listener")?;
        shutdown(listener, Shutdown::Both).map_err(|e| failed("shutdown", e.into()))?;
        let at_ns = self.began.elapsed().as_nanos() as u64;
        let asleep = &asleep;
        let mut audience = self.audience.lock();
        audience.hear(&Event::ShutDown { asleep, at_ns })?;
        drop(audience);
        let mut clock = Clock::start();
        let a_moment = Duration::from_millis(1);
        while self.ended.recv_timeout(a_moment) == Err(RecvTimeoutError::Timeout) {
            self.take_in(Duration::ZERO)?;
            if clock.is_over() {
                anyhow::bail!("the server does not end, although its listener is shut down");
            }
        }
        self.take_in(Duration::ZERO)?;
        self.note_sides();
        self.join()
    }
}
