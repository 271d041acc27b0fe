//! Many threads, each with an epoll of its own, on one listener.

use anyhow::bail;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent};

use crate::claims::prelude::*;
use crate::claims::threads::crew::Crew;

const THREADS: usize = 8;

pub const HERD: Claim = Claim {
    id: "herd",
    claim: "every waiter on a shared listener wakes",
    asked: "8 threads sleep, each in an epoll of its own, all on one listener. 10 clients \
            connect, one by one; each is accepted when all threads that woke have returned. \
            First plain, then with EPOLLEXCLUSIVE.",
    experiment: herd,
};

fn herd(t: &mut Trial) -> Result<Finding> {
    const CONNECTIONS: usize = 10;
    let mut woken = Vec::new();
    for flags in [EpollFlags::empty(), EpollFlags::EPOLLEXCLUSIVE] {
        let histogram = wake_ups(t, flags, CONNECTIONS)?;
        woken.push(histogram.iter().sum());
    }
    Ok(judge_herd(CONNECTIONS, woken[0], woken[1]))
}

fn judge_herd(connections: usize, plain: usize, exclusive: usize) -> Finding {
    let evidence = format!(
        "{connections} clients woke 8 threads {plain} times; with EPOLLEXCLUSIVE, {exclusive} times"
    );
    match plain == THREADS * connections {
        true if exclusive < plain => confirmed(evidence).why(
            "All wake and one gets the connection: the thundering herd. EPOLLEXCLUSIVE wakes \
             fewer, as a rule one.",
        ),
        true => confirmed(evidence).why("All wake, and EPOLLEXCLUSIVE does not help here."),
        false => refuted(evidence).why("Not every thread was woken for every connection."),
    }
    .count("connections", connections)
    .count("plain_wakeups", plain)
    .count("exclusive_wakeups", exclusive)
}

pub const EXCLUSIVE_BALANCE: Claim = Claim {
    id: "exclusive-balance",
    claim: "EPOLLEXCLUSIVE balances the load",
    asked: "8 idle threads as in `herd`, with EPOLLEXCLUSIVE; 24 clients, each accepted before \
            the next connects. Who was woken?",
    experiment: exclusive_balance,
};

fn exclusive_balance(t: &mut Trial) -> Result<Finding> {
    let histogram = wake_ups(t, EpollFlags::EPOLLEXCLUSIVE, 24)?;
    Ok(judge_exclusive_balance(&histogram))
}

/// `woken`: how often, by thread.
fn judge_exclusive_balance(woken: &[usize]) -> Finding {
    let total: usize = woken.iter().sum();
    let most = woken.iter().copied().max().unwrap_or(0);
    match 2 * most > total {
        true => refuted(format!(
            "one of {} threads was woken more often than all the others together",
            woken.len()
        ))
        .why(
            "The waiters stand in line and the first one that sleeps is woken: while it keeps up, \
             it gets all. SO_REUSEPORT spreads connections by their addresses.",
        ),
        false => confirmed("no thread was woken more often than all the others together")
            .why("The wake-ups were spread."),
    }
    .varies("wakeups", total as f64)
    .varies("most", most as f64)
    .varying(format!("wake-ups by thread: {}", listed(woken, " ")))
}

/// How often each thread is woken by so many connections.
fn wake_ups(t: &mut Trial, flags: EpollFlags, connections: usize) -> Result<Vec<usize>> {
    let (listener, address) = t.listener()?;
    let mut epolls = Vec::new();
    for _ in 0..THREADS {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
        let interest = EpollEvent::new(IN | flags, 0);
        epoll.add(&listener, interest).of_call("epoll_ctl(ADD)")?;
        epolls.push(epoll);
    }
    let crew = Crew::start(&epolls)?;
    let names = crate::trace::words::epoll_names(IN | flags).join("|");
    t.note(format!(
        "{THREADS} threads, {THREADS} epolls, asleep: 3<L> {names}"
    ));
    let mut woken = vec![0; THREADS];
    for _ in 0..connections {
        // Over when the kernel has woken whom it wakes.
        let _client = knock(address)?;
        for thread in crew.settle()? {
            woken[thread] += 1;
        }
        t.untraced(|t| t.sys.accept4(&listener))?;
        if crew.go_on()? > 0 {
            bail!("a thread was woken without a connection");
        }
    }
    let total: usize = woken.iter().sum();
    t.note(format!(
        "{connections} clients connect, one by one: {total} returns of epoll_wait"
    ));
    Ok(woken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_herd(10, 80, 10).verdict, Confirmed);
        assert_eq!(judge_herd(10, 10, 10).verdict, Refuted);

        let one = judge_exclusive_balance(&[23, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(one.verdict, Refuted);
        assert_eq!(judge_exclusive_balance(&[3; 8]).verdict, Confirmed);
    }
}
