//! epoll_wait.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::bail;
use nix::sys::epoll::EpollEvent;
use nix::sys::resource::{UsageWho, getrusage};

use crate::claims::child::Child;
use crate::claims::disturbance::alone;
use crate::claims::prelude::*;
use crate::claims::thread::write_once_asleep;
use crate::trace::{Call, Fd, Record};

pub const WAIT_TIMEOUT: Claim = Claim {
    id: "wait-timeout",
    claim: "0 returns at once, N after N ms, -1 when ready",
    asked: "Three waits on an fd that is not ready: 0, 20 ms, and -1 while another thread writes \
            once /proc says that this one sleeps. Did the thread sleep? The kernel counts its \
            voluntary context switches (getrusage).",
    experiment: wait_timeout,
};

/// One wait: how many were ready, whether the thread gave the processor away,
/// and how long it took.
#[derive(Clone, Copy, Debug)]
struct Waited {
    ready: usize,
    slept: bool,
    took: Duration,
}

fn wait_timeout(t: &mut Trial) -> Result<Finding> {
    alone()?;
    let fd = t.eventfd("eventfd")?;
    let epoll = t.epoll_of(&[&fd], IN)?;
    let wait = |t: &mut Trial, timeout| -> Result<Waited> {
        let switches = || getrusage(UsageWho::RUSAGE_THREAD).of_call("getrusage");
        let (before, began) = (switches()?, Instant::now());
        let mut events = [EpollEvent::empty(); 8];
        let ready = t.sys.epoll_wait(&epoll, &mut events, timeout)?;
        let (after, took) = (switches()?, began.elapsed());
        let slept = after.voluntary_context_switches() > before.voluntary_context_switches();
        Ok(Waited { ready, slept, took })
    };
    let none = wait(t, Some(Duration::ZERO))?;
    // A kernel that sleeps with timeout 0 does so each time.
    for _ in 0..4 {
        if none.slept && !t.untraced(|t| wait(t, Some(Duration::ZERO)))?.slept {
            bail!("of the waits with timeout 0 some slept, some not");
        }
    }
    let some = wait(t, Some(Duration::from_millis(20)))?;
    t.note("another thread will write, once this one sleeps in epoll_wait");
    let mut writer = write_once_asleep(&fd)?;
    let ever = wait(t, None)?;
    writer.end()??;
    Ok(judge_wait_timeout(none, some, ever))
}

fn judge_wait_timeout(none: Waited, some: Waited, ever: Waited) -> Finding {
    let long_enough = some.took >= Duration::from_millis(20);
    let at_once = none.ready == 0 && !none.slept;
    let holds = at_once && some.ready == 0 && some.slept && long_enough && ever.ready == 1;
    let how = |waited: &Waited| if waited.slept { "slept" } else { "no sleep" };
    let evidence = match holds {
        true => "a wait of 0 did not sleep, one of 20 ms took 20 ms or more, one of -1 slept until the write".into(),
        false => format!(
            "timeout 0: {}; 20: {}; -1: {}, {} ready",
            how(&none),
            if long_enough {
                "20 ms or more"
            } else {
                "less than 20 ms"
            },
            how(&ever),
            ever.ready
        ),
    };
    let milliseconds = |waited: &Waited| waited.took.as_secs_f64() * 1e3;
    match holds {
        true => confirmed(evidence)
            .why("The timeout is a lower bound: a busy machine may return later, never earlier."),
        false => refuted(evidence).why("At least one of the three waits did something else."),
    }
    .varies("zero_ms", milliseconds(&none))
    .varies("twenty_ms", milliseconds(&some))
    .varies("ever_ms", milliseconds(&ever))
    .varying(format!(
        "timeout 0 took {:.3} ms, 20 took {:.2} ms, and -1 took {:.2} ms",
        milliseconds(&none),
        milliseconds(&some),
        milliseconds(&ever)
    ))
}

