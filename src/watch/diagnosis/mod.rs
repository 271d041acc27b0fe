//! What came of an act, in one word and one sentence: computed from what was
//! seen, and from nothing else.

mod why;

use nix::errno::Errno;

use crate::trace::totals::Connection;
use crate::trace::{Call, Name};
use crate::watch::acts::Act;
use crate::watch::events::Asleep;
use crate::watch::state::{End, Last};

/// How things stood when they were judged.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the clients had done.
    pub act: Act,
    /// The answer should have been what was sent.
    pub echo: bool,
    /// A first.
    pub clients: Vec<SeenClient>,
    /// Where the server slept, if it did.
    pub asleep: Option<Asleep>,
    /// It has ended.
    pub end: Option<End>,
    /// It did not come to rest: calls since it last got on, and returns of its
    /// wait call.
    pub restless: Option<(u64, u64)>,
    /// The listener is registered with EPOLLET.
    pub listener_edge: bool,
    /// The call that it waits for any client with.
    pub wait_call: Option<&'static str>,
    /// Calls that set up or entered an io_uring.
    pub uring: u64,
    /// The last call for the listener or a client, or one shortly before it
    /// that has failed.
    pub last: Option<Last>,
}

/// One client at that moment.
#[derive(Clone, Debug)]
pub struct SeenClient {
    /// Its letter.
    pub name: Name,
    /// Bytes that it was told to send.
    pub said: u64,
    /// Bytes that came back.
    pub back: u64,
    /// They are the ones that were sent, as far as they go.
    pub intact: bool,
    /// Its connection has come to an end.
    pub over: bool,
    /// The server has taken it out of the listener's queue.
    pub accepted: bool,
    /// Bytes that nobody has read.
    pub unread: u64,
    /// Registered with EPOLLET, or without; `None`: not with epoll.
    pub edge: Option<bool>,
    /// EPOLLIN is asked for.
    pub watched: bool,
    /// EPOLLOUT is asked for.
    pub wants_out: bool,
    /// O_NONBLOCK is set.
    pub nonblocking: Option<bool>,
    /// It does not read yet.
    pub lazy: bool,
    /// It has reset its connection.
    pub reset: bool,
    /// Sends that took less than they were offered, or none.
    pub short_sends: u64,
    /// What the server's calls for it come to.
    pub counts: Connection,
}

/// The word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of what follows.
    Ok,
    /// The program has called exit(3).
    Exits,
    /// A signal has ended it.
    Crashed,
    /// It does not come to rest.
    Busy,
    /// It works through io_uring, past the calls that are watched.
    NotSeen,
    /// It sleeps in a call for one client, and nobody waits for the others.
    Stuck,
    /// Connections wait in the listener's queue, and it sleeps.
    NotAccepted,
    /// Bytes are unread that nothing will report again.
    Stranded,
    /// Bytes are unread on an fd that is not watched.
    Unread,
    /// Less was sent back than was received.
    Lost,
    /// One client's reset is the end of it.
    DiesOfAReset,
    /// One client that reads late is.
    DiesOfASlowReader,
    /// It sleeps in send until that client reads.
    StuckForASlowReader,
}

impl Verdict {
    /// In the JSON contract, and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "OK",
            Verdict::Exits => "EXITS",
            Verdict::Crashed => "CRASHED",
            Verdict::Busy => "BUSY",
            Verdict::NotSeen => "NOT SEEN",
            Verdict::Stuck => "STUCK",
            Verdict::NotAccepted => "NOT ACCEPTED",
            Verdict::Stranded => "STRANDED",
            Verdict::Unread => "UNREAD",
            Verdict::Lost => "LOST",
            Verdict::DiesOfAReset => "DIES OF A RESET",
            Verdict::DiesOfASlowReader => "DIES OF A SLOW READER",
            Verdict::StuckForASlowReader => "STUCK FOR A SLOW READER",
        }
    }
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Of this one.
    pub act: Act,
    /// The word.
    pub verdict: Verdict,
    /// Who suffers.
    pub clients: Vec<Name>,
    /// The call that it is about.
    pub call: Option<&'static str>,
    /// Why that has failed.
    pub errno: Option<Errno>,
    /// The sentence.
    pub why: String,
    /// The lesson to read, by its file.
    pub lesson: Option<&'static str>,
}

impl Seen {
    /// How often something was called is the kernel's affair, and differs from
    /// run to run: for a client that sends much, or in a loop without an end.
    pub fn varies(&self) -> bool {
        self.act == Act::Slow || self.restless.is_some()
    }
}

impl Diagnosis {
    /// Nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.verdict == Verdict::Ok
    }

    /// It came when this client hung up.
    pub fn after_hang_up(&mut self, name: Name) {
        self.why = format!("when {name} has hung up: {}", self.why);
    }
}

