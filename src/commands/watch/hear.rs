//! What is told of a watched program, in the words of the lab: so that its
//! trace can be laid beside those of the lab's own servers.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use colored::Colorize;

use crate::commands::screen::Screen;
use crate::lab::audience::{self, Folded};
use crate::lab::report::scene;
use crate::show::prompt::enter;
use crate::watch::events::{Action, Asleep, Audience, Blocked, Event, Step};
use crate::watch::odd::end_text;

/// Tells it to a screen.
pub struct Hear<'a> {
    screen: &'a Screen,
    /// Wait for Enter before each step; not any more once standard input has
    /// ended.
    step: bool,
}

impl<'a> Hear<'a> {
    pub fn new(screen: &'a Screen, step: bool) -> Hear<'a> {
        Hear { screen, step }
    }

    fn tell(&self, event: &audience::Event<'_>) -> Result<()> {
        Ok(self.screen.audience.tell(event)?)
    }
}

impl Audience for Hear<'_> {
    fn hear(&mut self, event: &Event<'_>) -> Result<()> {
        match *event {
            Event::Returned(record) => self.tell(&audience::Event::Call(record)),
            Event::DoesNotReturn(call) => self.tell(&audience::Event::DoesNotReturn(call)),
            Event::Before(step) if self.step => {
                self.tell(&audience::Event::Finish)?;
                let step = step_of(step);
                self.step = enter(&step.to_string())?;
                Ok(())
            }
            Event::Before(_) => Ok(()),
            Event::Step(step) => self.tell(&audience::Event::Step(&step_of(step))),
            Event::Blocked(blocked) => {
                let (told, stall) = (blocked_of(blocked), blocked.stall);
                self.tell(&audience::Event::Evidence(&told))?;
                let blocked = &told;
                self.tell(&audience::Event::Blocked { blocked, stall })
            }
            Event::Stranded(unread, asleep) => self.tell(&audience::Event::Stranded {
                unread,
                asleep: &asleep_of(asleep),
            }),
            Event::Folded(known) => {
                let mut calls = BTreeMap::new();
                calls.insert("calls", known.unwrap_or(0));
                self.tell(&audience::Event::Folded(&Folded {
                    calls,
                    what: known.is_none().then_some("more calls like these"),
                }))
            }
            Event::Lab(note) => self.tell(&audience::Event::Note(note)),
            Event::Quiet => self.tell(&audience::Event::Finish),
            Event::Ended(end) => {
                self.tell(&audience::Event::Finish)?;
                if self.screen.view.calls() {
                    let text = format!(">>> the program has ended: {}", end_text(end));
                    self.screen
                        .text(|out| writeln!(out, "{}", text.red().bold()))?;
                }
                Ok(())
            }
        }
    }
}

fn asleep_of(asleep: &Asleep) -> scene::Asleep {
    scene::Asleep {
        call: asleep.call,
        syscall: asleep.syscall,
        fd: asleep.fd,
        waits_for: match asleep.for_one {
            true => scene::WaitsFor::One,
            false => scene::WaitsFor::Anyone,
        },
        steps: asleep.steps,
        ready: None,
    }
}

fn step_of(step: &Step) -> scene::Step {
    scene::Step {
        client: step.client,
        action: match step.action {
            Action::Connect => scene::Action::Connect,
            Action::Send => scene::Action::Send,
            Action::Recv => scene::Action::Recv,
            Action::Shutdown => scene::Action::Shutdown,
            Action::Reset => scene::Action::Reset,
        },
        data: step.data.clone(),
        asleep: step.asleep.as_ref().map(asleep_of),
        failed: step.failed,
        at_ns: step.at_ns,
    }
}

fn blocked_of(blocked: &Blocked) -> scene::Blocked {
    scene::Blocked {
        call: blocked.asleep.call,
        syscall: blocked.asleep.syscall,
        fd: blocked.asleep.fd,
        thread_state: blocked.thread_state,
        waiting: vec![scene::Waiting {
            client: blocked.client,
            sent: Some(blocked.sent),
            echoed: blocked.back,
            unread: Some(blocked.unread),
        }],
        wchan: None,
        wait_call: blocked.wait_call,
        wait_returns: blocked.wait_returns,
        waited: blocked.stall,
    }
}
