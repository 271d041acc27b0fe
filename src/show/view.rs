//! How things are shown, whatever the format.

/// Whether every call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Every call as it happens (`--trace`).
    Calls,
    /// What it came to, and no call.
    Summary,
}

/// Whether what varies from run to run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Times, durations and the wait channel (`--timing`).
    Shown,
    /// None of it: the same bytes in every run.
    Hidden,
}

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
    /// From `--trace`.
    pub trace: Trace,
    /// From `--timing`.
    pub timing: Timing,
}

impl View {
    /// Whether every call is shown.
    pub fn calls(&self) -> bool {
        self.trace == Trace::Calls
    }

    /// Whether what varies is shown.
    pub fn times(&self) -> bool {
        self.timing == Timing::Shown
    }
}
