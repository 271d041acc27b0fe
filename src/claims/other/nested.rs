//! An epoll on an epoll.

use nix::sys::epoll::Epoll;

use crate::claims::prelude::*;

pub const NESTED: Claim = Claim {
    id: "nested",
    claim: "an epoll cannot be waited for",
    asked: "An epoll with an eventfd is itself added to another, level- and edge-triggered; the \
            inner one is never asked. Two waits after one write; with EPOLLET, three more writes. \
            And how deep may it go?",
    experiment: nested,
};

/// What the outer epolls reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Nested {
    /// In two waits after one write.
    level: [usize; 2],
    edge: [usize; 2],
    /// Edge-triggered, of three writes more, a wait after each.
    arrivals: usize,
    /// Epolls in a chain, and what the next one got.
    deep: usize,
    end: Errno,
}

fn nested(t: &mut Trial) -> Result<Finding> {
    let fd = t.eventfd("eventfd")?;
    let inner = t.epoll_of(&[&fd], IN)?;
    let outer = [t.sys.epoll_create1()?, t.sys.epoll_create1()?];
    for (outer, interest) in outer.iter().zip([IN, IN | ET]) {
        t.sys.epoll_ctl(outer, CtlOp::Add, &inner.0, interest)?;
    }
    t.adds_one(&fd)?;
    let level = [t.wait(&outer[0])?.len(), t.wait(&outer[0])?.len()];
    let edge = [t.wait(&outer[1])?.len(), t.wait(&outer[1])?.len()];
    let mut arrivals = 0;
    for _ in 0..3 {
        t.adds_one(&fd)?;
        arrivals += t.wait(&outer[1])?.len();
    }
    t.note("a chain of epolls, each on the one before:");
    let (deep, end) = chain(t)?;
    Ok(judge_nested(Nested {
        level,
        edge,
        arrivals,
        deep,
        end,
    }))
}

/// How many epolls there are when the next one is refused.
fn chain(t: &mut Trial) -> Result<(usize, Errno)> {
    const MOST: usize = 20;
    let mut chain: Vec<Epoll> = vec![t.sys.epoll_create1()?];
    while chain.len() < MOST {
        let next = t.sys.epoll_create1()?;
        let last = &chain[chain.len() - 1];
        match errno(t.sys.epoll_ctl(&next, CtlOp::Add, &last.0, IN)) {
            Ok(()) => chain.push(next),
            Err(errno) => return Ok((chain.len(), errno)),
        }
    }
    Ok((MOST, Errno::UnknownErrno))
}

fn judge_nested(nested: Nested) -> Finding {
    let evidence = format!(
        "two waits reported {} and {} under LT, {} and {} under ET; {} epolls made a chain, the next \
         got {}",
        nested.level[0],
        nested.level[1],
        nested.edge[0],
        nested.edge[1],
        nested.deep,
        errno_name(nested.end)
    );
    match (nested.level, nested.edge) {
        ([1, 1], [1, 0]) => refuted(evidence).why(
            "An epoll is readable while its ready list is not empty, and an edge of what it \
             watches is an edge of its own. The kernel's epoll_wakeup_test.c asserts it, from \
             epoll17 to epoll58.",
        ),
        ([0, 0], [0, 0]) => confirmed(evidence).why("It was never reported."),
        _ => refuted(evidence).why("It was reported, though not as other fds are."),
    }
    .count("level_reports", nested.level[0] + nested.level[1])
    .count("edge_reports", nested.edge[0] + nested.edge[1])
    .count("edge_reports_of_3", nested.arrivals)
    .count("deep", nested.deep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let nested = |level, edge| {
            judge_nested(Nested {
                level,
                edge,
                arrivals: 3,
                deep: 5,
                end: Errno::ELOOP,
            })
        };
        assert_eq!(nested([1, 1], [1, 0]).verdict, Refuted);
        assert_eq!(nested([0, 0], [0, 0]).verdict, Confirmed);
        assert_ne!(nested([1, 0], [1, 0]).why, nested([1, 1], [1, 0]).why);
    }
}
