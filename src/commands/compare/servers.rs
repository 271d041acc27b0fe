//! Part 1: the three servers, one after the other, against the same script.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::commands::args::{Format, messages};
use crate::commands::compare::args::{CompareArgs, Part};
use crate::commands::compare::text::{self, Served};
use crate::commands::conduct::{Experiment, conduct};
use crate::commands::next;
use crate::commands::pace::pace;
use crate::commands::predict::Compared;
use crate::commands::predict::args::PredictArgs;
use crate::commands::screen::Screen;
use crate::lab::report::{Caption, EventLoop, Run, Trigger};
use crate::lab::script::Script;
use crate::lab::stage::Stage;
use crate::server::mode;
use crate::show::page::Layout;

/// The name of the command.
const NAME: &str = "select-poll-compare";

/// What the servers wait with, in the order of the columns.
const APIS: [EventLoop; 3] = [EventLoop::Select, EventLoop::Poll, EventLoop::Epoll];

/// Runs them. No other thread is left then: each would make every fd of
/// select and poll cost more.
pub fn execute(args: &CompareArgs) -> Result<ExitCode> {
    let mut view = args.screen.view();
    // What the steps are steps of.
    view.calls |= args.step && args.screen.format == Format::Text;
    let screen = Screen::new(args.screen.format, view, &args.page, Layout::Row)?;
    let three = Three {
        buffer: args.buffer as usize,
        script: script(args),
        stage: Stage::new(screen.audience.clone())?,
        step: args.step,
        alone: args.only == Some(Part::Servers),
    };
    let status = conduct(&three, &PredictArgs::default(), &screen)?;
    three.stage.dismiss()?;
    Ok(status)
}

/// The servers, ready to be run.
struct Three {
    buffer: usize,
    script: Script,
    stage: Stage,
    /// Each step waits for Enter.
    step: bool,
    /// The cost does not follow.
    alone: bool,
}

impl Three {
    fn run_of(&self, api: EventLoop) -> Run {
        Run {
            command: NAME,
            api,
            trigger: Some(Trigger::Level),
            socket: mode::LT.socket,
            read: mode::LT.read,
            buffer: self.buffer,
            clients: self.script.messages.len(),
            caption: Caption {
                // One table for all three: one header.
                above: (api == APIS[0]).then_some(NAME),
                costs: true,
                ..Caption::one_of_several(api.name())
            },
        }
    }
}

impl Experiment for Three {
    type Found = Vec<Served>;

    fn run(&self, screen: &Screen) -> Result<Vec<Served>> {
        let mut served = Vec::new();
        let mut pace = pace(self.step);
        for api in APIS {
            let run = self.run_of(api);
            self.stage.announce(&run)?;
            let stage = &self.stage;
            let (summary, answers) = stage.perform(&run, mode::LT, &self.script, &mut pace)?;
            screen.part_is_over()?;
            served.push(Served { summary, answers });
        }
        Ok(served)
    }

    fn text(&self, served: &Vec<Served>, _: &[Compared], screen: &Screen) -> Result<()> {
        let next = next::after_comparison(screen.view.calls);
        let next = self.alone.then_some(next);
        Ok(screen.text(|out| text::comparison(served, next, out))?)
    }

    fn is_sound(&self, served: &Vec<Served>) -> bool {
        text::same_answers(served)
    }
}

/// Everybody connects, the last one talks, everybody hangs up. The last one,
/// because a search from the front finds it last.
fn script(args: &CompareArgs) -> Script {
    let mut all = vec![Vec::new(); args.clients.into()];
    if let Some(last) = all.last_mut() {
        *last = messages(&args.message, b"HELLOworld123");
    }
    Script {
        messages: all,
        together: false,
        stall: Duration::ZERO,
    }
}
