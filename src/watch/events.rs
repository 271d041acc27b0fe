//! What is told while a program is watched, and who hears it.

use std::time::Duration;

use nix::errno::Errno;

use crate::trace::{Call, Fd, Name, Record};
use crate::watch::state::End;

/// Whoever shows it.
pub trait Audience {
    /// One thing has happened.
    fn hear(&mut self, event: &Event<'_>) -> anyhow::Result<()>;
}

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A call has returned.
    Returned(&'a Record),
    /// A call in which the server sleeps for one client.
    DoesNotReturn(&'a Call),
    /// A client is about to act: whoever steps through it may wait here.
    Before(&'a Step),
    /// It acts.
    Step(&'a Step),
    /// The server sleeps for one client while another waits.
    Blocked(&'a Blocked),
    /// Bytes unread although the server sleeps where a report would wake it.
    Stranded(&'a [(Name, u64)], &'a Asleep),
    /// So many calls are not shown; `None` where the number varies.
    Folded(Option<u64>),
    /// What the lab itself does, in a line.
    Lab(&'a str),
    /// Nothing more has happened for a moment: what was held back because a
    /// following call might join it goes out.
    Quiet,
    /// The program has come to its end.
    Ended(End),
}

/// Where the server sleeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// By its man page: `recv`.
    pub call: &'static str,
    /// As strace and /proc have it: `recvfrom`.
    pub syscall: &'static str,
    /// The fd of the call, where it has one.
    pub fd: Option<Fd>,
    /// Only the client that the fd belongs to can end it, and no other thread
    /// waits for anybody.
    pub for_one: bool,
    /// The whole call, where it is one that is watched.
    pub whole: Option<Call>,
    /// The thread.
    pub thread: i32,
    /// Entries and returns so far; the same number is the same sleep.
    pub steps: u64,
}

impl Asleep {
    /// `recv(5<A>)`, `epoll_wait`.
    pub fn text(&self) -> String {
        match self.fd.filter(|_| self.for_one) {
            Some(fd) => format!("{}({fd})", self.call),
            None => self.call.to_string(),
        }
    }
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// connect(2).
    Connect,
    /// write(2).
    Send,
    /// It takes note of what has come back.
    Recv,
    /// shutdown(2) with SHUT_WR.
    Shutdown,
    /// close(2), with a reset.
    Reset,
}

/// One step of one client.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whose it is.
    pub client: Name,
    /// What it does.
    pub action: Action,
    /// What it sends, or has received.
    pub data: Vec<u8>,
    /// Where the server slept at that moment.
    pub asleep: Option<Asleep>,
    /// Why its connection has failed, if it has.
    pub failed: Option<Errno>,
    /// Nanoseconds from the start.
    pub at_ns: u64,
}

/// The server asleep for one client while another one waits.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// Where.
    pub asleep: Asleep,
    /// As /proc has it: `S`.
    pub thread_state: char,
    /// Who waits meanwhile.
    pub client: Name,
    /// Bytes it has sent.
    pub sent: u64,
    /// Bytes that came back.
    pub back: u64,
    /// Bytes that the kernel holds for it.
    pub unread: u64,
    /// The wait call that the server does not come to, if it has one.
    pub wait_call: Option<&'static str>,
    /// How often it returned while the lab watched.
    pub wait_returns: u64,
    /// How long that was to be.
    pub stall: Duration,
}
