//! What the calls do not take, and how fine and how long they wait.

use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::claims::disturbance::{UNEVEN, alone};
use crate::claims::patience::PATIENCE;
use crate::claims::prelude::*;
use crate::claims::threads::sleeper::Sleeper;

pub const EXCLUSIVE_MOD: Claim = Claim {
    id: "exclusive-mod",
    claim: "EPOLLEXCLUSIVE is a flag like the others",
    asked: "ADD with EPOLLEXCLUSIVE and MOD of that; ADD with EPOLLEXCLUSIVE and one flag more: \
            EPOLLONESHOT, EPOLLRDHUP, EPOLLET.",
    experiment: exclusive_mod,
};

fn exclusive_mod(t: &mut Trial) -> Result<Finding> {
    const EXCLUSIVE: EpollFlags = EpollFlags::EPOLLEXCLUSIVE;
    let a = t.connection()?;
    let interest = IN | EXCLUSIVE;
    let epoll = t.epoll_of(&[&a], interest)?;
    let modify = errno(t.sys.epoll_ctl(&epoll, CtlOp::Mod, &a, interest));
    let mut added = [Ok(()); 3];
    for (added, flag) in added.iter_mut().zip([EpollFlags::EPOLLONESHOT, RDHUP, ET]) {
        let epoll = t.sys.epoll_create1()?;
        *added = errno(t.sys.epoll_ctl(&epoll, CtlOp::Add, &a, interest | flag));
    }
    Ok(judge_exclusive_mod(modify, added))
}

/// MOD, and ADD with EPOLLONESHOT, EPOLLRDHUP, EPOLLET.
fn judge_exclusive_mod(modify: Result<(), Errno>, added: [Result<(), Errno>; 3]) -> Finding {
    let [oneshot, rdhup, edge] = added.map(done);
    let evidence = format!(
        "MOD said {}; ADD with ONESHOT said {oneshot}, with RDHUP {rdhup}, with ET {edge}",
        done(modify)
    );
    let refused = added.iter().chain([&modify]).filter(|one| one.is_err());
    let refused = refused.count();
    match refused {
        0 => confirmed(evidence).why("It goes with all of them."),
        _ => refuted(evidence).why(
            "It is for ADD, beside EPOLLIN, EPOLLOUT, EPOLLET and EPOLLWAKEUP, and for nothing \
             else (epoll_ctl(2)): to change the interest, DEL and ADD.",
        ),
    }
    .count("refused", refused)
}

pub const NEGATIVE_TIMEOUT: Claim = Claim {
    id: "negative-timeout",
    claim: "-1 waits for ever, N for N ms",
    asked: "A thread waits with -5, one with INT_MIN, one with 5,000, one with INT_MAX. Another \
            wait of 20 ms runs out meanwhile; then the eventfd is written.",
    experiment: negative_timeout,
};

/// What a call has returned, if it has.
type Returned = Option<nix::Result<usize>>;

/// A wait of so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Waited {
    timeout: i32,
    /// It still slept when a wait of 20 ms had run out.
    outlasts: bool,
    /// What it returned once its fd was ready.
    returned: Returned,
}

fn negative_timeout(t: &mut Trial) -> Result<Finding> {
    let mut waits = Vec::new();
    for timeout in [-5, i32::MIN, 5_000, i32::MAX] {
        let fd = t.eventfd("eventfd")?;
        let epoll = t.epoll_of(&[&fd], IN)?;
        let sleeper = Sleeper::waits(&epoll, timeout)?;
        t.note(format!("a thread: epoll_wait(..., {timeout})"));
        let other = t.sys.epoll_create1()?;
        t.wait_for(&other, 1, Duration::from_millis(20))?;
        let outlasts = !sleeper.settle()?;
        t.adds_one(&fd)?;
        sleeper.settle()?;
        let returned = sleeper.returned();
        t.note(match returned {
            Some(result) => format!("its wait returns {}", outcome(&result)),
            None => "its wait goes on".into(),
        });
        waits.push(Waited {
            timeout,
            outlasts,
            returned,
        });
    }
    Ok(judge_negative_timeout(&waits))
}

