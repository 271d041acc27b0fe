//! What is to be measured: sizes, ready fds, changes of interest, and how often.

use std::time::Duration;

use crate::cost::fd_kind::FdKind;
use crate::cost::plan_error::{MAX_CHURN, MAX_FDS, MAX_SIZES, PlanError};

/// The fewest waits in a batch, however long they take: after another set's turn, 10,000 fds are back in the caches only
/// after some waits.
pub const MIN_CALLS: u64 = 20;

/// How many fds of a set are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// So many, whatever the size.
    Count(usize),
    /// Every fd: K = N.
    All,
}

impl Active {
    /// The number for a set of `fds`.
    pub fn of(self, fds: usize) -> usize {
        match self {
            Active::Count(count) => count,
            Active::All => fds,
        }
    }
}

/// One thing to measure, with each of the three APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Fds in the set (N).
    pub fds: usize,
    /// Fds of them that are ready (K).
    pub active: usize,
    /// Changes of interest before each wait (C).
    pub churn: usize,
}

/// A run: valid by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    fds: Vec<usize>,
    active: Active,
    churn: usize,
    /// What the fds are: `poll` of an eventfd is not `poll` of a socket.
    pub fd_kind: FdKind,
    /// Counted rounds; the median and the percentiles are taken over them.
    pub repetitions: usize,
    /// How long one batch of calls lasts, about.
    pub batch: Duration,
    /// The largest size at which the experiments may take place.
    experiment_limit: usize,
    /// Whether break-even and the cost of a change of interest are measured beside the sizes: at one size, from one
    /// ready fd to all of them, and from no change of interest to many.
    pub experiments: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            fds: vec![10, 100, 1_000, 10_000],
            active: Active::Count(1),
            churn: 0,
            fd_kind: FdKind::Eventfd,
            repetitions: 21,
            batch: Duration::from_millis(5),
            // Within what select can take.
            experiment_limit: 1_000,
            experiments: true,
        }
    }
}

impl Plan {
    /// A plan for these sizes; they are sorted, and one given twice is measured once.
    pub fn new(
        mut fds: Vec<usize>,
        active: Active,
        churn: usize,
        fd_kind: FdKind,
    ) -> Result<Plan, PlanError> {
        fds.sort_unstable();
        fds.dedup();
        let Some(&smallest) = fds.first() else {
            return Err(PlanError::NoSizes);
        };
        if fds.len() > MAX_SIZES {
            return Err(PlanError::TooManySizes { given: fds.len() });
        }
        if let Some(&fds) = fds.iter().find(|&&fds| fds == 0 || fds > MAX_FDS) {
            return Err(PlanError::SizeOutOfRange { fds });
        }
        let ready = active.of(smallest);
        if ready == 0 {
            return Err(PlanError::NoneActive);
        }
        if ready > smallest {
            return Err(PlanError::TooManyActive {
                active: ready,
                smallest,
            });
        }
        if churn > MAX_CHURN {
            return Err(PlanError::ChurnOutOfRange { churn });
        }
        if churn > 0 && ready == smallest {
            return Err(PlanError::NoIdleFd {
                active: ready,
                smallest,
            });
        }
        Ok(Plan {
            fds,
            active,
            churn,
            fd_kind,
            ..Plan::default()
        })
    }

    /// A shorter run with coarser figures: some hundredths of a second a size. A batch is shorter than the time for which
    /// the processor is given to somebody, so that whoever else is at work spoils few batches.
    pub fn quick(self) -> Plan {
        Plan {
            repetitions: 21,
            batch: Duration::from_micros(300),
            ..self
        }
    }

    /// The sizes alone, without break-even and churn.
    pub fn sizes_only(self) -> Plan {
        Plan {
            experiments: false,
            ..self
        }
    }

    /// The sizes, ascending.
    pub fn fds(&self) -> &[usize] {
        &self.fds
    }

    /// At most as many as the smallest set has fds.
    pub fn active(&self) -> Active {
        self.active
    }

    /// Above 0 only where at least one fd of the smallest set is idle.
    pub fn churn(&self) -> usize {
        self.churn
    }

