//! The acts, as numbered steps. `W` writes, `P` is its peer.

use std::time::Duration;

use anyhow::Result;
use nix::sys::epoll::EpollFlags;

use crate::commands::write_events::ends::{Ends, Fold};
use crate::commands::write_events::side::{Act, Played, Queue, READ, Side};
use crate::lab::audience::Audience;
use crate::lab::report::Trigger;
use crate::show::View;
use crate::trace::CtlOp::{Add, Mod};

/// So long must epoll_wait stay silent before it counts as silent.
const SILENCE: Duration = Duration::from_millis(50);
/// For P's last bytes on their way, when all has been read and W still waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the buffer is filled up again at most. Two or three rounds are
/// usual: the kernel moves bytes on to P by itself.
const ROUNDS: u32 = 100;

/// Plays all acts.
pub fn play(trigger: Trigger, limit: u32, view: View, audience: &mut dyn Audience) -> Result<Side> {
    let mut ends = Ends::set_up(view, audience)?;
    let out = match trigger {
        Trigger::Level => EpollFlags::EPOLLOUT,
        Trigger::Edge => EpollFlags::EPOLLOUT | EpollFlags::EPOLLET,
    };
    let idle = idle(&mut ends, out, limit)?;
    let fill = fill(&mut ends)?;
    let full = ends.queue()?;
    let (drain, at_report) = drain(&mut ends, limit)?;
    let on_demand = on_demand(&mut ends, out, limit)?;
    let (sent, received) = ends.tear_down()?;
    Ok(Side {
        trigger,
        acts: [idle, fill, drain, on_demand],
        queue: Queue { full, at_report },
        sent,
        received,
    })
}

/// Above the calls of an act.
fn heading(act: Act) -> String {
    match act {
        Act::Idle => "1. nothing to send".into(),
        Act::Fill => "2. the send buffer is filled".into(),
        Act::Drain => format!("3. P reads, {READ} bytes at a time"),
        Act::OnDemand => "the right way: EPOLLOUT only while something waits to be sent".into(),
    }
}

/// 1. Nothing to send, and all the room there is: EPOLLOUT is registered, and
///    W asks until nothing comes, or often enough.
fn idle(ends: &mut Ends<'_>, out: EpollFlags, limit: u32) -> Result<Played> {
    ends.begin(&heading(Act::Idle))?;
    ends.epoll_ctl(Add, out)?;
    let mut idle = Played::new(Act::Idle);
    ask(ends, &mut idle, limit, Fold::MIDDLE)?;
    Ok(idle)
}

/// 2. The buffer is filled, and W asks once: is it told to go on?
fn fill(ends: &mut Ends<'_>) -> Result<Played> {
    ends.begin(&heading(Act::Fill))?;
    let mut fill = Played::new(Act::Fill);
    fill.bytes = send_until_full(ends)?;
    ask(ends, &mut fill, 1, Fold::NOTHING)?;
    Ok(fill)
}

/// 3. P reads, a little at a time, until W is told; then P reads no more, and
///    W asks again, with nothing to send. Also how much was still on its way.
fn drain(ends: &mut Ends<'_>, limit: u32) -> Result<(Played, u64)> {
    ends.begin(&heading(Act::Drain))?;
    let mut drain = Played::new(Act::Drain);
    read_until_report(ends, &mut drain)?;
    let queue = ends.queue()?;
    if drain.reports > 0 {
        ask(ends, &mut drain, limit - 1, Fold::LATER)?;
    }
    Ok((drain, queue))
}

/// The right way: EPOLLOUT while something waits to be sent, and only then.
/// The same three situations, and the same questions.
fn on_demand(ends: &mut Ends<'_>, out: EpollFlags, limit: u32) -> Result<Played> {
    ends.begin(&heading(Act::OnDemand))?;
    ends.read_all()?; // as it was in the beginning
    let mut right = Played::new(Act::OnDemand);

    ends.epoll_ctl(Mod, EpollFlags::empty())?; // nothing waits: nothing is asked
    ask(ends, &mut right, limit, Fold::MIDDLE)?;

    send_until_full(ends)?; // the last message is refused: it waits
    ends.epoll_ctl(Mod, out)?;
    ask(ends, &mut right, 1, Fold::NOTHING)?;

    let before = right.reports;
    read_until_report(ends, &mut right)?;
    if right.reports > before {
        right.bytes = ends.send()?.unwrap_or(0);
    }
    if right.bytes > 0 {
        ends.epoll_ctl(Mod, EpollFlags::empty())?; // it is out
    }
    ask(ends, &mut right, limit, Fold::MIDDLE)?;
    Ok(right)
}

/// Waits for EPOLLOUT at most `limit` times; one that is silent is the last.
fn ask(ends: &mut Ends<'_>, measured: &mut Played, limit: u32, fold: Fold) -> Result<()> {
    let began = ends.now_ns();
    ends.fold(fold);
    measured.silent = false;
    for _ in 0..limit {
        let reported = ends.epoll_wait(SILENCE)?;
        measured.waits += 1;
        measured.reports += u64::from(reported);
        if !reported {
            measured.silent = true;
            break;
        }
        measured.busy_ns = ends.now_ns() - began;
    }
    ends.unfold()
}

/// Sends until the kernel takes nothing, at once and after a pause either.
/// The number of bytes it took.
fn send_until_full(ends: &mut Ends<'_>) -> Result<u64> {
    ends.fold(Fold::UNTIL_FULL);
    let mut all = 0;
    for _ in 0..ROUNDS {
        let mut taken = 0;
        while let Some(bytes) = ends.send()? {
            taken += bytes;
        }
        if taken == 0 {
            break;
        }
        all += taken;
        // The kernel moves bytes on by itself for a while.
        ends.epoll_wait(SILENCE)?;
    }
    ends.unfold()?;
    Ok(all)
}

/// P reads one piece after the other, and W looks, without sleeping, whether
/// it may go on.
fn read_until_report(ends: &mut Ends<'_>, measured: &mut Played) -> Result<()> {
    ends.fold(Fold::UNTIL_REPORT);
    let mut reported = false;
    while !reported && ends.has_unread() {
        measured.bytes += ends.recv()?;
        measured.reads += 1;
        reported = ends.epoll_wait(Duration::ZERO)?;
    }
    if !reported {
        reported = ends.epoll_wait(PATIENCE)?;
    }
    measured.waits += 1;
    measured.reports += u64::from(reported);
    ends.unfold()
}
