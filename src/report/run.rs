//! What is run: which command, with which API, on which kind of socket.

use nix::sys::epoll::EpollFlags;

use crate::mode::{self, Mode, Read, SocketKind};

/// Which API the server waits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// None: one client at a time.
    None,
    Select,
    Poll,
    Epoll,
}

impl Api {
    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Api::None => "none",
            Api::Select => "select",
            Api::Poll => "poll",
            Api::Epoll => "epoll",
        }
    }

    /// The call that waits for any client, if the API has one.
    pub fn wait_call(self) -> Option<&'static str> {
        match self {
            Api::None => None,
            Api::Select => Some("select"),
            Api::Poll => Some("poll"),
            Api::Epoll => Some("epoll_wait"),
        }
    }
}

/// When epoll reports (epoll(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Level,
    Edge,
}

impl Trigger {
    /// What an interest asks for.
    pub fn of(interest: EpollFlags) -> Trigger {
        match interest.contains(EpollFlags::EPOLLET) {
            true => Trigger::Edge,
            false => Trigger::Level,
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

/// What was run.
#[derive(Clone, Debug)]
pub struct Run {
    pub command: Subcommand,
    pub api: Api,
    pub trigger: Option<Trigger>,
    pub socket: SocketKind,
    pub read: Read,
    /// Size of the receive buffer, in bytes.
    pub buffer: usize,
    /// How many clients the lab plays; 0: the clients come from outside.
    pub clients: usize,
}

/// The subcommand that a run is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subcommand {
    Blocking,
    Lt,
    EtBlocking,
    EtNonblock,
    /// The same server on three APIs.
    SelectPollCompare,
    /// Every combination of trigger, socket and read.
    Matrix,
    /// The write side.
    WriteEvents,
}

impl Subcommand {
    /// As it is typed, and in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Subcommand::Blocking => "blocking",
            Subcommand::Lt => "lt",
            Subcommand::EtBlocking => "et-blocking",
            Subcommand::EtNonblock => "et-nonblock",
            Subcommand::SelectPollCompare => "select-poll-compare",
            Subcommand::Matrix => "matrix",
            Subcommand::WriteEvents => "write-events",
        }
    }

    /// The mode of a command that runs one server.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Subcommand::Blocking => Some(mode::BLOCKING),
            Subcommand::Lt => Some(mode::LT),
            Subcommand::EtBlocking => Some(mode::ET_BLOCKING),
            Subcommand::EtNonblock => Some(mode::ET_NONBLOCK),
            Subcommand::SelectPollCompare | Subcommand::Matrix | Subcommand::WriteEvents => None,
        }
    }
}

impl Run {
    /// The command; the API where that is what its runs differ in.
    pub fn title(&self) -> &'static str {
        match self.command {
            Subcommand::SelectPollCompare => self.api.name(),
            command => command.name(),
        }
    }
}
