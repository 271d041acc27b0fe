//! Who of several threads is woken, and by what.

use crate::claims::prelude::*;
use crate::claims::threads::crew::Crew;

/// A report, and none more until MOD.
const ONESHOT: EpollFlags = EpollFlags::EPOLLONESHOT;

pub const SHARED_EPOLL: Claim = Claim {
    id: "shared-epoll",
    claim: "an event wakes one of an epoll's threads",
    asked: "2 threads, then 8, asleep in one epoll; one byte arrives and nobody reads it. \
            Level-triggered, EPOLLET, EPOLLONESHOT: how many wake?",
    experiment: shared_epoll,
};

/// How many of so many threads woke: level-triggered, EPOLLET, EPOLLONESHOT.
type Woken = (usize, [usize; 3]);

fn shared_epoll(t: &mut Trial) -> Result<Finding> {
    let mut woken = Vec::new();
    for threads in [2, 8] {
        let mut counts = [0; 3];
        for (count, interest) in counts.iter_mut().zip([IN, IN | ET, IN | ONESHOT]) {
            let a = t.connection()?;
            let epoll = t.epoll_of(&[&a], interest)?;
            let crew = Crew::in_one(&epoll, threads)?;
            t.sends(&a, b"x")?;
            *count = crew.settle()?.len();
            t.note(format!("woken: {count} of {threads} threads in that epoll"));
        }
        woken.push((threads, counts));
    }
    Ok(judge_shared_epoll(woken[0], woken[1]))
}

fn judge_shared_epoll(few: Woken, many: Woken) -> Finding {
    let [level, edge, oneshot] = many.1;
    let evidence = format!(
        "one byte woke {level} of {} threads under LT, {edge} under ET, {oneshot} with ONESHOT",
        many.0
    );
    match (few.1, many.1) {
        ([1, 1, 1], [1, 1, 1]) => confirmed(evidence).why("One each time, read or not."),
        ([2, 1, 1], [2..=8, 1, 1]) => depends(evidence).why(
            "Level-triggered, who takes the event puts it back on the list, and that wakes the \
             next: all wake until somebody reads. With EPOLLET or EPOLLONESHOT it is one. The \
             kernel's epoll_wakeup_test.c asserts it: epoll9 (LT), epoll10 (ET).",
        ),
        _ => refuted(evidence).why("Not one thread, not even with EPOLLET and EPOLLONESHOT."),
    }
    .count("threads", many.0)
    .count("level_woken", level)
    .count("edge_woken", edge)
    .count("oneshot_woken", oneshot)
    .count("level_woken_of_2", few.1[0])
}

pub const ET_ONE_THREAD: Claim = Claim {
    id: "et-one-thread",
    claim: "under ET one thread has the fd to itself",
    asked: "A byte is reported to one thread, which has not read it yet; a second thread waits, \
            and another byte arrives. The same with EPOLLONESHOT.",
    experiment: et_one_thread,
};

fn et_one_thread(t: &mut Trial) -> Result<Finding> {
    let mut reports = [[0; 2]; 2];
    for (pair, interest) in reports.iter_mut().zip([IN | ET, IN | ET | ONESHOT]) {
        let a = t.connection()?;
        let epoll = t.epoll_of(&[&a], interest)?;
        t.sends(&a, b"x")?;
        pair[0] = t.wait(&epoll)?.len();
        let second = Crew::in_one(&epoll, 1)?;
        t.note("a second thread sleeps in that epoll");
        t.sends(&a, b"y")?;
        pair[1] = second.settle()?.len();
        t.note(format!("reports to the second thread: {}", pair[1]));
    }
    Ok(judge_et_one_thread(reports[0], reports[1]))
}

/// Reports to the first and the second thread: EPOLLET, and with EPOLLONESHOT.
fn judge_et_one_thread(edge: [usize; 2], oneshot: [usize; 2]) -> Finding {
    let evidence = format!(
        "the second thread got {}; with EPOLLONESHOT, {}",
        reports(edge[1]),
        reports(oneshot[1])
    );
    match (edge, oneshot) {
        ([1, 0], _) => confirmed(evidence).why("The second arrival woke nobody."),
        ([1, _], [1, 0]) => refuted(evidence).why(
            "Each arrival is an edge of its own, and wakes whoever waits: two threads then read \
             one fd. EPOLLONESHOT silences it until the first thread's MOD.",
        ),
        _ => refuted(evidence).why("The fd was reported to both, or to neither."),
    }
    .count("second_thread", edge[1])
    .count("second_thread_oneshot", oneshot[1])
}

pub const ET_LOST_WAKEUP: Claim = Claim {
    id: "et-lost-wakeup",
    claim: "ET can lose a wake-up between threads",
    asked: "10 threads asleep in one epoll, 10 eventfds with EPOLLET, each written once; one \
            event a wait. Ten rounds.",
    experiment: et_lost_wakeup,
};

fn et_lost_wakeup(t: &mut Trial) -> Result<Finding> {
    const THREADS: usize = 10;
    const ROUNDS: usize = 10;
    let mut reports = 0;
    for _ in 0..ROUNDS {
        reports += t.untraced(|t| -> Result<usize> {
            let epoll = t.sys.epoll_create1()?;
            let mut fds = Vec::new();
            for _ in 0..THREADS {
                let fd = t.eventfd("eventfd")?;
                t.sys.epoll_ctl(&epoll, CtlOp::Add, &fd, IN | ET)?;
                fds.push(fd);
            }
            let crew = Crew::in_one(&epoll, THREADS)?;
            for fd in &fds {
                nix::unistd::write(fd, &1_u64.to_ne_bytes()).context("write")?;
            }
            crew.settle()?;
            let mut seen = crew.seen();
            seen.sort_unstable();
            seen.dedup();
            Ok(seen.len())
        })?;
    }
    t.note(format!(
        "{ROUNDS} rounds of {THREADS} writes: {reports} different fds reported"
    ));
    Ok(judge_et_lost_wakeup(ROUNDS * THREADS, reports))
}

fn judge_et_lost_wakeup(writes: usize, reports: usize) -> Finding {
    let evidence = format!("of {writes} writes, {reports} were reported to a thread");
    match reports == writes {
        true => refuted(evidence).why(
            "Whoever takes an event and leaves others on the list wakes the next thread. The \
             kernel's epoll_wakeup_test.c asserts it: epoll60.",
        ),
        false => confirmed(evidence).why("A thread slept on although an fd was ready."),
    }
    .count("writes", writes)
    .count("reports", reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crews() {
        let shared = |few, many| judge_shared_epoll((2, few), (8, many)).verdict;
        assert_eq!(shared([2, 1, 1], [8, 1, 1]), Depends);
        assert_eq!(shared([1, 1, 1], [1, 1, 1]), Confirmed);
        assert_eq!(shared([2, 2, 1], [8, 8, 1]), Refuted);
        assert_eq!(shared([0, 0, 0], [0, 0, 0]), Refuted);

        assert_eq!(judge_et_one_thread([1, 1], [1, 0]).verdict, Refuted);
        assert_eq!(judge_et_one_thread([1, 0], [1, 0]).verdict, Confirmed);
        assert_eq!(judge_et_one_thread([0, 0], [0, 0]).verdict, Refuted);

        assert_eq!(judge_et_lost_wakeup(100, 100).verdict, Refuted);
        assert_eq!(judge_et_lost_wakeup(100, 99).verdict, Confirmed);
    }
}
