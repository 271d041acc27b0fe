//! What a run has found out, for the renderers.

use crate::cost::api::Api;
use crate::cost::plan::{Plan, Point};
use crate::cost::skip::Skip;
use crate::cost::stats::Cost;

/// All that a run found out: pure data, for the renderers.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// As it was carried out: the experiments move to a smaller size where the limits require it.
    pub plan: Plan,
    /// One for each API at each point, in the order of [`Plan::points`].
    pub cells: Vec<Cell>,
    /// Threads in the process at the start; more than one makes each fd of `select` and `poll` cost more.
    pub threads: usize,
}

/// One API at one point.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What waits.
    pub api: Api,
    /// For how many fds, of which how many are ready.
    pub point: Point,
    /// Over all rounds but the first; or the limit that is in the way, and so it was not tried.
    pub outcome: Result<Cost, Skip>,
}

impl Measurement {
    /// `None` for a point that is not in the plan.
    pub fn outcome(&self, api: Api, point: Point) -> Option<&Result<Cost, Skip>> {
        let cell = self
            .cells
            .iter()
            .find(|cell| cell.api == api && cell.point == point)?;
        Some(&cell.outcome)
    }

    /// The cost of a wait, where it could be measured.
    pub fn cost(&self, api: Api, point: Point) -> Option<Cost> {
        self.outcome(api, point)?.as_ref().ok().copied()
    }

    /// (N, median in ns) of one API over the sizes: what the chart draws and the line is fitted to.
    pub fn series(&self, api: Api) -> Vec<(f64, f64)> {
        let points = self.plan.size_points();
        points
            .filter_map(|point| Some((point.fds as f64, self.cost(api, point)?.median_ns)))
            .collect()
    }
}
