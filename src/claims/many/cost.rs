//! What a wait costs as the set of fds grows.
//!
//! The verdicts rest on ratios that are far from 1; the times themselves vary
//! from run to run, and where they vary so much that a ratio could lie on
//! either side there is no verdict.

use std::ops::ControlFlow;

use anyhow::bail;

use crate::claims::disturbance::{UNEVEN, alone, until_told};
use crate::claims::many::between::Between;
use crate::claims::prelude::*;
use crate::cost as scaling;
use crate::cost::analysis::Fitted;
use crate::cost::{Active, Api, FdKind, Measurement, Plan};

/// A cost that grows by more than this over a hundred times the fds is no
/// longer called flat, and one that grows by less is not called linear.
pub const FEW: f64 = 8.0;

/// What select and poll are asked alike.
const WITH_THE_SEARCH: &str = "The time of one wait, with the search for the ready fd, on 10, \
                               100 and 1,000 eventfds, the middle one ready.";

pub const SELECT_LINEAR: Claim = Claim {
    id: "select-linear",
    claim: "the cost of a select is linear in the fds",
    asked: WITH_THE_SEARCH,
    experiment: |t| grows(t, Api::Select),
};

pub const POLL_LINEAR: Claim = Claim {
    id: "poll-linear",
    claim: "the cost of a poll is linear in the fds",
    asked: WITH_THE_SEARCH,
    experiment: |t| grows(t, Api::Poll),
};

pub const EPOLL_FLAT: Claim = Claim {
    id: "epoll-flat",
    claim: "an epoll_wait costs the same with many fds",
    asked: "The time of one wait on 10, 100 and 1,000 eventfds, the middle one ready.",
    experiment: |t| grows(t, Api::Epoll),
};

fn grows(t: &mut Trial, api: Api) -> Result<Finding> {
    alone()?;
    t.note(format!(
        "{}: batches of waits on 10, 100 and 1,000 eventfds in turn",
        api.name()
    ));
    until_told(|| {
        let measured = measure(vec![10, 100, 1_000], Active::Count(1), 0)?;
        let costs = costs_of(&measured, api)?;
        let per_fd = Fitted::of(&measured, api).map_or(0.0, |fitted| fitted.line.b);
        Ok(match api {
            Api::Select | Api::Poll => judge_linear(&costs, per_fd),
            Api::Epoll => judge_flat(&costs, per_fd),
        })
    })
}

fn measure(fds: Vec<usize>, active: Active, churn: usize) -> Result<Measurement> {
    let plan = Plan::new(fds, active, churn, FdKind::Eventfd).context("the plan")?;
    scaling::measure(&plan.quick().sizes_only(), |_| ControlFlow::Continue(()))
}

/// Nanoseconds of a wait by fds.
fn costs_of(measured: &Measurement, api: Api) -> Result<Vec<(usize, Between)>> {
    let mut costs = Vec::new();
    for point in measured.plan.size_points() {
        match measured.outcome(api, point) {
            Some(Ok(cost)) => costs.push((point.fds, Between::of(*cost))),
            Some(Err(reason)) => bail!("{reason}"),
            None => bail!("{} fds were not measured", point.fds),
        }
    }
    Ok(costs)
}

/// How many times as much as the smallest set the largest one costs.
fn growth(costs: &[(usize, Between)]) -> Between {
    match (costs.first(), costs.last()) {
        (Some((_, first)), Some((_, last))) => last.over(*first),
        _ => Between {
            low: 0.0,
            high: f64::INFINITY,
        },
    }
}

/// What was seen, in the words of both judges.
const MUCH_MORE: &str = "a wait on 1,000 fds cost many times as much as one on 10";
const THE_SAME: &str = "a wait on 1,000 fds cost nearly the same as one on 10";

fn judge_linear(costs: &[(usize, Between)], per_fd: f64) -> Finding {
    let finding = match growth(costs).is_below(FEW) {
        Some(false) => confirmed(MUCH_MORE).why(
            "All fds go in at every call, the kernel asks each, and the program searches for the \
             ready one.",
        ),
        Some(true) => refuted(THE_SAME).why("The cost of a wait hardly grew with the set."),
        None => not_tried(UNEVEN),
    };
    with_times(finding, costs, per_fd)
}

fn judge_flat(costs: &[(usize, Between)], per_fd: f64) -> Finding {
    let finding = match growth(costs).is_below(FEW) {
        Some(true) => {
            confirmed(THE_SAME).why("A wait takes the ready list; idle fds are not asked.")
        }
        Some(false) => refuted(MUCH_MORE).why("The cost of a wait grew with the set."),
        None => not_tried(UNEVEN),
    };
    with_times(finding, costs, per_fd)
}

