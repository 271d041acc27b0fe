//! How things are shown, whatever the format.

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Frames and letters as they are drawn best.
    Unicode,
    /// No byte above 0x7f (`--ascii`).
    Ascii,
}

/// How things are shown.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Every call as it happens (`--trace`), not only what it came to.
    pub calls: bool,
    /// What varies from run to run (`--timing`): times, durations, the wait
    /// channel. Without it the same bytes in every run.
    pub times: bool,
}
