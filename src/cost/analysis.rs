//! What the figures say: lines through them, their shape, where epoll stops being the faster one.

use crate::cost::api::Api;
use crate::cost::fit::{Crossing, Line, crossing};
use crate::cost::measurement::Measurement;
use crate::cost::plan::Point;

/// A cost that stays within this factor over all sizes counts as flat.
pub(super) const FLAT_WITHIN: f64 = 1.3;
/// A line that misses no point by more than this share of it counts as straight.
const STRAIGHT_WITHIN: f64 = 0.25;
/// A straight line that rises counts as linear where the cost grows as N to at least this power: the part that does not
/// depend on N makes it less than 1.
const RISES_FROM: f64 = 0.5;
/// So does a cost that grows as N to a power within these. Large sets leave the caches, and a line through sizes from
/// 10 to 10,000 then misses a point by more than [`STRAIGHT_WITHIN`], though ten times the fds cost about ten times
/// as much throughout.
const LINEAR_POWERS: std::ops::RangeInclusive<f64> = 0.85..=1.2;

/// The batches of a point are uneven where the slow tenth takes more than this many times what the quick tenth takes.
const UNEVEN_FROM: f64 = 2.0;

/// How the cost depends on the number of fds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// About the same at every size.
    Flat,
    /// Each fd more costs about the same.
    Linear,
    /// It changes with N, and no straight line describes it.
    Other,
    /// The batches of one size differ too much to say anything.
    Unclear,
}

impl Shape {
    /// Of (N, cost), and of the line fitted to them.
    pub fn of(points: &[(f64, f64)], line: &Line) -> Shape {
        let costs = || points.iter().map(|&(_, cost)| cost);
        let (lowest, highest) = (
            costs().fold(f64::INFINITY, f64::min),
            costs().fold(0.0, f64::max),
        );
        // A line that hardly rises is straight as well: what grows with N must be the greater part of the cost where
        // N is largest.
        let largest = points.iter().map(|&(n, _)| n).fold(0.0, f64::max);
        let power = power(points);
        let straight = line.residual <= STRAIGHT_WITHIN && line.b * largest > line.a;
        let rises = straight && power >= RISES_FROM;
        if highest <= FLAT_WITHIN * lowest {
            Shape::Flat
        } else if line.b > 0.0 && (rises || LINEAR_POWERS.contains(&power)) {
            Shape::Linear
        } else {
            Shape::Other
        }
    }

    /// In a word, for a table.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Flat => "flat",
            Shape::Linear => "linear",
            Shape::Other => "neither flat nor linear",
            Shape::Unclear => "too uneven to say",
        }
    }
}

/// The p of a cost that grows as N^p: the slope of the straight line through the points of a double logarithmic chart
/// (least squares). 0 for fewer than two different N.
pub fn power(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0.ln()), mean(|point| point.1.ln()));
    let both: f64 = points
        .iter()
        .map(|point| (point.0.ln() - x) * (point.1.ln() - y))
        .sum();
    let spread: f64 = points.iter().map(|point| (point.0.ln() - x).powi(2)).sum();
    if spread > 0.0 { both / spread } else { 0.0 }
}

/// The cost of one API over the sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted {
    /// Whose cost it is.
    pub api: Api,
    /// Nanoseconds: `a + b x N`.
    pub line: Line,
    /// The cost grows as N to this power.
    pub power: f64,
    /// In a word what the line and the power say.
    pub shape: Shape,
    /// The smallest and the largest size measured.
    pub sizes: (f64, f64),
    /// The cost at the largest size, as a multiple of that at the smallest.
    pub growth: f64,
}

impl Fitted {
    /// `None` with fewer than two sizes measured.
    pub fn of(measurement: &Measurement, api: Api) -> Option<Fitted> {
        let points = measurement.series(api);
        let line = Line::fit(&points)?;
        let (&(first, low), &(last, high)) = (points.first()?, points.last()?);
        let shape = match uneven(measurement, &[api], measurement.plan.size_points()) {
            Some(_) => Shape::Unclear,
            None => Shape::of(&points, &line),
        };
        Some(Fitted {
            api,
            line,
            power: power(&points),
            shape,
            sizes: (first, last),
            growth: high / low,
        })
    }
}

/// The first of these points at which one of these APIs was measured with batches too uneven for a verdict: on a busy
/// machine the medians are those of the neighbours, too.
pub fn uneven(
    measurement: &Measurement,
    apis: &[Api],
    mut points: impl Iterator<Item = Point>,
) -> Option<Point> {
    points.find(|&point| {
        let costs = apis.iter().filter_map(|&api| measurement.cost(api, point));
        costs
            .into_iter()
            .any(|cost| cost.p90_ns > UNEVEN_FROM * cost.p10_ns)
    })
}

/// The cost of poll as a multiple of epoll's.
pub fn poll_over_epoll(measurement: &Measurement, point: Point) -> Option<f64> {
    let (poll, epoll) = (
        measurement.cost(Api::Poll, point)?,
        measurement.cost(Api::Epoll, point)?,
    );
    Some(poll.median_ns / epoll.median_ns)
}

/// From which `x` on, among these points, epoll costs more than poll.
pub fn break_even(
    measurement: &Measurement,
    points: impl Iterator<Item = Point>,
    x: fn(&Point) -> usize,
) -> Option<Crossing> {
    let costs = points.filter_map(|point| {
        let epoll = measurement.cost(Api::Epoll, point)?;
        let poll = measurement.cost(Api::Poll, point)?;
        Some((x(&point) as f64, epoll.median_ns, poll.median_ns))
    });
    crossing(&costs.collect::<Vec<_>>())
}

/// What one change of interest costs, in nanoseconds: the slope of the cost over the changes.
pub fn cost_of_change(measurement: &Measurement, api: Api) -> Option<Line> {
    let points = measurement.plan.churn_points();
    let costs: Vec<_> = points
        .filter_map(|point| Some((point.churn as f64, measurement.cost(api, point)?.median_ns)))
        .collect();
    Line::fit(&costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let of = |points: &[(f64, f64)]| Shape::of(points, &Line::fit(points).unwrap());
        assert_eq!(
            of(&[(10.0, 400.0), (100.0, 430.0), (1_000.0, 410.0)]),
            Shape::Flat
        );
        assert_eq!(
            of(&[(10.0, 600.0), (100.0, 3_300.0), (1_000.0, 31_000.0)]),
            Shape::Linear
        );
        // The caches: a third more an fd at the far end.
        assert_eq!(
            of(&[
                (10.0, 700.0),
                (100.0, 5_600.0),
                (1e3, 60_000.0),
                (1e4, 1_000_000.0)
            ]),
            Shape::Linear
        );
        // A busy machine's: the last size alone costs more, by less than it would be if each fd cost something.
        assert_eq!(
            of(&[(10.0, 390.0), (100.0, 400.0), (1e3, 430.0), (1e4, 1_060.0)]),
            Shape::Other
        );
        // Much the same, and a little more for every fd.
        assert_eq!(
            of(&[(10.0, 1_500.0), (1e3, 1_610.0), (1e4, 2_600.0)]),
            Shape::Other
        );
        assert_eq!(
            of(&[(10.0, 100.0), (100.0, 10_000.0), (1_000.0, 1_000_000.0)]),
            Shape::Other
        );
    }

    #[test]
    fn powers() {
        assert!((power(&[(10.0, 7.0), (100.0, 700.0), (1e3, 70_000.0)]) - 2.0).abs() < 1e-9);
        assert_eq!(power(&[(10.0, 7.0)]), 0.0);
        assert_eq!(power(&[]), 0.0);
    }
}
