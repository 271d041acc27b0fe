//! `--step`: the script goes on when somebody presses Enter.

use anyhow::Result;

use crate::lab::script::Coming;
use crate::show::prompt::enter;

/// Asks before each step, if `step` is wanted. When standard input has ended
/// nobody is left to press Enter, and the script goes on by itself.
pub fn pace(step: bool) -> impl FnMut(Coming<'_>) -> Result<()> {
    let mut asks = step;
    move |next| {
        if asks {
            let what = match next {
                Coming::Step(step) => step.to_string(),
                Coming::ShutDown => "the listener is shut down".into(),
            };
            asks = enter(&what)?;
        }
        Ok(())
    }
}
