//! Why a plan makes no sense.

use std::fmt;

use crate::cost::plan::MAX_CHURN;

use crate::cost::plan::MAX_FDS;

use crate::cost::plan::MAX_SIZES;

/// Why a plan makes no sense: the value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// There is nothing to measure.
    NoSizes,
    /// More than [`MAX_SIZES`].
    TooManySizes {
        /// How many, each counted once.
        given: usize,
    },
    /// 0, or more than [`MAX_FDS`].
    SizeOutOfRange {
        /// The first such size.
        fds: usize,
    },
    /// None ready, so that a wait would never return; or more than there are.
    ActiveOutOfRange {
        /// Fds to be ready in the smallest set.
        active: usize,
        /// Fds in it.
        smallest: usize,
    },
    /// A change of interest is one of an idle fd, and all are ready.
    NoIdleFd {
        /// Fds to be ready in the smallest set.
        active: usize,
        /// Fds in it.
        smallest: usize,
    },
    /// More than [`MAX_CHURN`].
    ChurnOutOfRange {
        /// Changes asked for before each wait.
        churn: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::NoSizes => write!(
                f,
                "--fds names no size: give at least one, such as --fds 10,100"
            ),
            PlanError::TooManySizes { given } => {
                write!(
                    f,
                    "--fds names {given} sizes: at most {MAX_SIZES} are measured in one run"
                )
            }
            PlanError::SizeOutOfRange { fds } => {
                write!(f, "--fds {fds}: a set has 1 to {MAX_FDS} fds")
            }
            PlanError::ActiveOutOfRange { active: 0, .. } => write!(
                f,
                "--active 0: with nothing ready a wait would sleep for ever; give 1 or more, or 'all'"
            ),
            PlanError::ActiveOutOfRange { active, smallest } => write!(
                f,
                "--active {active} is more than the smallest set has (--fds {smallest}): give at most {smallest}, or 'all'"
            ),
            PlanError::NoIdleFd { active, smallest } => write!(
                f,
                "--churn changes the interest in idle fds, and with {active} of {smallest} fds ready none is idle: \
                 make --active smaller than the smallest of --fds, or leave --churn away"
            ),
            PlanError::ChurnOutOfRange { churn } => {
                write!(
                    f,
                    "--churn {churn}: 0 to {MAX_CHURN} changes before each wait"
                )
            }
        }
    }
}

impl std::error::Error for PlanError {}
