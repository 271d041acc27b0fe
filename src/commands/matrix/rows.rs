//! The rows: what was run, and what came of it.

use anyhow::{Context, Result};
use nix::sys::epoll::EpollFlags;
use serde::{Serialize, Serializer};

use crate::commands::servers::Server;
use crate::lab::report::run::{read_name, socket_name};
use crate::lab::report::scene::Asleep;
use crate::lab::report::{Answered, Outcome, Summary, Trigger};
use crate::server::mode::{Mode, Read, SocketKind};

/// One row: what was run, and what came of it. Serialized it is the
/// `combination` of the JSON contract.
#[derive(Clone, Debug, Serialize)]
pub struct Combination {
    /// As [`Mode::socket`].
    #[serde(serialize_with = "socket_name")]
    pub socket: SocketKind,
    /// As [`Mode::read`].
    #[serde(serialize_with = "read_name")]
    pub read: Read,
    /// Whether [`Mode::interest`] has EPOLLET.
    pub trigger: Trigger,
    /// The counts of A when both had sent and neither had hung up.
    #[serde(flatten)]
    pub a: Counts,
    /// Whether B had its answer at that moment.
    #[serde(rename = "b_answered", serialize_with = "is_answered")]
    pub b: Answered,
    /// What it came to for both clients, in a word.
    #[serde(rename = "result")]
    pub outcome: Outcome,
    /// The server that is this combination, where one has a command.
    #[serde(rename = "command")]
    pub server: Option<Server>,
    /// Where the server slept then.
    #[serde(skip)]
    pub asleep: Asleep,
}

/// What the table says of A: some of the server's counts for it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    pub reports: u64,
    pub recv: u64,
    pub eagain: u64,
    pub unread: u64,
    /// Of `recv`, those that brought bytes, and those that said the end.
    #[serde(skip)]
    pub recv_bytes: u64,
    #[serde(skip)]
    pub recv_end: u64,
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
        Ok(Combination {
            trigger: Trigger::of(mode.interest),
            socket: mode.socket,
            read: mode.read,
            server: Server::of(mode),
            a: Counts {
                reports: a.server.reports,
                recv: a.server.recv,
                eagain: a.server.eagain,
                unread: a.server.unread,
                recv_bytes: a.server.recv_bytes,
                recv_end: a.server.recv_end,
            },
            b: match (b.unanswered, b.late) {
                (0, false) => Answered::AtOnce,
                (0, true) => Answered::Late,
                _ => Answered::Never,
            },
            asleep: before.asleep,
            outcome: summary.outcome,
        })
    }
}

fn is_answered<S: Serializer>(answered: &Answered, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(*answered != Answered::Never)
}
