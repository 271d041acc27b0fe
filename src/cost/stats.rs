//! The median and the percentiles of repeated batches.

/// What one wait costs, over all repetitions; times in nanoseconds a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Half of the repetitions took longer.
    pub median_ns: f64,
    /// The 10th percentile: one in ten was faster.
    pub p10_ns: f64,
    /// The 90th percentile: one in ten was slower.
    pub p90_ns: f64,
    /// Waits that were timed, all repetitions together.
    pub calls: u64,
}

impl Cost {
    /// From the nanoseconds a call of each repetition; `None` without any.
    pub fn of(mut samples: Vec<f64>, calls: u64) -> Option<Cost> {
        samples.sort_by(f64::total_cmp);
        Some(Cost {
            median_ns: quantile(&samples, 0.5)?,
            p10_ns: quantile(&samples, 0.1)?,
            p90_ns: quantile(&samples, 0.9)?,
            calls,
        })
    }
}

/// The q-quantile of sorted samples, linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_eleven() {
        let cost = Cost::of((1..=11).rev().map(f64::from).collect(), 7).unwrap();
        assert_eq!(
            cost,
            Cost {
                median_ns: 6.0,
                p10_ns: 2.0,
                p90_ns: 10.0,
                calls: 7
            }
        );
    }

    #[test]
    fn between_neighbours() {
        assert_eq!(Cost::of(vec![1.0, 2.0], 2).unwrap().median_ns, 1.5);
        assert_eq!(Cost::of(Vec::new(), 0), None);
    }
}
