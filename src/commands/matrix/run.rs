//! `matrix`: every combination of trigger, socket and read strategy, each
//! really run against the same two clients.
//!
//! The servers are those of the named commands, with one value of the
//! [`Mode`](crate::server::mode::Mode) after the other exchanged. What predicts
//! the result is looked for in the rows (`rules`) and not known beforehand.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, FromArgMatches};

use crate::commands::args::messages;
use crate::commands::command::Command;
use crate::commands::conduct::{Experiment, conduct};
use crate::commands::matrix::args::MatrixArgs;
use crate::commands::matrix::rows::{Combination, Matrix, combinations};
use crate::commands::matrix::{questions, text, threads};
use crate::commands::page::PageArgs;
use crate::commands::predict::{Compared, Question};
use crate::commands::screen::Screen;
use crate::lab::report::{Caption, EventLoop, Run, Trigger};
use crate::lab::script::{Script, at_once};
use crate::lab::stage::Stage;
use crate::server::mode::Mode;
use crate::show::page::Layout;

/// The name of the command.
const NAME: &str = "matrix";

/// Eight servers.
pub const COMMAND: Command = Command {
    name: NAME,
    flags: MatrixArgs::augment_args,
    run: |given| execute(&MatrixArgs::from_arg_matches(given)?),
};

/// Runs them all, one after the other.
fn execute(args: &MatrixArgs) -> Result<ExitCode> {
    let (format, view) = (args.screen.format, args.screen.view());
    let screen = Screen::new(format, view, &PageArgs::default(), Layout::Row)?;
    if args.threads {
        threads::show(&screen)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = Eight {
        buffer: args.buffer,
        script: script(args),
        stage: Stage::new(screen.audience.clone())?,
    };
    conduct(&all, &args.predict, &screen)
}

/// All eight servers, ready to be run.
struct Eight {
    buffer: u32,
    script: Script,
    stage: Stage,
}

impl Eight {
    /// No row yet.
    fn matrix(&self) -> Matrix {
        let bytes = |client: usize| self.script.messages[client].iter().map(Vec::len).sum();
        Matrix {
            buffer: self.buffer,
            sent: [bytes(0), bytes(1)],
            rows: Vec::new(),
            intact: true,
        }
    }

    fn run_of(&self, mode: &Mode) -> Run {
        Run {
            command: NAME,
            api: EventLoop::Epoll,
            trigger: Some(Trigger::of(mode.interest)),
            socket: mode.socket,
            read: mode.read,
            buffer: self.buffer as usize,
            clients: self.script.messages.len(),
            caption: Caption::one_of_several(NAME),
        }
    }
}

impl Experiment for Eight {
    type Found = Matrix;

    fn questions(&self) -> Vec<Question<Matrix>> {
        questions::questions()
    }

    fn set_up(&self) -> String {
        questions::set_up(&self.matrix())
    }

    fn run(&self, screen: &Screen) -> Result<Matrix> {
        let mut matrix = self.matrix();
        for (number, mode) in (1..).zip(combinations()) {
            let run = self.run_of(&mode);
            self.stage.announce(&run)?;
            let stage = &self.stage;
            let (summary, _) = stage.perform(&run, mode, &self.script, &mut at_once)?;
            matrix.intact &= summary.echo_intact;
            let row = Combination::of(&mode, &summary)?;
            screen.part_is_over()?;
            screen.json("combination", Some(number), &row)?;
            matrix.rows.push(row);
        }
        Ok(matrix)
    }

    fn text(&self, matrix: &Matrix, compared: &[Compared], screen: &Screen) -> Result<()> {
        Ok(screen.text(|out| text::text(matrix, compared, out))?)
    }

    fn is_sound(&self, matrix: &Matrix) -> bool {
        matrix.intact
    }
}

/// As for the named commands: A says more than a buffer holds, B a word.
/// Nobody is watched while B starves: eight servers are to be seen.
fn script(args: &MatrixArgs) -> Script {
    let own = [&b"HELLOworld123"[..], b"ping"];
    Script {
        messages: own.map(|own| messages(&args.message, own)).to_vec(),
        together: false,
        stall: Duration::ZERO,
    }
}
