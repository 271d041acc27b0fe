//! How long a server has kept still while the lab looked at it.

use std::time::{Duration, Instant};

/// How long a server may take to come to rest.
pub const SETTLE: Duration = Duration::from_secs(10);

/// The most that lies between two looks of a lab that runs. In a longer gap the
/// lab itself stood still: stopped by Ctrl-Z, in write(2) to a reader who takes
/// his time, or without a processor. The server is not to blame for that.
const GAP: Duration = Duration::from_millis(10);

/// Runs while the lab looks, and stands while the lab does.
#[derive(Debug)]
pub struct Clock {
    looked: Instant,
    still: Duration,
}

impl Clock {
    /// Begins now.
    pub fn start() -> Clock {
        Clock {
            looked: Instant::now(),
            still: Duration::ZERO,
        }
    }

    /// To be called once a look; whether the server has kept still for
    /// [`SETTLE`].
    pub fn is_over(&mut self) -> bool {
        let now = Instant::now();
        let gap = now - self.looked;
        self.looked = now;
        self.count(gap)
    }

    fn count(&mut self, gap: Duration) -> bool {
        self.still += gap.min(GAP);
        self.still > SETTLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_that_stood_still_blames_no_server() {
        let mut clock = Clock::start();
        let hour = Duration::from_secs(3600);
        assert!(!(0..100).any(|_| clock.count(hour)));
    }

    #[test]
    fn a_lab_that_looks_counts_each_gap() {
        let mut clock = Clock::start();
        let looks = (1..).find(|_| clock.count(GAP / 10));
        assert_eq!(looks, Some(10_001));
    }
}
