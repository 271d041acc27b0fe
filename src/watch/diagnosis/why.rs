//! The sentence behind the word: what was seen, with the counts that it rests
//! on.

use nix::errno::Errno;

use crate::lab::report::verdict::plural;
use crate::trace::words::failed_text;
use crate::trace::{Call, Name};
use crate::watch::act::Act;
use crate::watch::diagnosis::seen::{
    Seen, SeenClient, Verdict, is_cut_off, is_lost, is_no_echo, is_queued, is_sent_more,
    is_stranded, is_unread, left_open, starving,
};
use crate::watch::diagnosis::well::well;
use crate::watch::odd::{end_text, list};
use crate::watch::state::{End, Last};

/// Why it is this verdict.
pub fn why(seen: &Seen, verdict: Verdict) -> String {
    let asleep = match &seen.sleeper {
        Some(sleeper) => format!("asleep in {}", sleeper.text()),
        None => String::new(),
    };
    match verdict {
        Verdict::Ok => well(seen),
        Verdict::Exits | Verdict::Crashed => ended(seen),
        Verdict::DiesOfAReset | Verdict::DiesOfASlowReader => {
            format!("{}: one client's end is everybody's.", ended_by(seen))
        }
        Verdict::Busy => busy(seen),
        Verdict::NotSeen if seen.uring > 0 => {
            "it works through io_uring: what it does there are no system calls, and nobody sees \
             them from outside."
                .into()
        }
        Verdict::NotSeen => "it answers with calls that are not watched (splice, sendmmsg), and \
                             what it does between them is not seen."
            .into(),
        Verdict::Stuck => stuck(seen, &asleep),
        Verdict::StuckForASlowReader => {
            let who = seen
                .clients
                .first()
                .map_or(Name::Plain, |client| client.name);
            format!("{asleep} until {who} reads; whoever else speaks meanwhile waits.")
        }
        Verdict::NotAccepted => not_accepted(seen, &asleep),
        Verdict::Stranded => {
            let (who, unread) = those(seen, is_stranded);
            format!(
                "{} of {} unread, {asleep}: edge-triggered reports them once.",
                bytes(unread),
                list(&who)
            )
        }
        Verdict::Unread => unread(seen, &asleep),
        Verdict::Lost => lost(seen),
        Verdict::NoEcho => no_echo(seen),
        Verdict::NotClosed => not_closed(seen),
    }
}

fn no_echo(seen: &Seen) -> String {
    let client = seen.clients.iter().find(|client| is_no_echo(seen, client));
    let told = client.map_or(String::new(), |client| {
        let sent = bytes(client.said);
        format!("{} has sent {sent} and got {}", client.name, client.back)
    });
    format!("{told}, which are not the same. For a server that is no echo server: --answer any.")
}

/// These have hung up, and their fds are open.
fn not_closed(seen: &Seen) -> String {
    let names: Vec<Name> = left_open(seen).map(|client| client.name).collect();
    let (who, have, fds) = match names.as_slice() {
        [one] => (one.to_string(), "has", "its fd stays open"),
        _ => (list(&names), "have", "their fds stay open"),
    };
    let asleep = match &seen.sleeper {
        Some(sleeper) => format!(", asleep in {}", sleeper.text()),
        None => String::new(),
    };
    let read = left_open(seen).all(|client| client.counts.ended);
    let one_shot = left_open(seen).any(|client| client.one_shot);
    let edge = left_open(seen).any(|client| client.edge == Some(true));
    let why = match seen.act {
        _ if read => " recv has returned 0: then close is due.",
        _ if one_shot => {
            " No recv has met the end: EPOLLONESHOT reports once, and not again before an \
             EPOLL_CTL_MOD."
        }
        Act::Leave if edge => {
            " No recv has met the end: edge-triggered reports it once, with the last bytes."
        }
        _ => " No recv has met the end.",
    };
    format!("{who} {have} hung up, and {fds}{asleep}.{why}")
}

fn last_text(last: &Last) -> String {
    match last.result {
        Err(errno) => failed_text(&last.call, errno),
        Ok(value) => match last.call.fd() {
            Some(fd) => format!("{}({fd}) = {value}", last.call.name()),
            None => format!("{} = {value}", last.call.name()),
        },
    }
}

fn ended_by(seen: &Seen) -> String {
    let end = seen.end.map_or(String::new(), end_text);
    match seen.last {
        Some(last) => format!("{end} after {}", last_text(&last)),
        None => end,
    }
}

fn ended(seen: &Seen) -> String {
    let by = ended_by(seen);
    match (seen.end, seen.failure().map(|(_, errno)| errno)) {
        (Some(End::Exited(_)), Some(Errno::EAGAIN)) => {
            format!("{by}: nothing to read at the moment is no failure.")
        }
        (Some(End::Exited(_)), Some(Errno::EINTR)) => {
            format!("{by}: a call that a signal has interrupted is to be made again.")
        }
        _ => format!("{by}, while clients were connected."),
    }
}

