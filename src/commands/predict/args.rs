//! The flag `--predict`.

use clap::Args;

use crate::commands::args::Format;

/// What `--predict` was given.
#[derive(Debug, Default, Args)]
pub struct PredictArgs {
    /// Ask first what will happen, and show each answer beside what did; or
    /// take the answers from here, with commas between them
    #[arg(long, value_name = "ANSWERS", help_heading = "The class")]
    #[arg(num_args = 0..=1)]
    pub predict: Option<Option<String>>,
}

impl PredictArgs {
    /// Somebody is to be asked.
    pub fn asks(&self) -> bool {
        matches!(self.predict, Some(None))
    }

    /// The set-up is to be told first: people read it.
    pub fn wants_setup(&self, format: Format) -> bool {
        self.asks() || self.is_given() && format == Format::Text
    }

    /// There are predictions, wherever they come from.
    pub fn is_given(&self) -> bool {
        self.predict.is_some()
    }
}
