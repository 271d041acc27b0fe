//! What epoll_ctl costs as the interest list grows.

use std::time::Instant;

use anyhow::bail;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};

use crate::claims::disturbance::{UNEVEN, alone, until_told};
use crate::claims::many::between::Between;
use crate::claims::many::cost::FEW;
use crate::claims::prelude::*;
use crate::cost::limits::{self, files_needed};
use crate::cost::sets::FdPool;
use crate::cost::{Cost, FdKind};
use crate::sys::open_files::Raised;

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
    ctl: Between,
    wait: Between,
}

fn tree_cost(t: &mut Trial) -> Result<Finding> {
    alone()?;
    let sizes = [10, 1_000, 10_000];
    let largest = sizes[sizes.len() - 1];
    let limit = Raised::to(files_needed(FdKind::Eventfd, largest))?;
    if let Some(reason) = limits::skip(&limit, FdKind::Eventfd, largest) {
        bail!("{reason}");
    }
    let (pool, stopped) = FdPool::open(FdKind::Eventfd, largest + 1);
    if let Some(reason) = stopped {
        bail!("{reason}");
    }
    for fds in sizes {
        t.note(format!(
            "{fds} fds: ADD and DEL of one more; a wait with 1 ready"
        ));
    }
    until_told(|| {
        let costs: Result<Vec<Costs>> = sizes.iter().map(|&fds| costs_of(&pool, fds)).collect();
        Ok(judge_tree_cost(&costs?))
    })
}

fn costs_of(pool: &FdPool, fds: usize) -> Result<Costs> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
    let set = pool.first(fds + 1);
    for fd in &set[..fds] {
        epoll
            .add(fd, EpollEvent::new(IN, 0))
            .of_call("epoll_ctl(ADD)")?;
    }
    let ctl = timed(|| {
        epoll.add(&set[fds], EpollEvent::new(IN, 0))?;
        epoll.delete(&set[fds])
    })?;
    pool.make_readable(fds / 2)?;
    let mut events = vec![EpollEvent::empty(); fds];
    let wait = timed(|| epoll.wait(&mut events, EpollTimeout::ZERO).map(drop))?;
    pool.make_idle(fds / 2)?;
    Ok(Costs { fds, ctl, wait })
}

/// Nanoseconds of a call, over many batches.
fn timed(mut call: impl FnMut() -> nix::Result<()>) -> Result<Between> {
    const BATCHES: u64 = 25;
    const CALLS: u32 = 200;
    let mut samples = Vec::new();
    for _ in 0..BATCHES {
        let began = Instant::now();
        for _ in 0..CALLS {
            call().of_call("epoll_ctl or epoll_wait")?;
        }
        samples.push(began.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    let cost = Cost::of(samples, BATCHES * u64::from(CALLS)).context("no batch")?;
    Ok(Between::of(cost))
}

fn judge_tree_cost(costs: &[Costs]) -> Finding {
    let (Some(first), Some(last)) = (costs.first(), costs.last()) else {
        return not_tried("nothing was measured");
    };
    let (ctl, wait) = (last.ctl.over(first.ctl), last.wait.over(first.wait));
    let sizes = format!("from {} to {} fds", figure(first.fds), figure(last.fds));
    let ns = |cost: Between| format!("{:.0}", cost.low);
    match (ctl.is_below(FEW), wait.is_below(FEW)) {
        (_, Some(false)) => refuted(format!("{sizes} the cost of a wait grew"))
            .why("A wait costs more in a large set, tree or not."),
        (Some(true), Some(true)) => depends(format!(
            "{sizes} the cost of a wait stayed the same, and that of ADD nearly"
        ))
        .why(
            "The tree finds an fd's entry for ADD, MOD and DEL, in log N steps. A wait never \
             walks it: it takes what is on the ready list.",
        ),
        (Some(false), Some(true)) => {
            refuted(format!("{sizes} the cost of ADD grew")).why("The tree did not keep ADD cheap.")
        }
        _ => not_tried(UNEVEN),
    }
    .varies("ctl_growth", ctl.low)
    .varies("wait_growth", wait.low)
    .varies("ctl_ns", last.ctl.low)
    .varies("wait_ns", last.wait.low)
    .varying(format!(
        "ADD and DEL took {} ns, then {} ns; a wait took {} ns, then {} ns",
        ns(first.ctl),
        ns(last.ctl),
        ns(first.wait),
        ns(last.wait)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees() {
        let between = |low| Between {
            low,
            high: 1.5 * low,
        };
        let costs = |fds, ctl, wait| Costs {
            fds,
            ctl: between(ctl),
            wait: between(wait),
        };
        let verdict = |ctl, wait| {
            let first = costs(10, 500.0, 300.0);
            judge_tree_cost(&[first, costs(10_000, ctl, wait)]).verdict
        };
        assert_eq!(verdict(900.0, 310.0), Depends);
        assert_eq!(verdict(900.0, 90_000.0), Refuted);
        assert_eq!(verdict(90_000.0, 310.0), Refuted);
        assert_eq!(verdict(900.0, 2_400.0), NotTried);
    }
}
