//! The one driver of what is run: announced, asked about, run, and shown
//! beside what was predicted of it.

use std::process::ExitCode;

use anyhow::Result;

use crate::commands::args::Format;
use crate::commands::page;
use crate::commands::predict::args::PredictArgs;
use crate::commands::predict::{Compared, Question, collect, text as predict};
use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;

/// What a command runs, and what it makes of that.
pub trait Experiment {
    /// What it comes to: measured, and nothing else.
    type Found;

    /// What can be predicted of it, if anything.
    fn questions(&self) -> Vec<Question<Self::Found>> {
        Vec::new()
    }

    /// What is about to be run, in a sentence or two, for those who are asked.
    fn set_up(&self) -> String {
        String::new()
    }

    /// Says what is about to be run, before anybody is asked.
    fn announce(&self, screen: &Screen, predict: &PredictArgs) -> Result<()> {
        if predict.wants_setup(screen.format) {
            screen.set_up(&self.set_up())?;
        }
        Ok(())
    }

    /// Runs it; its audience is the screen's.
    fn run(&self, screen: &Screen) -> Result<Self::Found>;

    /// Shows as text what it came to, beside what was predicted, if anything
    /// was, and where to go on.
    fn text(&self, found: &Self::Found, compared: &[Compared], screen: &Screen) -> Result<()>;

    /// Writes what it came to as JSON, as far as no listener has done so; the
    /// predictions follow.
    fn json(&self, _: &Self::Found, _: &Screen) -> Result<(), OutputError> {
        Ok(())
    }

    /// Says on the page what it came to, as far as no event has done so.
    fn conclude(&self, _: &Self::Found, _: &Screen) -> Result<()> {
        Ok(())
    }

    /// Whether the program has done its part; what the kernel answered is no
    /// failure.
    fn is_sound(&self, _: &Self::Found) -> bool {
        true
    }
}

/// Conducts it from the announcement to the exit status.
pub fn conduct<E: Experiment>(
    experiment: &E,
    predict: &PredictArgs,
    screen: &Screen,
) -> Result<ExitCode> {
    let announce = || experiment.announce(screen, predict);
    let Some(predictions) = collect(predict, experiment.questions(), announce)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let found = experiment.run(screen)?;
    let compared = predictions.compare(&found);
    experiment.conclude(&found, screen)?;
    if let Some((page, _)) = &screen.page {
        page::ask(page, experiment.questions(), &found);
    }
    screen.finish_page()?;
    match screen.format {
        Format::Text => experiment.text(&found, &compared, screen)?,
        Format::Json => {
            experiment.json(&found, screen)?;
            predict::json(&compared, screen)?;
        }
    }
    Ok(status(experiment.is_sound(&found)))
}

/// The exit status of a run that has come to its end.
pub fn status(is_sound: bool) -> ExitCode {
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
