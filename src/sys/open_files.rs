//! The limit on open files, RLIMIT_NOFILE (getrlimit(2)).
//!
//! The kernel compares it with the *number* of a new fd, and hands out the
//! lowest free one. A process may move its soft limit up to the hard one; only
//! root lifts the hard one.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use crate::trace::{CallFailed, OfCall};

/// The soft and the hard limit: one more than the highest fd that there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The one that open(2) goes by.
    pub soft: rlim_t,
    /// How far the soft one can be raised.
    pub hard: rlim_t,
}

impl Limit {
    /// The limit of this process.
    ///
    /// # Errors
    ///
    /// What getrlimit(2) fails with.
    pub fn read() -> Result<Limit, CallFailed> {
        let (soft, hard) =
            getrlimit(Resource::RLIMIT_NOFILE).of_call("getrlimit(RLIMIT_NOFILE)")?;
        Ok(Limit { soft, hard })
    }

    /// Makes it the limit of this process.
    ///
    /// # Errors
    ///
    /// What setrlimit(2) fails with.
    pub fn set(self) -> Result<(), CallFailed> {
        let Limit { soft, hard } = self;
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
            .of_call(format!("setrlimit(RLIMIT_NOFILE, {soft})"))
    }

    /// With the soft limit at `needed`, or at the hard one if that is less;
    /// never lower than it is.
    pub fn raised_to(self, needed: rlim_t) -> Limit {
        let soft = needed.min(self.hard).max(self.soft);
        Limit { soft, ..self }
    }
}

/// The soft limit, raised for as long as this lives.
#[derive(Debug)]
pub struct Raised {
    before: Limit,
    now: Limit,
}

impl Raised {
    /// Raises the soft limit to `needed`, or as far as the hard one allows.
    ///
    /// # Errors
    ///
    /// What getrlimit(2) or setrlimit(2) fails with.
    pub fn to(needed: rlim_t) -> Result<Raised, CallFailed> {
        let before = Limit::read()?;
        let now = before.raised_to(needed);
        if now != before {
            now.set()?;
        }
        Ok(Raised { before, now })
    }

    /// The soft limit as it is now.
    pub fn soft(&self) -> rlim_t {
        self.now.soft
    }

    /// The hard limit, which stays what it was.
    pub fn hard(&self) -> rlim_t {
        self.now.hard
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        if self.now != self.before {
            // Lowering a soft limit is always allowed; if it fails all the
            // same, a higher limit harms nobody.
            let _ = self.before.set();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_as_far_as_it_goes_and_never_lowered() {
        let limit = Limit {
            soft: 256,
            hard: 1_024,
        };
        let soft = |needed| limit.raised_to(needed).soft;
        assert_eq!([100, 500, 5_000].map(soft), [256, 500, 1_024]);
    }
}
