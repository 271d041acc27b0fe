//! eventfd and timerfd: a counter each.

use anyhow::ensure;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::claims::patience::PATIENCE;
use crate::claims::prelude::*;
use crate::sys::Socket;

pub const EVENTFD_READ: Claim = Claim {
    id: "eventfd-read",
    claim: "an ET eventfd must be read to report again",
    asked: "Five writes with a wait after each, nothing read, edge-triggered. Then 1,000 waits \
            level-triggered, still unread.",
    experiment: eventfd_read,
};

const WRITES: usize = 5;
const WAITS: usize = 1_000;

fn eventfd_read(t: &mut Trial) -> Result<Finding> {
    let fd = t.eventfd("eventfd")?;
    let (edge, level) = (t.sys.epoll_create1()?, t.sys.epoll_create1()?);
    t.sys.epoll_ctl(&edge, CtlOp::Add, &fd, IN | ET)?;
    t.sys.epoll_ctl(&level, CtlOp::Add, &fd, IN)?;
    let mut reports = 0;
    for _ in 0..WRITES {
        t.adds_one(&fd)?;
        reports += t.wait(&edge)?.len();
    }
    Ok(judge_eventfd_read(reports, t.waits(&level, WAITS)?))
}

fn judge_eventfd_read(edge: usize, level: usize) -> Finding {
    let evidence = format!(
        "{WRITES} writes, never read, brought {edge} reports under ET; under LT, {} of {} waits \
         reported it",
        figure(level),
        figure(WAITS)
    );
    match edge {
        0 | 1 => confirmed(evidence).why("Only the first write was reported."),
        _ => refuted(evidence).why(
            "Each write is an edge, whatever the counter is: a waker need not be read under \
             EPOLLET. Level-triggered it must be, or the loop spins.",
        ),
    }
    .count("edge_reports", edge)
    .count("level_reports", level)
}

pub const TIMERFD_TICKS: Claim = Claim {
    id: "timerfd-ticks",
    claim: "ET reports every tick of a timerfd",
    asked: "Two timers of 5 ms, edge-triggered. One is never read, while the other, read at each \
            report, ticks 12 times; then the first is read, too.",
    experiment: timerfd_ticks,
};

/// Ticks of the timer that is read: the other one has ticked as often.
const TICKS: u64 = 12;

/// What the two timers reported and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Timers {
    unread_reports: u64,
    unread_ticks: u64,
    read_reports: u64,
    read_ticks: u64,
}

fn timerfd_ticks(t: &mut Trial) -> Result<Finding> {
    let unread = timer(t, "unread")?;
    let read = timer(t, "read")?;
    let (first, second) = (t.sys.epoll_create1()?, t.sys.epoll_create1()?);
    t.sys.epoll_ctl(&first, CtlOp::Add, &unread, IN | ET)?;
    t.sys.epoll_ctl(&second, CtlOp::Add, &read, IN | ET)?;
    // From the first to the second: what is started first has ticked first.
    start(&unread)?;
    start(&read)?;
    t.note("waits on both epolls, and read(2) of the second timer at each report");
    let timers = t.untraced(|t| -> Result<Timers> {
        let mut timers = Timers::default();
        // A machine that stalls counts many ticks in one report.
        while timers.read_ticks < TICKS || timers.read_reports < 3 {
            let reports = t.wait_for(&second, 1, PATIENCE)?.len();
            ensure!(reports > 0, "the timer does not tick");
            timers.read_reports += 1;
            timers.read_ticks += ticks(&read)?;
            timers.unread_reports += t.wait(&first)?.len() as u64;
        }
        timers.unread_reports += t.wait(&first)?.len() as u64;
        timers.unread_ticks = ticks(&unread)?;
        Ok(timers)
    })?;
    t.note(format!(
        "reports of the timer that is never read: {}",
        timers.unread_reports
    ));
    ensure!(
        timers.unread_ticks >= TICKS,
        "the unread timer counts {} ticks",
        timers.unread_ticks
    );
    Ok(judge_timerfd_ticks(timers))
}

fn timer(t: &mut Trial, name: &'static str) -> Result<Socket> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let fd = timerfd_create(TimerfdClockId::Monotonic, flags).context("timerfd_create")?;
    Ok(t.sys.keep(fd, Name::Other(name)))
}

fn start(timer: &Socket) -> Result<()> {
    let period = Timespec {
        tv_sec: 0,
        tv_nsec: 5_000_000,
    };
    let every = Itimerspec {
        it_interval: period,
        it_value: period,
    };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &every).context("timerfd_settime")?;
    Ok(())
}

/// read(2): how often it has ticked since the last one.
fn ticks(timer: &Socket) -> Result<u64> {
    let mut count = [0; 8];
    nix::unistd::read(timer, &mut count).context("read")?;
    Ok(u64::from_ne_bytes(count))
}

fn judge_timerfd_ticks(timers: Timers) -> Finding {
    let unread = timers.unread_reports;
    let evidence = format!(
        "{TICKS} ticks and more, never read, brought {}",
        reports(unread as usize)
    );
    match unread {
        _ if unread >= TICKS => confirmed(evidence).why("Each tick was reported, read or not."),
        1 => refuted(evidence).why(
            "A timer that has run out is not set again before it is read; then all ticks that \
             were missed are in the number read. So a timerfd is read, under EPOLLET as well.",
        ),
        _ => refuted(evidence).why("Some ticks were reported, and some were not."),
    }
    .count("unread_reports", unread)
    .varies("unread_ticks", timers.unread_ticks as f64)
    .varies("read_reports", timers.read_reports as f64)
    .varies("read_ticks", timers.read_ticks as f64)
    .varying(format!(
        "{} ticks, never read, brought {}; {} ticks, read each time, {}",
        timers.unread_ticks,
        reports(unread as usize),
        timers.read_ticks,
        timers.read_reports
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_eventfd_read(5, WAITS).verdict, Refuted);
        assert_eq!(judge_eventfd_read(1, WAITS).verdict, Confirmed);

        let ticks = |unread_reports| {
            judge_timerfd_ticks(Timers {
                unread_reports,
                ..Timers::default()
            })
        };
        assert_eq!(ticks(1).verdict, Refuted);
        assert_eq!(ticks(12).verdict, Confirmed);
        assert_eq!(ticks(5).verdict, Refuted);
        assert_ne!(ticks(5).why, ticks(1).why);
    }
}
