//! The rows: what was run, and what came of it.

use anyhow::{Context, Result};
use nix::sys::epoll::EpollFlags;

use crate::commands::servers::Server;
use crate::lab::report::{Answered, Outcome, Summary, Trigger};
use crate::server::mode::{Mode, Read, SocketKind};
use crate::trace::totals::Connection;

/// One row: what was run, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// Whether [`Mode::interest`] has EPOLLET.
    pub trigger: Trigger,
    /// As [`Mode::socket`].
    pub socket: SocketKind,
    /// As [`Mode::read`].
    pub read: Read,
    /// The server that is this combination, where one has a command.
    pub server: Option<Server>,
    /// The counts of A when both had sent and neither had hung up.
    pub a: Connection,
    /// Whether B had its answer at that moment.
    pub b: Answered,
    /// The call that the server slept in then, and for whom if for one.
    pub asleep: (&'static str, Option<String>),
    /// What it came to for both clients, in a word.
    pub outcome: Outcome,
}

/// All rows, and what they have in common.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Size of the receive buffer in bytes, the same in all rows.
    pub buffer: u32,
    /// Bytes that A sent, and B.
    pub sent: [usize; 2],
    /// In the order in which they were run.
    pub rows: Vec<Combination>,
}

/// What the command found out.
#[derive(Clone, Debug)]
pub struct Found {
    /// As the table shows it.
    pub matrix: Matrix,
    /// What came back to the clients is what they had sent.
    pub intact: bool,
}

/// The eight: once before drain, level before edge, blocking before
/// nonblocking, but that the two drains on a blocking socket stand together.
pub fn combinations() -> [Mode; 8] {
    use Read::{Drain, Once};
    use SocketKind::{Blocking, Nonblocking};
    let level = EpollFlags::EPOLLIN;
    let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    [
        (Blocking, Once, level),
        (Nonblocking, Once, level),
        (Blocking, Once, edge),
        (Nonblocking, Once, edge),
        (Blocking, Drain, level),
        (Blocking, Drain, edge),
        (Nonblocking, Drain, level),
        (Nonblocking, Drain, edge),
    ]
    .map(|(socket, read, interest)| Mode {
        interest,
        socket,
        read,
    })
}

impl Combination {
    /// What the run of a server with this mode came to.
    pub fn of(mode: &Mode, summary: &Summary) -> Result<Combination> {
        let before = summary.scene.before_hang_up.as_ref();
        let before = before.context("the server ended before its clients had hung up")?;
        let [a, b] = &before.clients[..] else {
            anyhow::bail!("{} clients, where two were to be", before.clients.len());
        };
        let for_one = before.asleep.for_one().map(|fd| fd.name.to_string());
        Ok(Combination {
            trigger: Trigger::of(mode.interest),
            socket: mode.socket,
            read: mode.read,
            server: Server::of(mode),
            a: a.server.clone(),
            b: match (b.unanswered, b.late) {
                (0, false) => Answered::AtOnce,
                (0, true) => Answered::Late,
                _ => Answered::Never,
            },
            asleep: (before.asleep.call, for_one),
            outcome: summary.outcome,
        })
    }
}
