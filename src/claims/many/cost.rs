//! What a wait costs, and what epoll_ctl costs, as the set of fds grows.
//!
//! The verdicts rest on ratios that are far from 1; the times themselves vary
//! from run to run. Of each series the fast tenth counts, because a busy
//! machine makes a call slower and never quicker.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};

use crate::claims::claim::Claim;
use crate::claims::evidence::figure;
use crate::claims::finding::{Finding, confirmed, depends, refuted};
use crate::claims::trial::{IN, Trial};
use crate::cost as scaling;
use crate::cost::analysis::Fitted;
use crate::cost::limits::OpenFiles;
use crate::cost::sets::FdPool;
use crate::cost::{Active, Api, FdKind, Measurement, Outcome, Plan};

/// A cost that grows by more than this over a hundred times the fds is no
/// longer called flat, and one that grows by less is not called linear.
const FEW: f64 = 8.0;

pub const TREE_COST: Claim = Claim {
    id: "tree-cost",
    claim: "the red-black tree makes epoll fast",
    asked: "The time of one ADD (with its DEL) and of one wait with one ready fd, in sets of 10, \
            1,000 and 10,000 eventfds.",
    experiment: tree_cost,
};

/// Nanoseconds of an ADD with its DEL, and of a wait, at one size.
#[derive(Clone, Copy, Debug)]
struct Costs {
    fds: usize,
    ctl: f64,
    wait: f64,
}

fn tree_cost(t: &mut Trial) -> Result<Finding> {
    let sizes = [10, 1_000, 10_000];
    let largest = sizes[sizes.len() - 1];
    let limit = OpenFiles::raise_for(FdKind::Eventfd, largest)?;
    if !limit.allows(FdKind::Eventfd, largest) {
        bail!("{}", limit.skip(FdKind::Eventfd, largest));
    }
    let (pool, stopped) = FdPool::open(FdKind::Eventfd, largest + 1);
    if let Some(reason) = stopped {
        bail!("{reason}");
    }
    let mut costs = Vec::new();
    for fds in sizes {
        costs.push(costs_of(&pool, fds)?);
        t.note(format!(
            "{fds} fds: ADD and DEL of one more; a wait with 1 ready"
        ));
    }
    drop(pool);
    Ok(judge_tree_cost(&costs))
}

fn costs_of(pool: &FdPool, fds: usize) -> Result<Costs> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let set = pool.first(fds + 1);
    for fd in &set[..fds] {
        epoll
            .add(fd, EpollEvent::new(IN, 0))
            .context("epoll_ctl(ADD)")?;
    }
    let ctl = quickest(|| {
        epoll.add(&set[fds], EpollEvent::new(IN, 0))?;
        epoll.delete(&set[fds])
    })?;
    pool.make_readable(fds / 2)?;
    let mut events = vec![EpollEvent::empty(); fds];
    let wait = quickest(|| epoll.wait(&mut events, EpollTimeout::ZERO).map(drop))?;
    pool.make_idle(fds / 2)?;
    Ok(Costs { fds, ctl, wait })
}

