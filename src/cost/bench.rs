//! The measuring itself: sets that stay open, batches, rounds.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::cost::api::Api;
use crate::cost::epoll::EpollWait;
use crate::cost::plan::{MIN_CALLS, Plan, Point};
use crate::cost::poll::PollWait;
use crate::cost::select::SelectWait;
use crate::cost::sets::{FdPool, ready_positions};
use crate::cost::skip::Skip;
use crate::cost::stats::Cost;
use crate::cost::wait::{Interest, Wait};

/// Each batch is preceded by this part of it, uncounted.
const WARM_UP: u64 = 4;

/// The first N fds of the pool, ready to be waited for with each API.
struct WatchedSet<'fd> {
    fds: usize,
    select: Result<SelectWait<'fd>, Skip>,
    poll: PollWait<'fd>,
    epoll: EpollWait<'fd>,
}

/// All the sets of a run. They stay open from the first round to the last, so each round can measure all of them.
pub struct Bench<'fd> {
    pool: &'fd FdPool,
    sets: Vec<WatchedSet<'fd>>,
}

/// What one API costs at one point.
type Priced = (Api, Point, Cost);

impl<'fd> Bench<'fd> {
    /// Sets of these sizes, each the first fds of the pool; an error if it
    /// has too few.
    pub fn new(pool: &'fd FdPool, sizes: impl IntoIterator<Item = usize>) -> anyhow::Result<Self> {
        let mut sets = Vec::new();
        for size in sizes {
            let fds = pool.first(size);
            ensure!(
                fds.len() == size,
                "a set of {size} fds from a pool of {}",
                pool.len()
            );
            sets.push(WatchedSet {
                fds: size,
                select: SelectWait::new(fds),
                poll: PollWait::new(fds),
                epoll: EpollWait::new(fds)?,
            });
        }
        Ok(Bench { pool, sets })
    }

    /// Why an API cannot take the set of this size, if it cannot.
    pub fn skip(&self, api: Api, fds: usize) -> Option<Skip> {
        let set = self.sets.iter().find(|set| set.fds == fds)?;
        match api {
            Api::Select => set.select.as_ref().err().cloned(),
            Api::Poll | Api::Epoll => None,
        }
    }

    /// Measures these, interleaved: how many rounds that took, and the cost of each in the same order. `after_batch` is
    /// called once a batch, and may break off: then the rounds count that are whole.
    pub fn run(
        &mut self,
        plan: &Plan,
        cases: &[(Api, Point)],
        mut after_batch: impl FnMut() -> ControlFlow<()>,
    ) -> anyhow::Result<(usize, Vec<Priced>)> {
        let mut calls = vec![0; cases.len()];
        let mut samples = vec![Vec::with_capacity(plan.repetitions); cases.len()];
        // Neighbours that share a point share the work of making its fds ready.
        let numbered: Vec<(usize, Api, Point)> = (0..)
            .zip(cases)
            .map(|(case, &(api, point))| (case, api, point))
            .collect();
        let groups: Vec<_> = numbered.chunk_by(|one, next| one.2 == next.2).collect();

        let mut rounds = 0;
        'rounds: for round in 0..=plan.repetitions {
            for turn in 0..groups.len() {
                let group = groups[(turn + round) % groups.len()];
                let point = group[0].2;
                self.make_ready(point)?;
                for turn in 0..group.len() {
                    let (case, api, _) = group[(turn + round) % group.len()];
                    if round == 0 {
                        calls[case] = self.calls_for(api, point, plan.batch)?;
                    } else {
                        let elapsed = self.batch(api, point, calls[case])?;
                        samples[case].push(elapsed.as_nanos() as f64 / calls[case] as f64);
                    }
                    if after_batch().is_break() {
                        break 'rounds;
                    }
                }
                self.make_idle(point)?;
            }
            rounds = round;
        }

