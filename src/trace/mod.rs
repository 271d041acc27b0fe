//! What happened, as data: a [`Call`], and the [`Record`] of its return.
//!
//! Nothing here makes a system call. The names are those of the man pages
//! ([`Call::name`]) and of strace ([`Call::syscall`]), and every format takes
//! them from here.

mod call;
pub mod escape;
mod failure;
mod name;
mod record;
mod report;
pub mod totals;
pub mod words;

pub use crate::trace::call::{Call, CtlOp};
pub use crate::trace::failure::{
    CallFailed, Failure, OfCall, errno_name, errno_text, error_text, io_error_text,
};
pub use crate::trace::name::{Fd, Name};
pub use crate::trace::record::Record;
pub use crate::trace::report::{Ready, Report, WaitCost};