/// Nanoseconds of a call: the quickest of many batches.
fn quickest(mut call: impl FnMut() -> nix::Result<()>) -> Result<f64> {
    const CALLS: u32 = 200;
    let mut best = f64::INFINITY;
    for _ in 0..25 {
        let began = Instant::now();
        for _ in 0..CALLS {
            call().context("epoll")?;
        }
        best = best.min(began.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    Ok(best)
}

fn judge_tree_cost(costs: &[Costs]) -> Finding {
    let (Some(first), Some(last)) = (costs.first(), costs.last()) else {
        return refuted("nothing was measured");
    };
    let (ctl, wait) = (last.ctl / first.ctl, last.wait / first.wait);
    let much = |growth: f64| if growth < FEW { "flat" } else { "grows" };
    let sizes = format!("{} to {} fds", figure(first.fds), figure(last.fds));
    let finding = match (ctl < FEW, wait < FEW) {
        (true, true) => depends(format!("{sizes}: a wait flat, ADD nearly so")).why(
            "The tree finds an fd's entry for ADD, MOD and DEL, in log N steps. A wait never \
             walks it: it takes what is on the ready list.",
        ),
        (_, false) => refuted(format!("{sizes}: a wait {}", much(wait)))
            .why("A wait is dearer in a large set, tree or not."),
        (false, true) => {
            refuted(format!("{sizes}: ADD {}", much(ctl))).why("The tree did not keep ADD cheap.")
        }
    };
    finding
        .varies("ctl_growth", ctl)
        .varies("wait_growth", wait)
        .varies("ctl_ns", last.ctl)
        .varies("wait_ns", last.wait)
        .varying(format!(
            "ADD+DEL {:.0} to {:.0} ns, wait {:.0} to {:.0} ns",
            first.ctl, last.ctl, first.wait, last.wait
        ))
}

pub const SELECT_LINEAR: Claim = Claim {
    id: "select-linear",
    claim: "the cost of a select is linear in the fds",
    asked: "The time of one wait, with the search for the ready fd, on 10, 100 and 1,000 \
            eventfds, the middle one ready.",
    experiment: |t| grows(t, Api::Select),
};

pub const POLL_LINEAR: Claim = Claim {
    id: "poll-linear",
    claim: "the cost of a poll is linear in the fds",
    asked: "The time of one wait, with the search for the ready fd, on 10, 100 and 1,000 \
            eventfds, the middle one ready.",
    experiment: |t| grows(t, Api::Poll),
};

pub const EPOLL_FLAT: Claim = Claim {
    id: "epoll-flat",
    claim: "the cost of an epoll_wait does not depend on the fds",
    asked: "The time of one wait on 10, 100 and 1,000 eventfds, the middle one ready.",
    experiment: |t| grows(t, Api::Epoll),
};

fn grows(t: &mut Trial, api: Api) -> Result<Finding> {
    let measured = measure(vec![10, 100, 1_000], Active::Count(1), 0)?;
    t.note(format!(
        "{}: batches of waits on 10, 100 and 1,000 eventfds in turn",
        api.name()
    ));
    let costs = quick_costs(&measured, api)?;
    let per_fd = Fitted::of(&measured, api).map_or(0.0, |fitted| fitted.line.b);
    Ok(match api {
        Api::Select | Api::Poll => judge_linear(&costs, per_fd),
        Api::Epoll => judge_flat(&costs, per_fd),
    })
}

pub(super) fn measure(fds: Vec<usize>, active: Active, churn: usize) -> Result<Measurement> {
    let plan = Plan::new(fds, active, churn, FdKind::Eventfd).context("the plan")?;
    scaling::measure(&plan.quick().sizes_only(), |_| ())
}

/// Nanoseconds of a wait by fds, in the fast tenth of the batches.
pub(super) fn quick_costs(measured: &Measurement, api: Api) -> Result<Vec<(usize, f64)>> {
    let mut costs = Vec::new();
    for point in measured.plan.size_points() {
        match measured.outcome(api, point) {
            Some(Outcome::Measured(cost)) => costs.push((point.fds, cost.p10_ns)),
            Some(Outcome::Skipped(reason)) => bail!("{reason}"),
            None => bail!("{} fds were not measured", point.fds),
        }
    }
    Ok(costs)
}

/// How much dearer the largest set is than the smallest.
fn growth(costs: &[(usize, f64)]) -> f64 {
    match (costs.first(), costs.last()) {
        (Some((_, first)), Some((_, last))) => last / first,
        _ => f64::NAN,
    }
}

fn judge_linear(costs: &[(usize, f64)], per_fd: f64) -> Finding {
    let growth = growth(costs);
    let finding = if growth > FEW {
        confirmed("100 times the fds cost many times as much").why(
            "All fds go in at every call, the kernel asks each, and the program searches for the \
             ready one.",
        )
    } else {
        refuted("100 times the fds cost nearly the same")
            .why("The cost of a wait hardly grew with the set.")
    };
    with_times(finding, costs, growth, per_fd)
}

fn judge_flat(costs: &[(usize, f64)], per_fd: f64) -> Finding {
    let growth = growth(costs);
    let finding = if growth < FEW {
        confirmed("100 times the fds cost nearly the same")
            .why("A wait takes the ready list; idle fds are not asked.")
    } else {
        refuted("100 times the fds cost many times as much")
            .why("The cost of a wait grew with the set.")
    };
    with_times(finding, costs, growth, per_fd)
}

fn with_times(finding: Finding, costs: &[(usize, f64)], growth: f64, per_fd: f64) -> Finding {
    let times: Vec<String> = costs.iter().map(|(_, ns)| format!("{ns:.0}")).collect();
    finding
        .varies("growth", growth)
        .varies("ns_per_fd", per_fd)
        .varying(format!("{} ns; {per_fd:.1} ns an fd", times.join(", ")))
}

pub const EPOLL_ALWAYS_WINS: Claim = Claim {
    id: "epoll-always-wins",
    claim: "epoll is always faster",
    asked: "poll and epoll: 1 of 1,000 fds ready; all of 1,000 ready; 10 fds whose interest \
            changes 20 times before each wait.",
    experiment: epoll_always_wins,
};

fn epoll_always_wins(t: &mut Trial) -> Result<Finding> {
    let cases = [
        ("1 of 1,000 ready", 1_000, Active::Count(1), 0),
        ("all of 1,000 ready", 1_000, Active::All, 0),
        ("10 fds, 20 changes of interest", 10, Active::Count(1), 20),
    ];
    let mut ratios = [0.0; 3];
    for (ratio, (case, fds, active, churn)) in ratios.iter_mut().zip(cases) {
        let measured = measure(vec![fds], active, churn)?;
        let poll = quick_costs(&measured, Api::Poll)?[0].1;
        let epoll = quick_costs(&measured, Api::Epoll)?[0].1;
        *ratio = poll / epoll;
        t.note(format!("{case}: batches of poll and epoll_wait in turn"));
    }
    Ok(judge_epoll_always_wins(ratios))
}

/// The cost of poll as a multiple of epoll's: one ready, all ready, churn.
fn judge_epoll_always_wins(ratios: [f64; 3]) -> Finding {
    let [idle, all, churn] = ratios;
    let winner = |ratio: f64| if ratio > 1.0 { "epoll" } else { "poll" };
    let evidence = format!(
        "1 of 1,000 ready: {}; churn: {}",
        winner(idle),
        winner(churn)
    );
    let finding = match (idle > 1.0, churn > 1.0) {
        (true, true) => confirmed(evidence).why("epoll was the faster one in both."),
        (true, false) => depends(evidence).why(
            "epoll wins where few of many fds are ready. A change of interest is a system call \
             with epoll and a store in memory with poll; with all fds ready there is nothing to \
             save.",
        ),
        (false, _) => refuted(evidence).why("poll was the faster one even with one ready fd."),
    };
    finding
        .varies("poll_over_epoll_idle", idle)
        .varies("poll_over_epoll_all_ready", all)
        .varies("poll_over_epoll_churn", churn)
        .varying(format!(
            "poll/epoll: {idle:.1}; all ready {all:.1}; churn {churn:.1}"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::finding::Verdict::Confirmed;
    use crate::claims::finding::Verdict::Depends;
    use crate::claims::finding::Verdict::Refuted;

    #[test]
    fn growths() {
        let costs = |last| [(10, 600.0), (100, 3_000.0), (1_000, last)];
        assert_eq!(judge_linear(&costs(30_000.0), 28.0).verdict, Confirmed);
        assert_eq!(judge_linear(&costs(700.0), 0.1).verdict, Refuted);
        assert_eq!(judge_flat(&costs(700.0), 0.1).verdict, Confirmed);
        assert_eq!(judge_flat(&costs(30_000.0), 28.0).verdict, Refuted);
    }

    #[test]
    fn trees() {
        let verdict = |ctl, wait| {
            let first = Costs {
                fds: 10,
                ctl: 500.0,
                wait: 300.0,
            };
            let fds = 10_000;
            judge_tree_cost(&[first, Costs { fds, ctl, wait }]).verdict
        };
        assert_eq!(verdict(900.0, 310.0), Depends);
        assert_eq!(verdict(900.0, 90_000.0), Refuted);
        assert_eq!(verdict(90_000.0, 310.0), Refuted);
    }

    #[test]
    fn winners() {
        assert_eq!(judge_epoll_always_wins([70.0, 0.3, 0.2]).verdict, Depends);
        assert_eq!(judge_epoll_always_wins([70.0, 2.0, 3.0]).verdict, Confirmed);
        assert_eq!(judge_epoll_always_wins([0.5, 0.3, 0.2]).verdict, Refuted);
    }
}
