//! What is run: with which API, on which kind of socket, and what its command
//! wants said of it.

use nix::sys::epoll::EpollFlags;
use serde::{Serialize, Serializer};

use crate::server::mode::{Read, SocketKind};

/// Which event loop the server has: the API that it waits with, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventLoop {
    /// None: one client at a time.
    #[default]
    None,
    /// select(2): bitmaps of fds, copied in and out at every wait.
    Select,
    /// poll(2): an array of fds, handed over at every wait.
    Poll,
    /// epoll(7): an interest list that stays in the kernel.
    Epoll,
}

impl EventLoop {
    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            EventLoop::None => "none",
            EventLoop::Select => "select",
            EventLoop::Poll => "poll",
            EventLoop::Epoll => "epoll",
        }
    }

    /// The call that waits for any client, if the API has one.
    pub fn wait_call(self) -> Option<&'static str> {
        match self {
            EventLoop::None => None,
            EventLoop::Select => Some("select"),
            EventLoop::Poll => Some("poll"),
            EventLoop::Epoll => Some("epoll_wait"),
        }
    }
}

/// When epoll reports (epoll(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// As long as there is something to read (the default).
    Level,
    /// When something arrives (EPOLLET).
    Edge,
}

impl Trigger {
    /// What an interest asks for.
    pub fn of(interest: EpollFlags) -> Trigger {
        if interest.contains(EpollFlags::EPOLLET) {
            Trigger::Edge
        } else {
            Trigger::Level
        }
    }

    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Trigger::Level => "level",
            Trigger::Edge => "edge",
        }
    }
}

/// What is run. Serialized it is the `run` of the JSON contract.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// As it was typed; several runs may have the same.
    pub command: &'static str,
    /// What its server waits with.
    pub api: EventLoop,
    /// `None` where nothing reports: [`EventLoop::None`]. select and poll are
    /// level-triggered.
    pub trigger: Option<Trigger>,
    /// Whether its recv may sleep.
    #[serde(serialize_with = "socket_name")]
    pub socket: SocketKind,
    /// How much it reads per report.
    #[serde(serialize_with = "read_name")]
    pub read: Read,
    /// Size of the receive buffer, in bytes.
    pub buffer: usize,
    /// How many clients the lab plays; 0: the clients come from outside.
    pub clients: usize,
    /// What its command wants said of it.
    #[serde(skip)]
    pub caption: Caption,
}

/// What a command wants said of one of its runs, beside what was run.
#[derive(Clone, Debug)]
pub struct Caption {
    /// The run's own name: the command, or what the command's runs differ in.
    pub title: &'static str,
    /// The name above it where no call is shown; `None`: nothing stands there,
    /// because one table for several runs has a header of its own.
    pub above: Option<&'static str>,
    /// Say what each wait moves and looks at.
    pub costs: bool,
    /// Its summary is shown as soon as it is told; otherwise the command shows
    /// what its runs came to, unless a Ctrl-C comes first.
    pub summed_up: bool,
    /// What to run now, below such a summary.
    pub next: Option<String>,
    /// The flags that ask for this run, beside the command and those that say
    /// how to show it: ` --buffer 16`.
    pub flags: String,
    /// Both ends of its connections are the program's own: they are in the
    /// trace, and no clients beside it.
    pub ends: bool,
}

impl Caption {
    /// A run that stands for itself.
    pub fn alone(title: &'static str) -> Caption {
        Caption {
            title,
            above: Some(title),
            costs: false,
            summed_up: true,
            next: None,
            flags: String::new(),
            ends: false,
        }
    }

    /// One run of several, which their command shows together.
    pub fn one_of_several(title: &'static str) -> Caption {
        Caption {
            above: None,
            summed_up: false,
            ..Caption::alone(title)
        }
    }
}

/// For serde: the name in the JSON contract.
pub fn socket_name<S: Serializer>(socket: &SocketKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(socket.name())
}

/// The same.
pub fn read_name<S: Serializer>(read: &Read, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(read.name())
}
