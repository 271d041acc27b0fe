//! The acts, as numbered steps. `W` writes, `P` is its peer.

use std::time::Duration;

use anyhow::Result;
use nix::sys::epoll::EpollFlags;

use crate::commands::write_events::bench::Bench;

use crate::commands::write_events::bench::Fold;
use crate::commands::write_events::run::{Act, Measured, Queue, Side};
use crate::lab::report::Trigger;
use crate::show::Screen;
use crate::trace::CtlOp::Add;
use crate::trace::CtlOp::Mod;

/// So long must epoll_wait stay silent before it counts as silent.
const SILENCE: Duration = Duration::from_millis(50);
/// For P's last bytes on their way, when all has been read and W still waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the buffer is filled up again at most. Two or three rounds are
/// usual: the kernel moves bytes on to P by itself.
const ROUNDS: u32 = 100;

/// Plays all acts.
pub fn play(trigger: Trigger, limit: u32, screen: &mut Screen) -> Result<Side> {
    let mut bench = Bench::set_up(screen)?;
    let out = match trigger {
        Trigger::Level => EpollFlags::EPOLLOUT,
        Trigger::Edge => EpollFlags::EPOLLOUT | EpollFlags::EPOLLET,
    };
    let idle = idle(&mut bench, out, limit)?;
    let fill = fill(&mut bench)?;
    let full = bench.queue()?;
    let (drain, at_report) = drain(&mut bench, limit)?;
    let on_demand = on_demand(&mut bench, out, limit)?;
    let (sent, received) = bench.tear_down()?;
    Ok(Side {
        trigger,
        acts: [idle, fill, drain, on_demand],
        queue: Queue { full, at_report },
        sent,
        received,
    })
}

/// 1. Nothing to send, and all the room there is: EPOLLOUT is registered, and
///    W asks until nothing comes, or often enough.
fn idle(bench: &mut Bench<'_>, out: EpollFlags, limit: u32) -> Result<Measured> {
    bench.begin(Act::Idle)?;
    bench.epoll_ctl(Add, out)?;
    let mut idle = Measured::new(Act::Idle);
    ask(bench, &mut idle, limit, Fold::MIDDLE)?;
    Ok(idle)
}

/// 2. The buffer is filled, and W asks once: is it told to go on?
fn fill(bench: &mut Bench<'_>) -> Result<Measured> {
    bench.begin(Act::Fill)?;
    let mut fill = Measured::new(Act::Fill);
    fill.bytes = send_until_full(bench)?;
    ask(bench, &mut fill, 1, Fold::NOTHING)?;
    Ok(fill)
}

/// 3. P reads, a little at a time, until W is told; then P reads no more, and
///    W asks again, with nothing to send. Also how much was still on its way.
fn drain(bench: &mut Bench<'_>, limit: u32) -> Result<(Measured, u64)> {
    bench.begin(Act::Drain)?;
    let mut drain = Measured::new(Act::Drain);
    read_until_report(bench, &mut drain)?;
    let queue = bench.queue()?;
    if drain.reports > 0 {
        ask(bench, &mut drain, limit - 1, Fold::LATER)?;
    }
    Ok((drain, queue))
}

/// The right way: EPOLLOUT while something waits to be sent, and only then.
/// The same three situations, and the same questions.
fn on_demand(bench: &mut Bench<'_>, out: EpollFlags, limit: u32) -> Result<Measured> {
    bench.begin(Act::OnDemand)?;
    bench.read_all()?; // as it was in the beginning
    let mut right = Measured::new(Act::OnDemand);

    bench.epoll_ctl(Mod, EpollFlags::empty())?; // nothing waits: nothing is asked
    ask(bench, &mut right, limit, Fold::MIDDLE)?;

    send_until_full(bench)?; // the last message is refused: it waits
    bench.epoll_ctl(Mod, out)?;
    ask(bench, &mut right, 1, Fold::NOTHING)?;

    let before = right.reports;
    read_until_report(bench, &mut right)?;
    right.bytes = match right.reports > before {
        true => bench.send()?.unwrap_or(0),
        false => 0,
    };
    if right.bytes > 0 {
        bench.epoll_ctl(Mod, EpollFlags::empty())?; // it is out
    }
    ask(bench, &mut right, limit, Fold::MIDDLE)?;
    Ok(right)
}

/// Waits for EPOLLOUT at most `limit` times; one that is silent is the last.
fn ask(bench: &mut Bench<'_>, measured: &mut Measured, limit: u32, fold: Fold) -> Result<()> {
    let began = bench.now_ns();
    bench.fold(fold);
    measured.silent = false;
    for _ in 0..limit {
        let reported = bench.epoll_wait(SILENCE)?;
        measured.waits += 1;
        measured.reports += u64::from(reported);
        if !reported {
            measured.silent = true;
            break;
        }
        measured.busy_ns = bench.now_ns() - began;
    }
    bench.unfold()
}

/// Sends until the kernel takes nothing, at once and after a pause either.
/// The number of bytes it took.
fn send_until_full(bench: &mut Bench<'_>) -> Result<u64> {
    bench.fold(Fold::UNTIL_FULL);
    let mut all = 0;
    for _ in 0..ROUNDS {
        let mut taken = 0;
        while let Some(bytes) = bench.send()? {
            taken += bytes;
        }
        if taken == 0 {
            break;
        }
        all += taken;
        // The kernel moves bytes on by itself for a while.
        bench.epoll_wait(SILENCE)?;
    }
    bench.unfold()?;
    Ok(all)
}

/// P reads one piece after the other, and W looks, without sleeping, whether
/// it may go on.
fn read_until_report(bench: &mut Bench<'_>, measured: &mut Measured) -> Result<()> {
    bench.fold(Fold::UNTIL_REPORT);
    let mut reported = false;
    while !reported && bench.has_unread() {
        measured.bytes += bench.recv()?;
        measured.reads += 1;
        reported = bench.epoll_wait(Duration::ZERO)?;
    }
    if !reported {
        reported = bench.epoll_wait(PATIENCE)?;
    }
    measured.waits += 1;
    measured.reports += u64::from(reported);
    bench.unfold()
}

impl Measured {
    fn new(act: Act) -> Measured {
        Measured {
            act,
            waits: 0,
            reports: 0,
            silent: false,
            bytes: 0,
            reads: 0,
            busy_ns: 0,
        }
    }
}
