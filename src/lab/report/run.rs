//! What is run: which command, with which API, on which kind of socket.

use nix::sys::epoll::EpollFlags;

use crate::server::mode;

use crate::server::mode::Mode;

use crate::server::mode::Read;

use crate::server::mode::SocketKind;

/// Which API the server waits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// None: one client at a time.
    None,
    /// select(2): bitmaps of fds, copied in and out at every wait.
    Select,
    /// poll(2): an array of fds, handed over at every wait.
    Poll,
    /// epoll(7): an interest list that stays in the kernel.
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
    /// As long as there is something to read (the default).
    Level,
    /// When something arrives (EPOLLET).
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
    /// As it was typed; several runs may have the same.
    pub command: Subcommand,
    /// What its server waits with.
    pub api: Api,
    /// `None` where nothing reports: [`Api::None`]. select and poll are
    /// level-triggered.
    pub trigger: Option<Trigger>,
    /// Whether its recv may sleep.
    pub socket: SocketKind,
    /// How much it reads per report.
    pub read: Read,
    /// Size of the receive buffer, in bytes.
    pub buffer: usize,
    /// How many clients the lab plays; 0: the clients come from outside.
    pub clients: usize,
    /// The flags that ask for this run, beside the command and those that say
    /// how to show it: ` --buffer 16`.
    pub flags: String,
}

/// The subcommand that a run is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subcommand {
    /// No multiplexing: the mode [`mode::BLOCKING`].
    Blocking,
    /// Level-triggered, one recv per report: [`mode::LT`].
    Lt,
    /// Edge-triggered, recv in a loop that may sleep: [`mode::ET_BLOCKING`].
    EtBlocking,
    /// Edge-triggered, recv until EAGAIN: [`mode::ET_NONBLOCK`].
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
