//! `write-events`: when epoll reports EPOLLOUT, level- and edge-triggered.
//!
//! Read `acts` first: what W does, as numbered steps on real sockets. One
//! thread plays both ends, so nothing happens between two calls but what the
//! kernel does by itself. `ends` makes the calls and folds long loops, and
//! `verdict` says what the counts come to.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, FromArgMatches};

use crate::commands::command::Command;
use crate::commands::conduct::{Experiment, conduct};
use crate::commands::predict::{Compared, Question};
use crate::commands::screen::Screen;
use crate::commands::write_events::args::WriteArgs;
use crate::commands::write_events::side::{READ, Side, WriteEvents};
use crate::commands::write_events::{acts, json, questions, text, trace};
use crate::lab::audience::Event;
use crate::lab::report::{Caption, EventLoop, Run, Trigger};
use crate::server::mode::{Read, SocketKind};
use crate::show::page::Layout;

/// The name of the command.
const NAME: &str = "write-events";

/// Room in the send buffer.
pub const COMMAND: Command = Command {
    name: NAME,
    flags: WriteArgs::augment_args,
    run: |given| execute(&WriteArgs::from_arg_matches(given)?),
};

/// Plays the acts with one trigger after the other.
fn execute(args: &WriteArgs) -> Result<ExitCode> {
    let view = args.screen.view();
    let screen = Screen::with(
        args.screen.format,
        view,
        &args.page,
        Layout::Row,
        &|view, out| Box::new(trace::Calls::new(view, out)),
    )?;
    if let Some((page, _)) = &screen.page {
        page.sources(&[("src/commands/write_events/ends.rs", include_str!("ends.rs"))]);
    }
    let triggers = match args.trigger {
        Some(trigger) => vec![trigger],
        None => vec![Trigger::Level, Trigger::Edge],
    };
    let limit = args.waits;
    conduct(&Acts { triggers, limit }, &args.predict, &screen)
}

/// All acts, ready to be played.
struct Acts {
    triggers: Vec<Trigger>,
    /// How often W asks at most.
    limit: u32,
}

impl Experiment for Acts {
    type Found = WriteEvents;

    fn questions(&self) -> Vec<Question<WriteEvents>> {
        questions::questions(&self.triggers, self.limit)
    }

    fn set_up(&self) -> String {
        questions::set_up(&self.triggers, self.limit)
    }

    fn run(&self, screen: &Screen) -> Result<WriteEvents> {
        let mut sides = Vec::new();
        for (number, trigger) in (1..).zip(&self.triggers) {
            let mut audience = screen.audience.lock();
            audience.hear(&Event::Run(&run_of(*trigger)))?;
            let side = acts::play(*trigger, self.limit, screen.view, &mut *audience)?;
            audience.flush()?;
            drop(audience);
            screen.part_is_over()?;
            json::side(&side, number, screen)?;
            sides.push(side);
        }
        let limit = self.limit;
        Ok(WriteEvents { limit, sides })
    }

    fn text(&self, all: &WriteEvents, compared: &[Compared], screen: &Screen) -> Result<()> {
        Ok(screen.text(|out| text::table(all, compared, screen.view, out))?)
    }

    fn is_sound(&self, all: &WriteEvents) -> bool {
        all.sides.iter().all(Side::is_whole)
    }
}

/// In the words of the servers: W does not block, and P has one recv a step.
fn run_of(trigger: Trigger) -> Run {
    Run {
        command: NAME,
        api: EventLoop::Epoll,
        trigger: Some(trigger),
        socket: SocketKind::Nonblocking,
        read: Read::Once,
        buffer: READ,
        clients: 1,
        caption: Caption {
            ends: true,
            ..Caption::one_of_several(NAME)
        },
    }
}
