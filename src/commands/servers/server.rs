//! The commands that run one server.

use serde::Serialize;

use crate::lab::report::EventLoop;
use crate::server::mode::{self, Mode};

/// A server that has a command of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// No multiplexing: the mode [`mode::BLOCKING`].
    Blocking,
    /// Level-triggered, one recv per report: [`mode::LT`].
    Lt,
    /// Edge-triggered, recv in a loop that may sleep: [`mode::ET_BLOCKING`].
    EtBlocking,
    /// Edge-triggered, recv until EAGAIN: [`mode::ET_NONBLOCK`].
    EtNonblock,
}

impl Server {
    /// As its command is typed, and in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Server::Blocking => "blocking",
            Server::Lt => "lt",
            Server::EtBlocking => "et-blocking",
            Server::EtNonblock => "et-nonblock",
        }
    }

    /// Its row of the table.
    pub fn mode(self) -> Mode {
        match self {
            Server::Blocking => mode::BLOCKING,
            Server::Lt => mode::LT,
            Server::EtBlocking => mode::ET_BLOCKING,
            Server::EtNonblock => mode::ET_NONBLOCK,
        }
    }

    /// What it waits with.
    pub fn api(self) -> EventLoop {
        match self {
            Server::Blocking => EventLoop::None,
            Server::Lt | Server::EtBlocking | Server::EtNonblock => EventLoop::Epoll,
        }
    }

    /// How many clients there are if nobody says otherwise.
    pub fn clients(self) -> u16 {
        match self {
            Server::Lt => 1,
            Server::Blocking | Server::EtBlocking | Server::EtNonblock => 2,
        }
    }

    /// The server whose own mode this is.
    pub fn of(mode: &Mode) -> Option<Server> {
        let named = [Server::Lt, Server::EtBlocking, Server::EtNonblock];
        let parts = |mode: &Mode| (mode.interest, mode.socket, mode.read);
        named
            .into_iter()
            .find(|named| parts(&named.mode()) == parts(mode))
    }
}