pub const MAXEVENTS: Claim = Claim {
    id: "maxevents",
    claim: "what exceeds maxevents comes with the next call",
    asked: "Three connections with unread bytes, and room for one event in each of six waits; \
            level- and edge-triggered.",
    experiment: maxevents,
};

fn maxevents(t: &mut Trial) -> Result<Finding> {
    let conns = [t.connection()?, t.connection()?, t.connection()?];
    for conn in &conns {
        t.sends(conn, b"x")?;
    }
    let mut orders = Vec::new();
    for interest in [IN, IN | ET] {
        let epoll = t.epoll_of(&conns.each_ref(), interest)?;
        t.note("maxevents 1:");
        let mut order = Vec::new();
        for _ in 0..6 {
            order.extend(t.wait_for(&epoll, 1, Duration::ZERO)?);
        }
        orders.push(order);
    }
    Ok(judge_maxevents(&orders[0], &orders[1]))
}

fn judge_maxevents(level: &[NamedEvent], edge: &[NamedEvent]) -> Finding {
    let names = |reports: &[NamedEvent]| listed(reports.iter().map(|report| report.name), " ");
    let evidence = format!(
        "six waits reported {} level-triggered, and {} edge-triggered",
        names(level),
        names(edge)
    );
    let found = |reports: &[NamedEvent]| {
        let mut found: Vec<Name> = reports.iter().map(|report| report.name).collect();
        found.sort_unstable();
        found.dedup();
        found.len()
    };
    match found(level) == 3 && found(edge) == 3 {
        true => confirmed(evidence).why(
            "The ready list is served in turn. Level-triggered, a reported fd goes back to its \
             end; edge-triggered, it leaves. None is lost, and none starves.",
        ),
        false => refuted(evidence).why("A ready fd was never reported."),
    }
    .count("level_reports", level.len())
    .count("edge_reports", edge.len())
}

pub const WAIT_ERRORS: Claim = Claim {
    id: "wait-errors",
    claim: "epoll_wait returns -1 on failure",
    asked: "A sleep that a signal interrupts (a child process, stopped and continued), a closed \
            epfd, maxevents 0, an fd that is no epoll.",
    experiment: wait_errors,
};

fn wait_errors(t: &mut Trial) -> Result<Finding> {
    // A tracer takes the child's signals first.
    alone()?;
    let a = t.connection()?;
    let epoll = t.sys.epoll_create1()?;
    let closed = free_number(&a.socket)?;
    t.note("a child process sleeps in epoll_wait; SIGSTOP, SIGCONT");
    let interrupted = Child::interrupted_wait()?;
    let (raw, name) = (epoll.0.as_raw_fd(), Name::Plain);
    let call = Call::EpollWait {
        epfd: Fd { raw, name },
        maxevents: 1,
        timeout: -1,
    };
    t.record(Record::new(call, interrupted, 0, 0));

    let (no_room, mut room) = (&mut [], [EpollEvent::empty(); 1]);
    let now = Some(Duration::ZERO);
    let gone = errno(t.sys.epoll_wait_raw(closed, &mut room, now));
    let zero = errno(t.sys.epoll_wait(&epoll, no_room, now));
    let socket = errno(t.sys.epoll_wait_raw(a.socket.as_raw_fd(), &mut room, now));
    let interrupted = interrupted.map(|ready| ready as usize);
    Ok(judge_wait_errors(&[interrupted, gone, zero, socket]))
}

fn judge_wait_errors(results: &[Result<usize, Errno>]) -> Finding {
    let outcomes = listed(results.iter().map(outcome), ", ");
    let evidence = format!("the waits returned {outcomes}");
    let failed = results.iter().filter(|result| result.is_err()).count();
    match failed == results.len() {
        true => confirmed(evidence)
            .why("Three are mistakes. EINTR is none: nothing is lost, the loop waits again."),
        false => refuted(evidence).why("A call that cannot have worked did not return -1."),
    }
    .count("errors", failed)
}

