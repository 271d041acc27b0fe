//! How things stood when an act was judged, and what is said of it.

use nix::errno::Errno;

use crate::trace::totals::Counts;
use crate::trace::{Call, Name};
use crate::watch::act::Act;
use crate::watch::sleeper::Sleeper;
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
    pub sleeper: Option<Sleeper>,
    /// It has ended.
    pub end: Option<End>,
    /// It did not come to rest: calls since it last got on, and returns of its
    /// wait call.
    pub restless: Option<(u64, u64)>,
    /// The listener is registered with EPOLLET.
    pub listener_edge: bool,
    /// The call that it waits for any client with.
    pub wait_call: Option<&'static str>,
    /// It has started threads or processes.
    pub workers: bool,
    /// Its last calls were the same one, with the same result.
    pub repeats: bool,
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
    /// Registered with EPOLLONESHOT.
    pub one_shot: bool,
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
    /// It has hung up, and the server has not closed its end.
    pub left_open: bool,
    /// Sends that took less than they were offered, or none.
    pub short_sends: u64,
    /// What the server's calls for it come to.
    pub counts: Counts,
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
    /// Something else came back than was sent.
    NoEcho,
    /// A client has hung up, and its fd stays open.
    NotClosed,
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
            Verdict::NoEcho => "NO ECHO",
            Verdict::NotClosed => "NOT CLOSED",
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
    /// The last call, if it has failed.
    pub fn failure(&self) -> Option<(Call, Errno)> {
        let last = self.last?;
        Some((last.call, last.result.err()?))
    }

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

/// It waits in the listener's queue, as one that has reset its connection does.
pub fn is_queued(client: &SeenClient) -> bool {
    !client.accepted && (!client.over || client.reset)
}

/// Bytes have come back from it that none of its calls has sent: it sends with
/// other calls than those that are watched.
pub fn is_past_the_calls(client: &SeenClient) -> bool {
    client.back > 0 && client.counts.echoed == 0
}

pub fn is_stranded(client: &SeenClient) -> bool {
    client.unread > 0 && client.edge == Some(true) && client.watched
}

pub fn is_unread(client: &SeenClient) -> bool {
    client.unread > 0
}

/// The server has closed its fd before it had read all. Where an answer has
/// come that is no echo, that may be as it should.
pub fn is_cut_off(seen: &Seen, client: &SeenClient) -> bool {
    let answered = match seen.echo {
        true => client.back >= client.said,
        false => client.back > 0,
    };
    let lost = is_lost(seen, client) && client.counts.received > 0;
    let over = client.over && !client.reset;
    over && client.counts.received < client.said && !answered && !lost
}

/// It has been read, and has no answer, or not all of it.
pub fn is_lost(seen: &Seen, client: &SeenClient) -> bool {
    match seen.echo {
        true => client.counts.echoed < client.counts.received,
        false => client.said > 0 && client.back == 0,
    }
}

/// It got something else than it had sent.
pub fn is_no_echo(seen: &Seen, client: &SeenClient) -> bool {
    seen.echo && !client.intact
}

/// Those that have hung up and are open at the server.
pub fn left_open(seen: &Seen) -> impl Iterator<Item = &SeenClient> {
    seen.clients.iter().filter(|client| client.left_open)
}

/// The server has sent it more than it has read of it.
pub fn is_sent_more(client: &SeenClient) -> bool {
    client.counts.echoed > client.counts.received
}

/// Each report of it was read from until EAGAIN.
pub fn is_drained(client: &SeenClient) -> bool {
    client.counts.eagain >= client.counts.reports
}

/// Clients without an answer other than the one that the server sleeps for.
pub fn starving(seen: &Seen) -> Vec<Name> {
    let served = seen.sleeper.as_ref().and_then(|it| it.asleep.fd);
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