fn busy(seen: &Seen) -> String {
    let out = seen.clients.iter().find(|client| client.wants_out);
    let (calls, returns) = seen.restless.unwrap_or_default();
    match (seen.wait_call, out) {
        _ if calls == 0 => {
            "it does not sleep, and makes none of the calls that are watched.".into()
        }
        (Some(call), Some(client)) if returns > 0 => format!(
            "{call} returns again and again, and nothing comes of it: EPOLLOUT is asked for {}, \
             and there is room to send.",
            client.name
        ),
        (Some(call), None) if returns > 0 => {
            let ended = seen.clients.iter().find(|client| client.counts.ended);
            let of = ended.map_or(String::new(), |client| {
                format!(
                    " recv has said that {} has hung up, and its fd stays open.",
                    client.name
                )
            });
            // EAGAIN says that there is nothing to do, and is no failure.
            let failure = seen.failure().filter(|(_, errno)| *errno != Errno::EAGAIN);
            let failed = failure.map_or(String::new(), |(call, errno)| {
                format!(" {}.", failed_text(&call, errno))
            });
            format!("{call} returns again and again, and nothing comes of it.{of}{failed}")
        }
        _ => match seen.last {
            Some(last) if seen.repeats => format!(
                "it makes the same call again and again: {}.",
                last_text(&last)
            ),
            _ => "it makes calls again and again, and nothing comes of them.".into(),
        },
    }
}

fn stuck(seen: &Seen, asleep: &str) -> String {
    let starved = starving(seen);
    let of = seen.sleeper.as_ref().and_then(|it| it.asleep.fd);
    let said_all = of.is_some_and(|fd| {
        let client = seen.clients.iter().find(|client| client.name == fd.name);
        client.is_some_and(|client| client.unread == 0 && client.counts.received == client.said)
    });
    let receives = seen
        .sleeper
        .as_ref()
        .and_then(|sleeper| sleeper.whole)
        .is_some_and(|call: Call| call.input().is_some());
    let mut text = match (of, said_all && receives) {
        (Some(fd), true) => format!("{asleep}; {} has no more to say.", fd.name),
        _ => format!("{asleep}."),
    };
    match starved.as_slice() {
        [] => text += " Nobody else can be served.",
        [one] => text += &format!(" {one} starves."),
        _ => text += &format!(" {} starve.", list(&starved)),
    }
    if seen.wait_call.is_none() {
        text += " No wait call: one client at a time.";
    }
    text
}

fn not_accepted(seen: &Seen, asleep: &str) -> String {
    let (who, _) = those(seen, is_queued);
    let (wait, queue) = match who.as_slice() {
        [_] => ("waits", "the listener's queue"),
        _ => ("wait", "the listener's queue"),
    };
    let why = match seen.listener_edge {
        true => ": the listener is edge-triggered, and was not accepted from until EAGAIN",
        false => "",
    };
    format!("{} {wait} in {queue}, {asleep}{why}.", list(&who))
}

fn unread(seen: &Seen, asleep: &str) -> String {
    if !seen.clients.iter().any(is_unread) {
        return cut_off(seen);
    }
    let (who, unread) = those(seen, is_unread);
    let watched = seen.clients.iter().any(|it| is_unread(it) && it.watched);
    let why = match watched {
        true => "",
        false if seen.wait_call.is_some() => ", and nobody waits for that fd",
        false => "",
    };
    format!("{} of {} unread, {asleep}{why}.", bytes(unread), list(&who))
}

fn cut_off(seen: &Seen) -> String {
    let clients = seen.clients.iter().filter(|it| is_cut_off(seen, it));
    let unread = clients.clone().map(|it| it.said - it.counts.received);
    let unread = bytes(unread.sum());
    let told = clients.clone().any(|client| client.counts.reports > 0);
    let who: Vec<Name> = clients.map(|client| client.name).collect();
    let fds = if who.len() == 1 {
        "its fd was"
    } else {
        "their fds were"
    };
    let why = match seen.act {
        Act::Leave if told => {
            " The end is reported while bytes wait: recv returns 0 after the last."
        }
        _ => "",
    };
    format!(
        "{unread} of {} never read: {fds} closed before.{why}",
        list(&who)
    )
}

fn lost(seen: &Seen) -> String {
    let lost: Vec<&SeenClient> = seen.clients.iter().filter(|it| is_lost(seen, it)).collect();
    let who: Vec<Name> = lost.iter().map(|client| client.name).collect();
    let received: u64 = lost.iter().map(|client| client.counts.received).sum();
    let echoed: u64 = lost.iter().map(|client| client.counts.echoed).sum();
    let short = lost.iter().any(|client| client.short_sends > 0);
    let of = list(&who);
    match (echoed, short) {
        _ if !seen.echo => format!("{} of {of} were read, and no answer came.", bytes(received)),
        // How much of it varies with what fits into the buffers.
        _ if seen.act == Act::Slow => format!(
            "not all that was read of {of} was sent back{}.",
            if short {
                ": a send took less than it was given, and the rest was not sent again"
            } else {
                ""
            }
        ),
        (_, true) => format!(
            "{} of {received} read of {of} were not sent back: a send took less than it was \
             given, and the rest was not sent again.",
            bytes(received - echoed)
        ),
        (0, false) => {
            let other = seen.clients.iter().find(|client| is_sent_more(client));
            let hint = other.map_or("no echo server? --answer any".into(), |other| {
                let counts = &other.counts;
                let (name, sent) = (other.name, bytes(counts.echoed));
                format!("{name} was sent {sent}, and had sent {}", counts.received)
            });
            let read = bytes(received);
            format!("{read} of {of} were read, and nothing was sent back ({hint}).")
        }
        (_, false) => format!(
            "{} of {received} read of {of} were not sent back.",
            bytes(received - echoed)
        ),
    }
}

fn those(seen: &Seen, is_it: fn(&SeenClient) -> bool) -> (Vec<Name>, u64) {
    let them = seen.clients.iter().filter(|client| is_it(client));
    let unread = them.clone().map(|client| client.unread).sum();
    (them.map(|client| client.name).collect(), unread)
}

fn bytes(count: u64) -> String {
    plural(count, "byte")
}