pub const WAIT_COUNT: Claim = Claim {
    id: "wait-count",
    claim: "the result is the total number of ready fds",
    asked: "Three ready connections; maxevents 8, then 2.",
    experiment: wait_count,
};

fn wait_count(t: &mut Trial) -> Result<Finding> {
    let conns = [t.connection()?, t.connection()?, t.connection()?];
    for conn in &conns {
        t.sends(conn, b"x")?;
    }
    let epoll = t.epoll_of(&conns.each_ref(), IN)?;
    t.note("maxevents 8:");
    let roomy = t.wait_for(&epoll, 8, Duration::ZERO)?.len();
    t.note("maxevents 2:");
    let narrow = t.wait_for(&epoll, 2, Duration::ZERO)?.len();
    Ok(judge_wait_count(conns.len(), roomy, narrow))
}

fn judge_wait_count(ready: usize, roomy: usize, narrow: usize) -> Finding {
    let evidence = format!(
        "{ready} fds were ready: a wait returned {roomy} with maxevents 8, and {narrow} with 2"
    );
    match (roomy == ready, narrow == ready) {
        (true, true) => confirmed(evidence).why("The total, whatever there is room for."),
        (true, false) => depends(evidence)
            .why("The total, as far as there is room for it: maxevents caps the result."),
        (false, _) => refuted(evidence).why("Not all that are ready were counted."),
    }
    .count("ready", ready)
    .count("of_8", roomy)
    .count("of_2", narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        let waited = |ready, slept, ms| Waited {
            ready,
            slept,
            took: Duration::from_millis(ms),
        };
        let right = [waited(0, false, 0), waited(0, true, 21), waited(1, true, 1)];
        let verdict = |w: [Waited; 3]| judge_wait_timeout(w[0], w[1], w[2]).verdict;
        assert_eq!(verdict(right), Confirmed);
        assert_eq!(verdict([waited(0, true, 0), right[1], right[2]]), Refuted);
        assert_eq!(verdict([right[0], waited(0, true, 19), right[2]]), Refuted);
        assert_eq!(verdict([right[0], right[1], waited(0, true, 9)]), Refuted);
    }

    #[test]
    fn orders() {
        let reports = |order: &[u32]| -> Vec<NamedEvent> {
            let report = |client: &u32| NamedEvent {
                name: Name::Client(*client),
                data: 0,
                events: IN,
            };
            order.iter().map(report).collect()
        };
        let level = reports(&[0, 1, 2, 0, 1, 2]);
        let fair = judge_maxevents(&level, &reports(&[0, 1, 2]));
        assert_eq!(fair.verdict, Confirmed);
        assert_eq!(
            fair.evidence,
            "six waits reported A B C A B C level-triggered, and A B C edge-triggered"
        );
        let lost = judge_maxevents(&level, &reports(&[0, 1]));
        assert_eq!(lost.verdict, Refuted);
        let starved = judge_maxevents(&reports(&[0; 6]), &reports(&[0, 1, 2]));
        assert_eq!(starved.verdict, Refuted);
    }

    #[test]
    fn errors_and_counts() {
        let wrong = [Err(Errno::EINTR), Err(Errno::EBADF)];
        let evidence = judge_wait_errors(&wrong).evidence;
        assert_eq!(evidence, "the waits returned EINTR, EBADF");
        assert_eq!(judge_wait_errors(&wrong).verdict, Confirmed);
        assert_eq!(judge_wait_errors(&[wrong[0], Ok(0)]).verdict, Refuted);

        assert_eq!(judge_wait_count(3, 3, 2).verdict, Depends);
        assert_eq!(judge_wait_count(3, 3, 3).verdict, Confirmed);
        assert_eq!(judge_wait_count(3, 2, 2).verdict, Refuted);
    }
}
