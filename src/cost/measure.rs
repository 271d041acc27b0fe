//! One run, from opening the fds to closing them.

use std::ops::ControlFlow;

use crate::cost::api::Api;
use crate::cost::bench::Bench;
use crate::cost::limits::{self, files_needed};
use crate::cost::measurement::{Cell, Measurement};
use crate::cost::plan::Plan;
use crate::cost::sets::FdPool;
use crate::sys::open_files::Raised;

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
/// A system call that fails, or a wait that returns another number of ready fds than were made ready. `progress` may
/// break off: that is an error before the first counted round is over, and then a run of fewer repetitions.
pub fn measure(
    plan: &Plan,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> anyhow::Result<Measurement> {
    let threads = threads();
    let kind = plan.fd_kind;
    let largest = plan.fds().last().copied().unwrap_or(0);
    // Declared before the fds, so dropped after them: the limit goes down again when they are closed.
    let limit = Raised::to(files_needed(kind, largest))?;
    let fitting = plan
        .fds()
        .iter()
        .copied()
        .filter(|&fds| limits::skip(&limit, kind, fds).is_none())
        .max()
        .unwrap_or(0);
    let (pool, stopped) = FdPool::open(kind, fitting);
    let mut plan = plan.clone().experimenting_within(pool.len());

    let skip_of = |fds: usize| {
        let stopped = || stopped.clone().filter(|_| fds > pool.len());
        limits::skip(&limit, kind, fds).or_else(stopped)
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
                    outcome: Err(skip),
                }),
                None => runnable.push((api, point)),
            }
        }
    }
    let total = runnable.len() as u64 * (plan.repetitions as u64 + 1);
    let mut done = 0;
    let (rounds, samples) = bench.run(&plan, &runnable, || {
        done += 1;
        progress(Progress { done, total })
    })?;
    plan.repetitions = rounds;
    cells.extend(samples.into_iter().map(|(api, point, cost)| Cell {
        api,
        point,
        outcome: Ok(cost),
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