const ONE_AT_A_TIME: &str = "01-one-thread-two-clients.md";
const EDGE_LOSES: &str = "03-edge-triggered-one-recv.md";
const EDGE_HANGS: &str = "04-edge-triggered-recv-in-a-loop.md";
const EDGE_RIGHT: &str = "05-edge-triggered-non-blocking.md";
const THE_API: &str = "06-the-epoll-api.md";
const WRITING: &str = "07-write-readiness.md";
const TO_SHIP: &str = "10-a-server-you-could-ship.md";
const WATCHED: &str = "12-your-server-watched.md";

/// What was seen, in a word and a sentence.
pub fn judge(seen: &Seen) -> Diagnosis {
    let verdict = verdict(seen);
    let last = seen.last.filter(|_| seen.end.is_some());
    let asleep = seen.asleep.as_ref().map(|asleep| asleep.call);
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
    match (seen.end, &seen.asleep) {
        (Some(_), _) if seen.clients.iter().any(|it| it.reset) => Verdict::DiesOfAReset,
        (Some(_), _) if slow && fell_short(seen) => Verdict::DiesOfASlowReader,
        (Some(End::Killed(..)), _) => Verdict::Crashed,
        (Some(End::Exited(_)), _) => Verdict::Exits,
        _ if seen.uring > 0 && !received => Verdict::NotSeen,
        (None, None) => Verdict::Busy,
        (None, Some(asleep)) if asleep.for_one => {
            let sends = asleep.whole.is_some_and(|call| call.output().is_some());
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
        _ if seen.clients.iter().any(|client| is_lost(seen, client)) => Verdict::Lost,
        _ => Verdict::Ok,
    }
}

/// The end came when the server could not send all that it had.
fn fell_short(seen: &Seen) -> bool {
    let sends = seen.last.is_some_and(|last| last.call.output().is_some());
    sends || seen.clients.iter().any(|client| client.short_sends > 0)
}

/// It waits in the listener's queue.
fn is_queued(client: &SeenClient) -> bool {
    !client.accepted && !client.over
}

fn is_stranded(client: &SeenClient) -> bool {
    client.unread > 0 && client.edge == Some(true) && client.watched
}

fn is_unread(client: &SeenClient) -> bool {
    client.unread > 0
}

/// It has been read, and has no answer, or not all of it.
fn is_lost(seen: &Seen, client: &SeenClient) -> bool {
    match seen.echo {
        true => client.counts.echoed < client.counts.received,
        false => client.said > 0 && client.back == 0,
    }
}

/// Clients without an answer other than the one that the server sleeps for.
fn starving(seen: &Seen) -> Vec<Name> {
    let served = seen.asleep.as_ref().and_then(|asleep| asleep.fd);
    let waits = |client: &&SeenClient| {
        let unserved = served.is_none_or(|fd| fd.name != client.name);
        unserved && !client.over && (!client.accepted || client.back < client.said)
    };
    seen.clients
        .iter()
        .filter(waits)
        .map(|it| it.name)
        .collect()
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
        Verdict::Unread => those(&is_unread),
        Verdict::Lost => those(&|client| is_lost(seen, client)),
        // Everybody who was connected.
        _ => those(&|client| client.accepted),
    }
}

fn lesson(seen: &Seen, verdict: Verdict) -> Option<&'static str> {
    let edge = seen.clients.iter().any(|client| client.edge == Some(true));
    let failure = seen.last.and_then(|last| last.result.err());
    let out = seen.clients.iter().any(|client| client.wants_out);
    Some(match verdict {
        Verdict::Ok => return None,
        Verdict::Exits if failure == Some(Errno::EAGAIN) => EDGE_RIGHT,
        Verdict::Exits | Verdict::Crashed => TO_SHIP,
        Verdict::Busy if out => WRITING,
        Verdict::Busy => THE_API,
        Verdict::NotSeen => WATCHED,
        Verdict::Stuck => match seen.asleep.as_ref().and_then(|asleep| asleep.whole) {
            _ if seen.wait_call.is_none() => ONE_AT_A_TIME,
            Some(Call::Send { .. } | Call::Output { .. }) => WRITING,
            _ if edge => EDGE_HANGS,
            _ => ONE_AT_A_TIME,
        },
        Verdict::NotAccepted if seen.listener_edge => EDGE_RIGHT,
        Verdict::NotAccepted => THE_API,
        Verdict::Stranded => EDGE_LOSES,
        Verdict::Unread => THE_API,
        Verdict::Lost => WRITING,
        Verdict::DiesOfAReset => TO_SHIP,
        Verdict::DiesOfASlowReader | Verdict::StuckForASlowReader => WRITING,
    })
}

#[cfg(test)]
mod tests;
