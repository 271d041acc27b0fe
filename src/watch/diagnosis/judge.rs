//! The judge: a function of what was seen, and of nothing else.

use nix::errno::Errno;

use crate::trace::{Call, Name};
use crate::watch::act::Act;
use crate::watch::diagnosis::seen::{
    Diagnosis, Seen, SeenClient, Verdict, is_cut_off, is_lost, is_no_echo, is_past_the_calls,
    is_queued, is_stranded, is_unread, left_open, starving,
};
use crate::watch::diagnosis::why;
use crate::watch::state::End;

pub(super) const ONE_AT_A_TIME: &str = "01-one-thread-two-clients.md";
pub(super) const EDGE_LOSES: &str = "03-edge-triggered-one-recv.md";
pub(super) const EDGE_HANGS: &str = "04-edge-triggered-recv-in-a-loop.md";
pub(super) const EDGE_RIGHT: &str = "05-edge-triggered-non-blocking.md";
pub(super) const THE_API: &str = "06-the-epoll-api.md";
pub(super) const WRITING: &str = "07-write-readiness.md";
pub(super) const SELECT: &str = "08-select-and-poll.md";
pub(super) const TO_SHIP: &str = "10-a-server-you-could-ship.md";
pub(super) const WATCHED: &str = "12-your-server-watched.md";
pub(super) const TEXTBOOK: &str = "13-the-textbook-tried.md";

/// What was seen, in a word and a sentence.
pub fn judge(seen: &Seen) -> Diagnosis {
    let verdict = verdict(seen);
    let last = seen.last.filter(|_| seen.end.is_some());
    let asleep = seen.sleeper.as_ref().map(|it| it.asleep.call);
    Diagnosis {
        act: seen.act,
        verdict,
        clients: concerned(seen, verdict),
        call: match verdict {
            Verdict::Ok => None,
            Verdict::Busy => seen.wait_call,
            _ => last.map(|last| last.call.name()).or(asleep),
        },
        errno: last.and_then(|last| last.result.err()),
        why: why::why(seen, verdict),
        lesson: lesson(seen, verdict),
    }
}

fn verdict(seen: &Seen) -> Verdict {
    let slow = seen.act == Act::Slow;
    let received = seen.clients.iter().any(|client| client.counts.recv > 0);
    match (seen.end, &seen.sleeper) {
        (Some(_), _) if seen.clients.iter().any(|it| it.reset) => Verdict::DiesOfAReset,
        (Some(_), _) if slow && fell_short(seen) => Verdict::DiesOfASlowReader,
        (Some(End::Killed(..)), _) => Verdict::Crashed,
        (Some(End::Exited(_)), _) => Verdict::Exits,
        _ if seen.uring > 0 && !received => Verdict::NotSeen,
        (None, None) if seen.clients.iter().any(is_past_the_calls) => Verdict::NotSeen,
        (None, None) => Verdict::Busy,
        (None, Some(sleeper)) if sleeper.is_for_one() => {
            let sends = sleeper.whole.is_some_and(|call| call.output().is_some());
            match slow && sends {
                true => Verdict::StuckForASlowReader,
                false if starving(seen).is_empty() && seen.act == Act::Reset => Verdict::Ok,
                false => Verdict::Stuck,
            }
        }
        // All that G has sent need not be read before it reads itself.
        _ if seen.clients.iter().any(|client| client.lazy) => Verdict::Ok,
        _ if seen.clients.iter().any(is_queued) => Verdict::NotAccepted,
        _ if seen.clients.iter().any(is_stranded) => Verdict::Stranded,
        _ if seen.clients.iter().any(is_unread) => Verdict::Unread,
        _ if seen.clients.iter().any(|client| is_cut_off(seen, client)) => Verdict::Unread,
        _ if seen.clients.iter().any(|client| is_lost(seen, client)) => Verdict::Lost,
        _ if seen.clients.iter().any(|client| is_no_echo(seen, client)) => Verdict::NoEcho,
        _ if seen.clients.iter().any(|client| client.left_open) => Verdict::NotClosed,
        _ => Verdict::Ok,
    }
}

