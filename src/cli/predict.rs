//! The flag `--predict`.

use clap::Args;

#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Ask first what the kernel will do, and compare; or take the answers
    /// from here: --predict 1,4
    #[arg(
        long,
        value_name = "ANSWERS",
        num_args = 0..=1,
        help_heading = "The class"
    )]
    pub predict: Option<Option<String>>,
}

impl PredictArgs {
    /// Somebody is to be asked.
    pub fn asks(&self) -> bool {
        matches!(self.predict, Some(None))
    }

    /// There are predictions, wherever they come from.
    pub fn is_given(&self) -> bool {
        self.predict.is_some()
    }
}
