//! Why a plan makes no sense.

use std::fmt;

use super::plan::{MAX_CHURN, MAX_FDS, MAX_SIZES};

/// Why a plan makes no sense: the value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    NoSizes,
    TooManySizes { given: usize },
    SizeOutOfRange { fds: usize },
    ActiveOutOfRange { active: usize, smallest: usize },
    NoIdleFd { active: usize, smallest: usize },
    ChurnOutOfRange { churn: usize },
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
