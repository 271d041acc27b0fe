//! What one wait costs as the set of fds grows: `select`, `poll` and `epoll` beside each other.
//!
//! # What is measured
//!
//! One wait **as a program needs it**: the call, `select`'s copy of its `fd_set` (the kernel overwrites the set it is
//! given, `select(2)`), and the program's search for the ready fds, until all that the call counted have been found.
//! The three listings are [`select`], [`poll`] and [`epoll`], written to be read side by side.
//!
//! # How
//!
//! - The fds are real ([`sets::FdKind`]): eventfds, or the accepted ends of TCP connections over loopback. The smaller sets
//!   are the first fds of the largest.
//! - K of N fds stay readable throughout; nothing reads them between two waits, so each wait finds the same K and none
//!   sleeps. The timeout is "for ever", as in a server. Any other number of ready fds ends the run with an error.
//! - Calls are timed in batches ([`Plan::batch`]), long against the tens of nanoseconds that reading the clock costs.
//! - A round measures each point once with each API; the order moves on from round to round, so a machine that slows
//!   down for a while slows all of them down. Reported are the median, the 10th and the 90th percentile over the rounds.
//! - Not counted: a first round, which also finds out how many calls make a batch, and the first waits of each batch
//!   (a quarter as many as are counted).
//!
//! # Pitfalls
//!
//! - **Where the ready fds are** decides how long the search takes, and more: a wait that may sleep enters the caller
//!   into the wait queue of each fd *up to the first ready one* (`do_select` and `do_poll` in the kernel's
//!   `fs/select.c` stop queueing at the first hit), and that costs more than asking the fd. So one ready fd at
//!   the front flatters select and poll, and one at the end punishes them. Here the set is cut into K equal parts and
//!   the middle of each is ready: for K = 1 that is what a randomly chosen fd costs on average. `epoll` does not care.
//! - **Threads.** In a process with one thread the kernel looks an fd up without counting a reference to the file
//!   (`fdget()`, `fs/file.c`). With a second thread, asleep or not, each fd of each `select` and `poll` costs two
//!   atomic operations more. [`Measurement::threads`] says how many there were.
//! - **Large sets leave the caches**: an fd of 10,000 costs more than one of 100, and the first waits after another
//!   set's turn cost more than the later ones. Hence the warm-up of each batch, and at least 20 waits in it.
//! - **An unoptimised build** slows the program's search, not the kernel.
//! - **One wait is not a server.** A server also reads, and with `epoll` pays an `epoll_ctl` for each change of interest:
//!   that is what [`Point::churn`] measures. A change switches an idle fd off, the next one switches it on again.

pub mod analysis;
pub mod bench;
pub mod epoll;
pub mod figures;
pub mod fit;
pub mod limits;
pub mod plan;
mod plan_error;
pub mod poll;
pub mod select;
pub mod sets;
pub mod stats;
pub mod verdict;

use serde::Serialize;

use crate::cost::bench::Bench;
use crate::cost::limits::{OpenFiles, Skip};
use crate::cost::sets::FdPool;

pub use crate::cost::plan::Active;

pub use crate::cost::plan::Plan;

pub use crate::cost::plan::PlanError;

pub use crate::cost::plan::Point;
pub use crate::cost::stats::Cost;

/// The three ways of waiting for many fds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `select(2)`.
    Select,
    /// `poll(2)`.
    Poll,
    /// `epoll(7)`.
    Epoll,
}

impl Api {
    /// In the order in which tables have them.
    pub const ALL: [Api; 3] = [Api::Select, Api::Poll, Api::Epoll];

    /// The name as the man pages write it.
    pub fn name(self) -> &'static str {
        match self {
            Api::Select => "select",
            Api::Poll => "poll",
            Api::Epoll => "epoll",
        }
    }
}

/// All that a run found out: pure data, for the renderers.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// As it was carried out: the experiments move to a smaller size where the limits require it.
    pub plan: Plan,
    /// One for each API at each point, in the order of [`Plan::points`].
    pub cells: Vec<Cell>,
    /// Threads in the process at the start; more than one makes each fd of `select` and `poll` dearer.
    pub threads: usize,
}