/// Of each wait: whether it slept until the write, and what it returned then.
fn judge_negative_timeout(waits: &[Waited]) -> Finding {
    let negative = || waits.iter().filter(|wait| wait.timeout < 0);
    let slept = negative().filter(|wait| wait.outlasts).count();
    let limited = || waits.iter().filter(|wait| wait.timeout > 0);
    let early = limited().filter(|wait| wait.outlasts && wait.returned == Some(Ok(1)));
    let early = early.count();
    let evidence = format!(
        "{slept} of {} waits with a negative timeout slept until the write; of {} with a long one, \
         {early} ended at the write, too",
        negative().count(),
        limited().count()
    );
    match (slept, early) {
        (0, 0) => confirmed(evidence).why("Only -1 waits for ever, and N is N."),
        _ if slept < negative().count() || early < limited().count() => {
            depends(evidence).why("They are not all alike.")
        }
        _ => depends(evidence).why(
            "Any negative number waits for ever, and a wait ends as soon as there is something to \
             report: N is the longest, and for an idle loop also the shortest.",
        ),
    }
    .count("negative_sleeps", slept)
    .count("ended_early", early)
}

pub const MS_FINEST: Claim = Claim {
    id: "ms-finest",
    claim: "1 ms is the finest timeout",
    asked: "A wait of 100 us by epoll_pwait2, and of 1 ms by epoll_wait, with nothing ready: the \
            quickest of many, for a busy machine only makes a wait longer.",
    experiment: ms_finest,
};

const MS: Duration = Duration::from_millis(1);

/// Sleeps of 100 us that came back in less than 1 ms while no wait did: then
/// it is not the machine.
const ENOUGH: usize = 20;

fn ms_finest(t: &mut Trial) -> Result<Finding> {
    alone()?;
    let deadline = Instant::now() + PATIENCE;
    let set = t.sys.epoll_create1()?;
    let short = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000,
    };
    let wait = || -> Result<()> {
        let mut room = Vec::with_capacity(1);
        let room = rustix::buffer::spare_capacity(&mut room);
        epoll::wait(&set.0, room, Some(&short)).context("epoll_pwait2")?;
        Ok(())
    };
    // A sleep in turn with each: whoever takes the processor away takes it
    // from both.
    let (mut fine, mut slept) = (took(wait)?, 0);
    while fine >= MS && slept < ENOUGH {
        let sleep = || {
            std::thread::sleep(Duration::from_micros(100));
            Ok(())
        };
        if Instant::now() > deadline {
            return Ok(not_tried(UNEVEN));
        }
        slept += usize::from(took(sleep)? < MS);
        fine = fine.min(took(wait)?);
    }
    t.note("epoll_pwait2(epfd, ..., 100 us): again and again");
    let coarse = quickest(|| t.untraced(|t| t.wait_for(&set, 1, MS)).map(drop))?;
    t.note("epoll_wait(epfd, ..., 1): again and again");
    Ok(judge_ms_finest(fine, coarse))
}

fn took(wait: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let began = Instant::now();
    wait()?;
    Ok(began.elapsed())
}

/// The quickest of nine, or of more where none is quicker than 1 ms.
fn quickest(mut wait: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for round in 0..100 {
        best = best.min(took(&mut wait)?);
        if round >= 8 && best < MS + MS / 4 {
            break;
        }
    }
    Ok(best)
}

fn judge_ms_finest(fine: Duration, coarse: Duration) -> Finding {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    match fine < MS {
        true => refuted("a wait of 100 us came back in less than 1 ms").why(
            "epoll_wait counts milliseconds; epoll_pwait2 (Linux 5.11) takes a timespec. And a \
             timerfd on the list is as fine.",
        ),
        false => confirmed("no wait of 100 us came back in less than 1 ms")
            .why("The finer timeout was rounded up."),
    }
    .varies("pwait2_100us_ms", ms(fine))
    .varies("wait_1ms_ms", ms(coarse))
    .varying(format!(
        "a wait of 100 us took {:.2} ms, one of 1 ms {:.2} ms",
        ms(fine),
        ms(coarse)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let (good, bad) = (Ok(()), Err(Errno::EINVAL));
        assert_eq!(judge_exclusive_mod(bad, [bad, bad, good]).verdict, Refuted);
        assert_eq!(judge_exclusive_mod(good, [good; 3]).verdict, Confirmed);

        let wait = |timeout, outlasts, returned| Waited {
            timeout,
            outlasts,
            returned,
        };
        let all = |negative, returned| {
            let some = wait(5_000, true, returned);
            judge_negative_timeout(&[wait(-5, negative, Some(Ok(1))), some])
        };
        assert_eq!(all(true, Some(Ok(1))).verdict, Depends);
        assert_eq!(all(false, None).verdict, Confirmed);
        assert!(all(true, None).why.contains("not all alike"));
        assert!(!all(true, Some(Ok(1))).why.contains("not all alike"));

        let us = Duration::from_micros;
        assert_eq!(judge_ms_finest(us(150), us(1_070)).verdict, Refuted);
        assert_eq!(judge_ms_finest(us(1_070), us(1_070)).verdict, Confirmed);
    }
}