fn with_times(finding: Finding, costs: &[(usize, Between)], per_fd: f64) -> Finding {
    let times = costs.iter().map(|(_, cost)| format!("{:.0}", cost.low));
    finding
        .varies("growth", growth(costs).low)
        .varies("ns_per_fd", per_fd)
        .varying(format!(
            "waits on 10, 100, 1,000 fds took {} ns; {per_fd:.1} ns an fd",
            listed(times, ", ")
        ))
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
    alone()?;
    for (case, ..) in cases {
        t.note(format!("{case}: batches of poll and epoll_wait in turn"));
    }
    let ratio = |(_, fds, active, churn)| poll_over_epoll(fds, active, churn);
    until_told(|| {
        let [one, all, churn] = cases;
        let ratios = [ratio(one)?, ratio(all)?, ratio(churn)?];
        Ok(judge_epoll_always_wins(ratios))
    })
}

/// How many times the time of an epoll_wait a poll takes.
pub(super) fn poll_over_epoll(fds: usize, active: Active, churn: usize) -> Result<Between> {
    let measured = measure(vec![fds], active, churn)?;
    let poll = costs_of(&measured, Api::Poll)?[0].1;
    let epoll = costs_of(&measured, Api::Epoll)?[0].1;
    Ok(poll.over(epoll))
}

/// Who is the faster one, where that can be told.
pub(super) fn winner(poll: Option<bool>) -> &'static str {
    match poll {
        Some(true) => "poll",
        _ => "epoll",
    }
}

/// The cost of poll as a multiple of epoll's: one ready, all ready, churn.
fn judge_epoll_always_wins(ratios: [Between; 3]) -> Finding {
    let [idle, all, churn] = ratios.map(|ratio| ratio.low);
    let [one, _, two] = ratios.map(|poll| poll.is_below(1.0));
    let evidence = format!(
        "{} was faster with 1 of 1,000 fds ready, {} with 20 changes of interest a wait",
        winner(one),
        winner(two)
    );
    match (one, two) {
        (None, _) | (_, None) => not_tried(UNEVEN),
        (Some(false), Some(false)) => confirmed(evidence).why("epoll was the faster one in both."),
        (Some(false), Some(true)) => depends(evidence).why(
            "epoll wins where few of many fds are ready. A change of interest is a system call \
             with epoll and a store in memory with poll; with all fds ready there is nothing to \
             save.",
        ),
        (Some(true), _) => refuted(evidence).why("poll was the faster one even with one ready fd."),
    }
    .varies("poll_over_epoll_idle", idle)
    .varies("poll_over_epoll_all_ready", all)
    .varies("poll_over_epoll_churn", churn)
    .varying(format!(
        "poll took {idle:.1} times epoll's time with 1 ready, {all:.1} with all ready, {churn:.1} \
             with the changes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn between(low: f64, high: f64) -> Between {
        Between { low, high }
    }

    #[test]
    fn growths() {
        let costs = |last, uneven| {
            let cost = |low| between(low, uneven * low);
            [(10, cost(600.0)), (100, cost(3_000.0)), (1_000, cost(last))]
        };
        let linear = |last, uneven| judge_linear(&costs(last, uneven), 1.0).verdict;
        let flat = |last, uneven| judge_flat(&costs(last, uneven), 1.0).verdict;
        assert_eq!(linear(30_000.0, 1.1), Confirmed);
        assert_eq!(linear(700.0, 1.1), Refuted);
        assert_eq!(flat(700.0, 1.1), Confirmed);
        assert_eq!(flat(30_000.0, 1.1), Refuted);
        // Some of the batches lost the processor: still told apart.
        assert_eq!(linear(30_000.0, 4.0), Confirmed);
        assert_eq!(flat(700.0, 4.0), Confirmed);
        // Each of them did, now and then.
        assert_eq!(linear(30_000.0, 9.0), NotTried);
        assert_eq!(flat(700.0, 9.0), NotTried);
    }

    #[test]
    fn winners() {
        let verdict = |idle, churn| {
            let all = between(0.3, 0.4);
            judge_epoll_always_wins([idle, all, churn]).verdict
        };
        let (more, less) = (between(20.0, 70.0), between(0.2, 0.3));
        assert_eq!(verdict(more, less), Depends);
        assert_eq!(verdict(more, more), Confirmed);
        assert_eq!(verdict(less, less), Refuted);
        assert_eq!(verdict(more, between(0.7, 1.4)), NotTried);
    }
}