/// One API at one point.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What waits.
    pub api: Api,
    /// For how many fds, of which how many are ready.
    pub point: Point,
    /// What came of it.
    pub outcome: Outcome,
}

/// A cost, or why there is none.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Over all rounds but the first.
    Measured(Cost),
    /// Not tried: a limit is in the way.
    Skipped(Skip),
}

impl Measurement {
    /// `None` for a point that is not in the plan.
    pub fn outcome(&self, api: Api, point: Point) -> Option<&Outcome> {
        let cell = self
            .cells
            .iter()
            .find(|cell| cell.api == api && cell.point == point)?;
        Some(&cell.outcome)
    }

    /// The cost of a wait, where it could be measured.
    pub fn cost(&self, api: Api, point: Point) -> Option<Cost> {
        match self.outcome(api, point)? {
            Outcome::Measured(cost) => Some(*cost),
            Outcome::Skipped(_) => None,
        }
    }

    /// (N, median in ns) of one API over the sizes: what the chart draws and the line is fitted to.
    pub fn series(&self, api: Api) -> Vec<(f64, f64)> {
        let points = self.plan.size_points();
        points
            .filter_map(|point| Some((point.fds as f64, self.cost(api, point)?.median_ns)))
            .collect()
    }
}

/// How far a run has come, for a progress bar.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Batches that are over.
    pub done: u64,
    /// Batches in all, the uncounted first round among them.
    pub total: u64,
}

/// Measures what the plan asks for; about [`Plan::expected_time`].
///
/// Opens the fds, closes them again, and puts the soft limit on open files back.
///
/// # Errors
///
/// A system call that fails, or a wait that returns another number of ready fds than were made ready.
pub fn measure(plan: &Plan, mut progress: impl FnMut(Progress)) -> anyhow::Result<Measurement> {
    let threads = threads();
    let kind = plan.fd_kind;
    let largest = plan.fds().last().copied().unwrap_or(0);
    // Declared before the fds, so dropped after them: the limit goes down again when they are closed.
    let limit = OpenFiles::raise_for(kind, largest)?;
    let fitting = plan
        .fds()
        .iter()
        .copied()
        .filter(|&fds| limit.allows(kind, fds))
        .max()
        .unwrap_or(0);
    let (pool, stopped) = FdPool::open(kind, fitting);
    let plan = plan.clone().experimenting_within(pool.len());

    let skip_of = |fds: usize| -> Option<Skip> {
        if fds > fitting {
            Some(limit.skip(kind, fds))
        } else if fds > pool.len() {
            stopped.clone()
        } else {
            None
        }
    };

    let mut bench = Bench::new(
        &pool,
        plan.fds()
            .iter()
            .copied()
            .filter(|&fds| skip_of(fds).is_none()),
    )?;
    let mut cells = Vec::new();
    let mut runnable = Vec::new();
    for point in plan.points() {
        for api in Api::ALL {
            match skip_of(point.fds).or_else(|| bench.skip(api, point.fds)) {
                Some(skip) => cells.push(Cell {
                    api,
                    point,
                    outcome: Outcome::Skipped(skip),
                }),
                None => runnable.push((api, point)),
            }
        }
    }
    let total = runnable.len() as u64 * (plan.repetitions as u64 + 1);
    let mut done = 0;
    let samples = bench.run(&plan, &runnable, || {
        done += 1;
        progress(Progress { done, total });
    })?;
    cells.extend(samples.into_iter().map(|(api, point, cost)| Cell {
        api,
        point,
        outcome: Outcome::Measured(cost),
    }));

    // Measured and skipped ones back into the order of the plan.
    let order = plan.points();
    cells.sort_by_key(|cell| {
        (
            order.iter().position(|point| *point == cell.point),
            cell.api as usize,
        )
    });
    Ok(Measurement {
        plan,
        cells,
        threads,
    })
}

/// Threads of this process: each is a directory in `/proc/self/task` (`proc_pid_task(5)`). 1 if `/proc` is not there.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, |tasks| tasks.count().max(1))
}