        let mut costs = Vec::new();
        for ((&(api, point), mut samples), calls) in cases.iter().zip(samples).zip(calls) {
            samples.truncate(rounds);
            let total = calls * samples.len() as u64;
            costs.push((
                api,
                point,
                Cost::of(samples, total).context("a run needs at least one repetition")?,
            ));
        }
        Ok((rounds, costs))
    }

    /// Makes the ready fds of a point readable.
    pub fn make_ready(&self, point: Point) -> anyhow::Result<()> {
        ready_positions(point.fds, point.active)
            .into_iter()
            .try_for_each(|index| self.pool.make_readable(index))
    }

    /// Undoes [`Bench::make_ready`].
    pub fn make_idle(&self, point: Point) -> anyhow::Result<()> {
        ready_positions(point.fds, point.active)
            .into_iter()
            .try_for_each(|index| self.pool.make_idle(index))
    }

    /// How many calls make a batch of this length, or of more where [`MIN_CALLS`] take longer.
    fn calls_for(&mut self, api: Api, point: Point, length: Duration) -> anyhow::Result<u64> {
        let mut calls = MIN_CALLS;
        loop {
            let elapsed = self.batch(api, point, calls)?;
            if elapsed * 4 >= length {
                let fitting = u128::from(calls) * length.as_nanos() / elapsed.as_nanos().max(1);
                return Ok(u64::try_from(fitting).unwrap_or(u64::MAX).max(MIN_CALLS));
            }
            calls *= 2;
        }
    }

    /// How long this many waits take. The ready fds must have been made ready.
    pub fn batch(&mut self, api: Api, point: Point, calls: u64) -> anyhow::Result<Duration> {
        let set = self.sets.iter_mut().find(|set| set.fds == point.fds);
        let set = set.with_context(|| format!("no set of {} fds", point.fds))?;
        let elapsed = match (api, &mut set.select) {
            (Api::Select, Ok(select)) => timed(select, point, calls),
            (Api::Select, Err(skip)) => Err(anyhow::anyhow!("{skip}")),
            (Api::Poll, _) => timed(&mut set.poll, point, calls),
            (Api::Epoll, _) => timed(&mut set.epoll, point, calls),
        };
        elapsed.with_context(|| {
            format!(
                "{} with {} fds, {} of them ready",
                api.name(),
                point.fds,
                point.active
            )
        })
    }
}

/// The batch: what stands between the two looks at the clock is what is measured.
fn timed(set: &mut impl Wait, point: Point, calls: u64) -> anyhow::Result<Duration> {
    let mut changes = Changes::new(point);
    // Not counted: the caches hold another set's fds, and epoll still has fds on its ready list that an earlier batch
    // made ready; it asks them once more and drops them.
    for _ in 0..calls.div_ceil(WARM_UP) {
        expect(point, set.wait()?)?;
    }

    let start = Instant::now();
    for _ in 0..calls {
        for _ in 0..point.churn {
            let (index, interest) = changes.next();
            set.set_interest(index, interest)?;
        }
        expect(point, set.wait()?)?;
    }
    let elapsed = start.elapsed();

    if let Some((index, interest)) = changes.left_over() {
        set.set_interest(index, interest)?;
    }
    Ok(elapsed)
}

fn expect(point: Point, found: usize) -> anyhow::Result<()> {
    ensure!(
        found == point.active,
        "found {found} ready fds where {} are ready",
        point.active
    );
    Ok(())
}

/// An endless series of changes of interest: an idle fd off, the same one on again, the next one off, and so on. The
/// number of ready fds stays what it is.
struct Changes {
    idle: Vec<usize>,
    place: usize,
    next: Interest,
}

impl Changes {
    fn new(point: Point) -> Self {
        let mut idle = Vec::new();
        if point.churn > 0 {
            let mut ready = ready_positions(point.fds, point.active)
                .into_iter()
                .peekable();
            idle.extend((0..point.fds).filter(|index| ready.next_if_eq(index).is_none()));
        }
        Changes {
            idle,
            place: 0,
            next: Interest::Off,
        }
    }

    fn next(&mut self) -> (usize, Interest) {
        let change = (self.idle[self.place], self.next);
        self.next = match self.next {
            Interest::Off => Interest::In,
            Interest::In => {
                self.place = if self.place + 1 == self.idle.len() {
                    0
                } else {
                    self.place + 1
                };
                Interest::Off
            }
        };
        change
    }

    /// The change that switches the last fd on again, if it is off.
    fn left_over(&mut self) -> Option<(usize, Interest)> {
        (self.next == Interest::In).then(|| self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::fd_kind::FdKind;

    #[test]
    fn changes_come_in_pairs_and_spare_the_ready_fd() {
        let mut changes = Changes::new(Point {
            fds: 3,
            active: 1,
            churn: 1,
        });
        let first: Vec<_> = (0..5).map(|_| changes.next()).collect();
        use Interest::{In, Off};
        assert_eq!(first, [(0, Off), (0, In), (2, Off), (2, In), (0, Off)]);
        assert_eq!(changes.left_over(), Some((0, In)));
        assert_eq!(changes.left_over(), None);
    }

    #[test]
    fn a_wrong_number_of_ready_fds_is_an_error() {
        let (pool, _) = FdPool::open(FdKind::Eventfd, 4);
        let mut bench = Bench::new(&pool, [4]).unwrap();
        let two = Point {
            fds: 4,
            active: 2,
            churn: 0,
        };
        bench.make_ready(two).unwrap();
        for api in Api::ALL {
            assert!(bench.batch(api, two, 3).is_ok());
            let error = bench.batch(api, Point { active: 3, ..two }, 3).unwrap_err();
            let message = format!("{error:#}");
            assert!(
                message.contains("found 2 ready fds where 3 are ready"),
                "{message}"
            );
            assert!(message.contains(api.name()), "{message}");
        }
    }
}