/// The end came when the server could not send all that it had.
fn fell_short(seen: &Seen) -> bool {
    let sends = seen.last.is_some_and(|last| last.call.output().is_some());
    sends || seen.clients.iter().any(|client| client.short_sends > 0)
}

fn concerned(seen: &Seen, verdict: Verdict) -> Vec<Name> {
    let those = |is_it: &dyn Fn(&SeenClient) -> bool| {
        let them = seen.clients.iter().filter(|client| is_it(client));
        them.map(|client| client.name).collect()
    };
    match verdict {
        Verdict::Ok | Verdict::Busy | Verdict::NotSeen => Vec::new(),
        Verdict::Stuck | Verdict::StuckForASlowReader => starving(seen),
        Verdict::NotAccepted => those(&is_queued),
        Verdict::Stranded => those(&is_stranded),
        Verdict::Unread => those(&|client| is_unread(client) || is_cut_off(seen, client)),
        Verdict::Lost => those(&|client| is_lost(seen, client)),
        Verdict::NoEcho => those(&|client| is_no_echo(seen, client)),
        Verdict::NotClosed => those(&|client| client.left_open),
        // Everybody who was connected.
        _ => those(&|client| client.accepted),
    }
}

fn lesson(seen: &Seen, verdict: Verdict) -> Option<&'static str> {
    let edge = seen.clients.iter().any(|client| client.edge == Some(true));
    let failure = seen.failure();
    let sending_fails = failure.is_some_and(|(call, _)| call.output().is_some());
    let nothing_yet = failure.is_some_and(|(_, errno)| errno == Errno::EAGAIN);
    let accepting_fails = failure.is_some_and(|(call, _)| call.is_accept()) && !nothing_yet;
    let out = seen.clients.iter().any(|client| client.wants_out);
    Some(match verdict {
        Verdict::Ok => return None,
        Verdict::Exits if nothing_yet => EDGE_RIGHT,
        Verdict::Exits | Verdict::Crashed => TO_SHIP,
        Verdict::Busy if out || sending_fails => WRITING,
        // No fd is left for a client, or one that has hung up keeps its own.
        Verdict::Busy if accepting_fails || seen.clients.iter().any(|it| it.counts.ended) => {
            TO_SHIP
        }
        Verdict::Busy => THE_API,
        Verdict::NotSeen => WATCHED,
        Verdict::Stuck => match seen.sleeper.as_ref().and_then(|it| it.whole) {
            _ if seen.wait_call.is_none() => ONE_AT_A_TIME,
            Some(Call::Send { .. } | Call::Output { .. }) => WRITING,
            _ if edge => EDGE_HANGS,
            _ => ONE_AT_A_TIME,
        },
        Verdict::NotAccepted if seen.listener_edge => EDGE_RIGHT,
        Verdict::NotAccepted => THE_API,
        Verdict::Stranded => EDGE_LOSES,
        Verdict::Unread if seen.clients.iter().any(is_unread) => THE_API,
        Verdict::Unread => TO_SHIP,
        Verdict::Lost => WRITING,
        Verdict::NoEcho => TEXTBOOK,
        Verdict::NotClosed if left_open(seen).all(|client| client.counts.ended) => TO_SHIP,
        Verdict::NotClosed if left_open(seen).any(|client| client.one_shot) => THE_API,
        Verdict::NotClosed if edge => EDGE_HANGS, // et-short-read stands there
        Verdict::NotClosed if matches!(seen.wait_call, Some("select" | "pselect6")) => SELECT,
        Verdict::NotClosed => TO_SHIP,
        Verdict::DiesOfAReset => TO_SHIP,
        Verdict::DiesOfASlowReader | Verdict::StuckForASlowReader => WRITING,
    })
}
