//! One line of an experiment's trace.

use crate::lab::report::scene::Step;
use crate::trace::{Name, Record};

/// What happened in an experiment, in order.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A traced call.
    Call(Record),
    /// A step of a client.
    Step(Step),
    /// What no call and no client's step says.
    Note(String),
    /// So many reports of a client are not among the calls.
    Unseen(Name, u64),
}
