//! One wait, as each of the three listings has it.

/// What the program wants to hear about an fd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing: the fd is out of the set, or registered without events.
    Off,
    /// That it is readable.
    In,
}

/// What is measured. Each API's listing is its implementation; the calls are resolved at compile time.
pub trait Wait {
    /// One wait, and the search for what is ready: how many fds were found.
    fn wait(&mut self) -> anyhow::Result<usize>;

    /// One change of interest.
    fn set_interest(&mut self, index: usize, interest: Interest) -> anyhow::Result<()>;
}
