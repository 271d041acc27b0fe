//! A number that is known to lie between two others.

use crate::cost::Cost;

/// Where a time lies, or a ratio of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    pub low: f64,
    pub high: f64,
}

impl Between {
    /// The time of a call: between the quick tenth of the batches and the
    /// middle one. Whoever takes the processor away makes some batches slower
    /// and none quicker.
    pub fn of(cost: Cost) -> Between {
        Between {
            low: cost.p10_ns,
            high: cost.median_ns,
        }
    }

    /// How many times the other one it is.
    pub fn over(self, other: Between) -> Between {
        Between {
            low: self.low / other.high,
            high: self.high / other.low,
        }
    }

    /// Whether it is below a bound; `None` where that cannot be told.
    pub fn is_below(self, bound: f64) -> Option<bool> {
        match self {
            _ if self.high < bound => Some(true),
            _ if self.low >= bound => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_in_between_decides_nothing() {
        let cost = |low, high| Between { low, high };
        let growth = cost(900.0, 1_800.0).over(cost(100.0, 150.0));
        assert_eq!(growth, cost(6.0, 18.0));
        let below = [20.0, 6.0, 8.0].map(|bound| growth.is_below(bound));
        assert_eq!(below, [Some(true), Some(false), None]);
    }
}
