//! What the lab has seen from outside the server: its clients, and the
//! moments in which the server slept where it should not have.

use std::fmt;
use std::time::Duration;

use nix::errno::Errno;

use crate::trace::escape::quote;
use crate::trace::totals::Counts;
use crate::trace::{Fd, Name, errno_name};

/// The call in which the server sleeps, or before which it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// By its man page: `recv`.
    pub call: &'static str,
    /// As strace names it: `recvfrom`.
    pub syscall: &'static str,
    /// The fd of the call, where it has one.
    pub fd: Option<Fd>,
    /// Whether only one client can end it.
    pub waits_for: WaitsFor,
    /// The server's entries and returns so far; the same number is the same
    /// sleep.
    pub steps: u64,
    /// Whether its epoll fd was readable, which it is as long as anything is
    /// ready (epoll(7)). `None`: it has no epoll, or nobody has asked.
    pub ready: Option<bool>,
}

/// Who can end a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Any client.
    Anyone,
    /// The one client whose fd the call names.
    One,
    /// The lab, which holds the server before this call, as if it were busy.
    Lab,
}

impl Asleep {
    /// The fd of the one client that the server sleeps for.
    pub fn for_one(&self) -> Option<Fd> {
        self.fd.filter(|_| self.waits_for == WaitsFor::One)
    }

    /// The lab holds it: it has not made this call yet.
    pub fn is_held(&self) -> bool {
        self.waits_for == WaitsFor::Lab
    }

    /// The call, and the one client that it is for, if it is for one.
    pub fn whom(&self) -> (&'static str, Option<Name>) {
        (self.call, self.for_one().map(|fd| fd.name))
    }
}

/// What a client does in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// connect(2), of a socket that is blocking for this call alone.
    Connect,
    /// write(2), as much as the kernel takes; the rest follows.
    Send,
    /// It takes note of what has come back.
    Recv,
    /// It says that it will send no more: shutdown(2) with SHUT_WR.
    Shutdown,
    /// close(2). With bytes unread the kernel resets the connection (RFC 1122,
    /// 4.2.2.13).
    Close,
    /// It closes at once, with a reset instead of a goodbye.
    Reset,
}

/// One step of one client.
#[derive(Clone, Debug)]
pub struct Step {
    /// Whose step it is.
    pub client: Name,
    /// What it does.
    pub action: Action,
    /// What it sends, or has received.
    pub data: Vec<u8>,
    /// Where the server slept at that moment, or was held.
    pub asleep: Option<Asleep>,
    /// The errno with which the connection has failed, if it has.
    pub failed: Option<Errno>,
    /// Nanoseconds from the start of the run.
    pub at_ns: u64,
}

/// Columns for a message in a client's step.
const MESSAGE_WIDTH: usize = 30;

impl fmt::Display for Step {
    /// What the client does: `A sends "HELLOworld123"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.client;
        let message = || {
            if self.data.is_empty() {
                "nothing".to_string()
            } else {
                quote(&self.data, MESSAGE_WIDTH)
            }
        };
        match self.action {
            Action::Connect => write!(f, "{name} connects"),
            Action::Send => write!(f, "{name} sends {}", message()),
            Action::Recv => write!(f, "{name} receives {}", message()),
            Action::Shutdown => write!(f, "{name} hangs up"),
            Action::Close => write!(f, "{name} closes"),
            Action::Reset => write!(f, "{name} resets the connection"),
        }?;
        match self.failed {
            Some(errno) => write!(f, ": {}", errno_name(errno)),
            None => Ok(()),
        }
    }
}

/// The server asleep for one client while others wait.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// By its man page: `recv`.
    pub call: &'static str,
    /// As /proc and strace have it: `recvfrom`.
    pub syscall: &'static str,
    /// Whom it sleeps for.
    pub fd: Option<Fd>,
    /// As /proc has it: `S`.
    pub thread_state: char,
    /// Clients that have sent something and are not served.
    pub waiting: Vec<Waiting>,
    /// The kernel function that the thread waits in, where /proc tells.
    pub wchan: Option<String>,
    /// The wait call that the server does not come to; `None` if it has none.
    pub wait_call: Option<&'static str>,
    /// How often the wait call returned while the lab watched.
    pub wait_returns: u64,
    /// How long the lab watched.
    pub waited: Duration,
}

/// A client that waits meanwhile.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// [`Name::Plain`]: not accepted yet.
    pub client: Name,
    /// Bytes it has sent; `None` where the client is not the lab's.
    pub sent: Option<u64>,
    /// Bytes that came back.
    pub echoed: u64,
    /// Bytes that the kernel holds for a recv that does not come.
    pub unread: Option<u64>,
}

/// What a client's side of the story is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSide {
    /// Messages sent.
    pub messages: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes that came back.
    pub came_back: u64,
    /// A byte that came back was not the one that was sent.
    pub damaged: bool,
    /// At least once the server went back to sleep before it had answered.
    pub late: bool,
    /// Bytes that had not come back when nobody had hung up yet.
    pub unanswered: u64,
    /// Bytes unread while the server slept, before this client hung up.
    pub stranded: u64,
}

/// The server asleep in a call for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// `recv` or `send`.
    pub call: &'static str,
    /// Whom it slept for.
    pub fd: Fd,
    /// Clients whose bytes nobody asked for meanwhile.
    pub starved: Vec<Name>,
    /// Bytes that the one client had sent by then.
    pub sent: u64,
}

/// How things stood when all had sent and nobody had hung up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeforeHangUp {
    /// Where the server slept.
    pub asleep: Asleep,
    /// Returns of the wait call that reported a client.
    pub returns: u64,
    /// By client, A first.
    pub clients: Vec<Eve>,
}

/// One client at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eve {
    /// The server's counts; a `recv` that has not returned is one of them.
    pub server: Counts,
    /// The server slept in `recv` for this client.
    pub in_recv: bool,
    /// Bytes that had come back.
    pub came_back: u64,
    /// Bytes sent that had not come back.
    pub unanswered: u64,
    /// See [`ClientSide::late`].
    pub late: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// By client, A first; empty where the clients are not the lab's own.
    pub clients: Vec<ClientSide>,
    /// With clients from outside: bytes unread at the end, while the server
    /// slept where any report would wake it.
    pub stranded_outside: u64,
    /// The first time that the server was stuck.
    pub stuck: Option<Stuck>,
    /// Missing as long as not all have sent.
    pub before_hang_up: Option<BeforeHangUp>,
}