    /// All that is measured, each once: the sizes first, then the experiments.
    pub fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        let churn = self.churn_points().chain(self.small_churn_points());
        for point in self.size_points().chain(self.ready_points()).chain(churn) {
            if !points.contains(&point) {
                points.push(point);
            }
        }
        points
    }

    /// The cost over N.
    pub fn size_points(&self) -> impl Iterator<Item = Point> + '_ {
        self.fds.iter().map(|&fds| Point {
            fds,
            active: self.active.of(fds),
            churn: self.churn,
        })
    }

    /// The cost over K at one size, from one ready fd to all of them.
    pub fn ready_points(&self) -> impl Iterator<Item = Point> + '_ {
        let fds = self.experiment_size();
        // Percent of the set; the first is one fd.
        let mut counts: Vec<usize> = [0, 5, 10, 20, 30, 40, 50, 60, 80, 100]
            .iter()
            .map(|percent| (fds * percent / 100).max(1))
            .collect();
        counts.dedup();
        self.if_experimenting(counts).map(move |active| Point {
            fds,
            active,
            churn: 0,
        })
    }

    /// The cost over C at one size, with one fd ready.
    pub fn churn_points(&self) -> impl Iterator<Item = Point> + '_ {
        self.churn_at(self.experiment_size(), &[2, 5, 10, 20, 50])
    }

    /// The same at the smallest size, where epoll has least to win; nothing, if that is the size above.
    pub fn small_churn_points(&self) -> impl Iterator<Item = Point> + '_ {
        let smallest = self
            .fds
            .first()
            .copied()
            .filter(|&fds| fds < self.experiment_size());
        smallest
            .into_iter()
            .flat_map(|fds| self.churn_at(fds, &[20, 50]))
    }

    /// No change, one, and these shares of the set.
    fn churn_at(&self, fds: usize, percents: &[usize]) -> impl Iterator<Item = Point> + use<> {
        let mut counts = vec![0, 1];
        counts.extend(
            percents
                .iter()
                .map(|percent| fds * percent / 100)
                .filter(|&count| count > 1),
        );
        counts.dedup();
        // With a single fd there is none that is idle.
        counts.retain(|_| fds > 1);
        self.if_experimenting(counts).map(move |churn| Point {
            fds,
            active: 1,
            churn,
        })
    }

    /// The same with the experiments at a size of at most `available` fds; without them, where every size is larger.
    pub fn experimenting_within(mut self, available: usize) -> Plan {
        self.experiment_limit = self.experiment_limit.min(available);
        self.experiments &= self
            .fds
            .first()
            .is_some_and(|&smallest| smallest <= available);
        self
    }

    /// Where the experiments take place: the largest size up to 1,000, which `select` can still take, or else the
    /// smallest.
    pub fn experiment_size(&self) -> usize {
        let fitting = self
            .fds
            .iter()
            .copied()
            .filter(|&fds| fds <= self.experiment_limit)
            .max();
        fitting.or(self.fds.first().copied()).unwrap_or(1)
    }

    fn if_experimenting<T>(&self, points: Vec<T>) -> impl Iterator<Item = T> + use<T> {
        let wanted = self.experiments;
        points.into_iter().filter(move |_| wanted)
    }

    /// How long the run will take, about: for the user who waits.
    pub fn expected_time(&self) -> Duration {
        let each = |point: &Point| {
            // A batch and its warm-up; large sets take longer than a batch is meant to last. Only an order of
            // magnitude is needed here: some 100 ns an fd, and some 200 ns a system call.
            let wait = |looked_at: usize| {
                Duration::from_nanos(100 * looked_at as u64 + 200 * point.churn as u64)
            };
            let batch =
                |looked_at: usize| self.batch.max(wait(looked_at) * MIN_CALLS as u32) * 5 / 4;
            let arming = Duration::from_micros(2 * point.active as u64);
            2 * batch(point.fds) + batch(point.active) + arming
        };
        let round: Duration = self.points().iter().map(each).sum();
        round * (self.repetitions as u32 + 1)
    }
}
