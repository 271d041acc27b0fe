//! What the clients may be asked to do.

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A and B connect, send and hang up, as with the lab's own servers.
    Basic,
    /// D and E connect at once, while the server is held.
    Burst,
    /// F resets its connection.
    Reset,
    /// G sends much, and reads late.
    Slow,
    /// I sends and hangs up, while the server is held.
    Leave,
}

impl Act {
    /// As it is typed, and in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Act::Basic => "basic",
            Act::Burst => "burst",
            Act::Reset => "reset",
            Act::Slow => "slow",
            Act::Leave => "leave",
        }
    }

    /// What happens in it.
    pub fn title(self) -> &'static str {
        match self {
            Act::Basic => "A and B each send a message, and hang up",
            Act::Burst => "D and E connect at once, while the server is busy with C",
            Act::Reset => "F resets its connection",
            Act::Slow => "G sends 32768 bytes and reads late",
            Act::Leave => "I sends and hangs up at once, while the server is busy with H",
        }
    }
}
