//! What the fold is told.

use crate::lab::report::Summary;
use crate::lab::report::scene::{Asleep, Blocked, Step};
use crate::trace::{Call, Name, Record};

/// What becomes a line of the trace, or a few lines that belong together.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The calls that make the listener and the epoll instance.
    SetUp(&'a [Record]),
    /// A call that has returned.
    Call(&'a Record),
    /// A recv, and the send that gave all of it back.
    Echo(&'a Record, &'a Record),
    /// A recv that has found the end, and the close that follows it.
    HungUp(&'a Record, &'a Record),
    /// The server sleeps in this call, for one client.
    DoesNotReturn(&'a Call),
    /// A client acts.
    Step(&'a Step),
    /// Before the first hang-up: what is unread, and nobody will be told.
    Stranded(&'a [(Name, u64)], &'a Asleep),
    /// Who waits meanwhile.
    Blocked(&'a Blocked),
    /// The listener is shut down, which ends the run.
    ShutDown(&'a Asleep),
    /// What is said between the calls.
    Note(&'a str),
    /// Calls like those before it, which are not told one by one.
    Folded,
    /// What an experiment came to.
    Conclusion(&'a str),
    /// It is over.
    End(&'a Summary),
}
