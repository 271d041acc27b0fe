//! What every experiment and its judge are written with.

pub use anyhow::{Context, Result};
pub use nix::errno::Errno;
pub use nix::sys::epoll::EpollFlags;

pub use crate::claims::claim::Claim;
pub use crate::claims::evidence::{done, errno, events, figure, listed};
pub use crate::claims::evidence::{outcome, reports, short, with_data};
pub use crate::claims::finding::{Finding, confirmed, depends, not_tried, refuted};
pub use crate::claims::trial::{
    ANY_PORT, at_once, connect_to, free_number, has, hears, knock, reset,
};
pub use crate::claims::trial::{Conn, NamedEvent, Trial};
pub use crate::claims::trial::{ERR, ET, HUP, IN, MESSAGE, OUT, RDHUP};
pub use crate::trace::{CtlOp, Name, OfCall, errno_name};

/// What the tests of the judges compare with.
#[cfg(test)]
pub use crate::claims::finding::Verdict::{Confirmed, Depends, NotTried, Refuted};
