//! The verdict in sentences: what holds of "epoll is faster", and what does not. Each figure is one of this run.

use crate::cost::analysis::{
    FLAT_WITHIN, Fitted, Shape, break_even, cost_of_change, poll_over_epoll, uneven,
};
use crate::cost::api::Api;
use crate::cost::figures::{decimals, thousands};
use crate::cost::fit::Crossing;
use crate::cost::measurement::Measurement;
use crate::cost::plan::Point;

/// What there is to say where no verdict is given, once.
const BUSY: &str = "No verdict is given where the slow tenth of the batches takes more than twice what the quick tenth \
                    takes: this machine has other work. Try again when it has none.";

/// Both of those that are compared.
const BOTH: [Api; 2] = [Api::Poll, Api::Epoll];

/// The verdict in sentences, each from the figures of this run.
pub fn sentences(measurement: &Measurement) -> Vec<String> {
    let mut sentences: Vec<String> = Api::ALL
        .iter()
        .rev()
        .filter_map(|&api| Some(growth(Fitted::of(measurement, api)?)))
        .collect();
    let others = [ratios, queueing, ready, churn, churn_break_even];
    sentences.extend(others.iter().filter_map(|sentence| sentence(measurement)));
    if !is_even(measurement) {
        sentences.push(BUSY.to_owned());
    }
    sentences
}

/// Whether each sentence is a verdict.
fn is_even(measurement: &Measurement) -> bool {
    let plan = &measurement.plan;
    let compared = plan.ready_points().chain(plan.churn_points());
    uneven(measurement, &Api::ALL, plan.size_points())
        .or_else(|| uneven(measurement, &BOTH, compared))
        .or_else(|| uneven(measurement, &BOTH, plan.small_churn_points()))
        .is_none()
}

fn growth(
    Fitted {
        api,
        line,
        shape,
        sizes,
        growth,
        ..
    }: Fitted,
) -> String {
    if shape == Shape::Unclear {
        return format!("{}: no verdict.", api.name());
    }
    let how = match shape {
        Shape::Flat => "flat".to_owned(),
        Shape::Linear => format!("linear, about {} ns an fd", decimals(line.b)),
        Shape::Other | Shape::Unclear => shape.name().to_owned(),
    };
    let (first, last) = (thousands(sizes.0), thousands(sizes.1));
    format!(
        "{} is {how}: {last} fds cost {} times as much as {first}.",
        api.name(),
        decimals(growth)
    )
}

fn ratios(measurement: &Measurement) -> Option<String> {
    let each: Vec<String> = measurement
        .plan
        .size_points()
        .filter_map(|point| Some((point.fds, poll_over_epoll(measurement, point)?)))
        .map(|(fds, ratio)| format!("{} at {}", decimals(ratio), thousands(fds as f64)))
        .collect();
    (!each.is_empty()).then(|| format!("poll / epoll by fds: {}.", each.join(", ")))
}

/// One ready fd can make poll slower than many: up to the first ready one it queues.
fn queueing(measurement: &Measurement) -> Option<String> {
    let costs = || {
        measurement
            .plan
            .ready_points()
            .filter_map(|point| Some((point, measurement.cost(Api::Poll, point)?)))
    };
    // Nothing is compared that may be a neighbour's doing.
    if uneven(measurement, &[Api::Poll], measurement.plan.ready_points()).is_some() {
        return None;
    }
    let (few, first) = costs().next()?;
    let (many, least) =
        costs().min_by(|one, other| one.1.median_ns.total_cmp(&other.1.median_ns))?;
    (first.median_ns > FLAT_WITHIN * least.median_ns).then(|| {
        format!(
            "poll costs more with {} of {} fds ready ({} ns) than with {} ({} ns): up to the first ready fd the kernel also \
             queues the caller on each, as it must before it sleeps. So does select.",
            thousands(few.active as f64),
            thousands(few.fds as f64),
            thousands(first.median_ns),
            thousands(many.active as f64),
            thousands(least.median_ns),
        )
    })
}

fn ready(measurement: &Measurement) -> Option<String> {
    let size = measurement.plan.experiment_size();
    // One fd of one is all of them: nothing to compare.
    measurement.plan.ready_points().nth(1)?;
    if uneven(measurement, &BOTH, measurement.plan.ready_points()).is_some() {
        return Some(format!(
            "Many ready ({} fds): no verdict.",
            thousands(size as f64)
        ));
    }
    let all = poll_over_epoll(
        measurement,
        Point {
            fds: size,
            active: size,
            churn: 0,
        },
    )?;
    let from = match break_even(measurement, measurement.plan.ready_points(), |it| it.active)? {
        Crossing::At(ready) => format!(
            "from {:.0} % ready on, epoll is slower than poll",
            100.0 * ready / size as f64
        ),
        Crossing::FromTheStart => "epoll is slower than poll even with one fd ready".to_owned(),
        Crossing::Never => "epoll stays faster than poll, however many are ready".to_owned(),
    };
    Some(format!(
        "Many ready ({} fds): {from}; with all ready it takes {} times as long.",
        thousands(size as f64),
        decimals(1.0 / all)
    ))
}

fn churn(measurement: &Measurement) -> Option<String> {
    let (epoll, poll) = (
        cost_of_change(measurement, Api::Epoll)?,
        cost_of_change(measurement, Api::Poll)?,
    );
    let most = measurement.plan.churn_points().last()?;
    if uneven(measurement, &BOTH, measurement.plan.churn_points()).is_some() {
        return Some(format!(
            "Changing interest ({} fds): no verdict.",
            thousands(most.fds as f64)
        ));
    }
    // The slope is lost when, over all changes, it moves the cost less than the line misses the points.
    let lost = poll.b * most.churn as f64 <= poll.residual * poll.a;
    let beside = if lost {
        "too little to tell from the wait".to_owned()
    } else {
        format!("{} ns", decimals(poll.b))
    };
    Some(format!(
        "Changing interest ({} fds): a change costs epoll {:.0} ns, a system call, and poll a store in memory, {beside}.",
        thousands(most.fds as f64),
        epoll.b
    ))
}

fn churn_break_even(measurement: &Measurement) -> Option<String> {
    let at = |points: Vec<Point>| {
        let most = points.last()?;
        let fds = thousands(most.fds as f64);
        if uneven(measurement, &BOTH, points.iter().copied()).is_some() {
            return Some(format!("no verdict with {fds} fds"));
        }
        Some(
            match break_even(measurement, points.iter().copied(), |it| it.churn)? {
                Crossing::At(changes) => {
                    format!("from about {} on with {fds} fds", decimals(changes))
                }
                Crossing::FromTheStart => format!("even without any with {fds} fds"),
                Crossing::Never => format!(
                    "not even at {} with {fds} fds",
                    thousands(most.churn as f64)
                ),
            },
        )
    };
    let plan = &measurement.plan;
    let each: Vec<String> = [
        plan.churn_points().collect(),
        plan.small_churn_points().collect(),
    ]
    .into_iter()
    .filter_map(at)
    .collect();
    (!each.is_empty()).then(|| {
        format!(
            "Changes before each wait that make epoll slower than poll: {}.",
            each.join(", ")
        )
    })
}
