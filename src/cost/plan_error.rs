//! What a plan may hold, and why one makes no sense.

use thiserror::Error;

/// The largest set that may be asked for: one `poll` of it takes some milliseconds.
pub const MAX_FDS: usize = 100_000;
/// The most changes of interest before each wait.
pub const MAX_CHURN: usize = 10_000;
/// The most sizes in one run: it would take a minute, and no chart has room for more.
pub const MAX_SIZES: usize = 20;

/// Why a plan makes no sense: the value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// There is nothing to measure.
    #[error("--fds names no size: give at least one, such as --fds 10,100")]
    NoSizes,
    /// More than [`MAX_SIZES`].
    #[error("--fds names {given} sizes: at most {MAX_SIZES} are measured in one run")]
    TooManySizes {
        /// How many, each counted once.
        given: usize,
    },
    /// 0, or more than [`MAX_FDS`].
    #[error("--fds {fds}: a set has 1 to {MAX_FDS} fds")]
    SizeOutOfRange {
        /// The first such size.
        fds: usize,
    },
    /// None ready, so that a wait would never return.
    #[error("--active 0: with nothing ready a wait would sleep for ever; give 1 or more, or 'all'")]
    NoneActive,
    /// More ready than there are.
    #[error(
        "--active {active} is more than the smallest set has (--fds {smallest}): give at most \
         {smallest}, or 'all'"
    )]
    TooManyActive {
        /// Fds to be ready in the smallest set.
        active: usize,
        /// Fds in it.
        smallest: usize,
    },
    /// A change of interest is one of an idle fd, and all are ready.
    #[error(
        "--churn changes the interest in idle fds, and with {active} of {smallest} fds ready none \
         is idle: make --active smaller than the smallest of --fds, or leave --churn away"
    )]
    NoIdleFd {
        /// Fds to be ready in the smallest set.
        active: usize,
        /// Fds in it.
        smallest: usize,
    },
    /// More than [`MAX_CHURN`].
    #[error("--churn {churn}: 0 to {MAX_CHURN} changes before each wait")]
    ChurnOutOfRange {
        /// Changes asked for before each wait.
        churn: usize,
    },
}
