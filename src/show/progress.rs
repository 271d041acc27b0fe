//! A progress bar on stderr, while a measurement runs; nothing where stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with the expected time. It draws when it is moved and starts no thread: a second thread in the process would
/// make each fd of `select` and `poll` cost more, see [`crate::cost`].
pub fn bar(total: u64, expected: Duration) -> ProgressBar {
    // Hidden by indicatif itself where stderr is no terminal.
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{msg} [{bar:36}] {percent:>3} %");
    // The template is fixed, so this cannot fail; a bar in the standard style would do as well.
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(format!(
        "measuring, about {:.0} s",
        expected.as_secs_f64().ceil()
    ));
    bar
}
