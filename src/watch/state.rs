//! What the tracer and whoever watches have in common, under one lock.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::signal::Signal;

use crate::trace::totals::Totals;
use crate::trace::{Call, Name, Record};
use crate::watch::decode::Entered;
use crate::watch::proc::Interest;

/// More records than this are not kept between two steps of the clients.
pub const KEPT: usize = 60;

/// The lock, and the data behind it.
#[derive(Debug)]
pub struct Shared(Mutex<State>);

impl Shared {
    /// Nothing seen yet.
    pub fn new(state: State) -> Shared {
        Shared(Mutex::new(state))
    }

    /// The state, locked.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread of the watched program.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its process.
    pub process: i32,
    /// Which thread of the program it is, counted from 1.
    pub ordinal: u32,
    /// The call that it has entered and not returned from.
    pub call: Option<Entered>,
}

/// The socket that takes connections in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// A process that has it open.
    pub process: i32,
    /// By this number.
    pub fd: RawFd,
    /// Its inode: workers have the same open file.
    pub inode: u64,
    /// Where it listens.
    pub address: SocketAddr,
    /// Registered with EPOLLET.
    pub edge: bool,
}

/// The server's end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerEnd {
    /// By process and number, where it is open.
    pub open: Option<(i32, RawFd)>,
    /// Of its open file.
    pub inode: u64,
    /// The server has taken it out of the queue.
    pub accepted: bool,
    /// Registered with EPOLLET, or without; `None`: with no epoll instance.
    pub edge: Option<bool>,
    /// Registered with EPOLLONESHOT.
    pub one_shot: bool,
    /// Asked for EPOLLIN at the moment.
    pub watched: bool,
    /// Asked for EPOLLOUT at the moment.
    pub wants_out: bool,
    /// O_NONBLOCK is set.
    pub nonblocking: Option<bool>,
    /// Sends that took less than they were offered, or none.
    pub short_sends: u64,
}

/// How many of the last calls are remembered.
const SHORTLY: usize = 3;

/// How a program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// exit(3) with this status.
    Exited(i32),
    /// By this signal; 0 for one without a name.
    Killed(Option<Signal>, i32),
}

/// A call that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// With its arguments.
    pub call: Call,
    /// Why.
    pub errno: Errno,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// With its arguments.
    pub call: Call,
    /// As it returned.
    pub result: std::result::Result<i32, Errno>,
}

/// A thread is held at the return of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nobody is, nor will be.
    No,
    /// The next one is, whose call has brought something.
    Armed,
    /// This one stands still.
    Held,
    /// It may go on.
    Release,
}

/// What has been seen of a program.
#[derive(Debug)]
pub struct State {
    /// Times are counted from here.
    pub began: Instant,
    /// Calls to be shown, since somebody last took them.
    pub records: VecDeque<Record>,
    /// How many of them since the last step; more than [`KEPT`] are counted
    /// alone.
    pub since_step: usize,
    /// How many may be kept until the next step.
    pub limit: usize,
    /// Calls that were counted and are not to be shown.
    pub folded: u64,
    /// How much is unread varies from run to run: it is not to be shown.
    pub hide_unread: bool,
    /// Alive, by number.
    pub threads: BTreeMap<i32, Thread>,
    /// How many there have been.
    pub started: u32,
    /// Whose the addresses are that connections come from, see
    /// [`State::client_from`].
    pub peers: HashMap<SocketAddr, u32>,
    /// Connections that are nobody's we know get numbers from here on.
    pub next_client: u32,
    /// The server's ends, by client.
    pub ends: BTreeMap<u32, ServerEnd>,
    /// Missing until there is one.
    pub listener: Option<Listener>,
    /// It has to listen on this port, if on a certain one.
    pub wanted: Option<u16>,
    /// Other ports that it listens on, and how else it listens.
    pub others: BTreeSet<String>,
    /// Counts of the calls.
    pub totals: Totals,
    /// Waits in which time was up are no moves; every other entry and return
    /// is.
    pub moves: u64,
    /// Entries and returns, all of them.
    pub steps: u64,
    /// Stops of its threads.
    pub stops: u64,
    /// The process that was started, or named.
    pub main: i32,
    /// How that has ended.
    pub end: Option<End>,
    /// The program that was to be started never was.
    pub executed: bool,
    /// The tracer has nothing left to follow.
    pub gone: bool,
    /// See [`Hold`].
    pub hold: Hold,
    /// Everybody is to be let go.
    pub detach: bool,
    /// Calls of io_uring_enter and io_uring_setup.
    pub uring: u64,
    /// Signals that cannot be delivered any more.
    pub lost_signals: BTreeSet<i32>,
    /// The last calls for the listener or a client, the latest last.
    pub last_calls: VecDeque<Last>,
    /// Calls before it listened that have failed: bind, listen.
    pub setup_failure: Option<Failed>,
    /// Why the tracer has given up.
    pub error: Option<String>,
    /// The call that it waits for any client with, once it has used one.
    pub wait_call: Option<&'static str>,
}

impl State {
    /// Nothing seen yet.
    pub fn new(wanted: Option<u16>, next_client: u32) -> State {
        State {
            began: Instant::now(),
            records: VecDeque::new(),
            since_step: 0,
            limit: KEPT,
            folded: 0,
            hide_unread: false,
            threads: BTreeMap::new(),
            started: 0,
            peers: HashMap::new(),
            next_client,
            ends: BTreeMap::new(),
            listener: None,
            wanted,
            others: BTreeSet::new(),
            totals: Totals::default(),
            moves: 0,
            steps: 0,
            stops: 0,
            main: 0,
            end: None,
            executed: false,
            gone: false,
            hold: Hold::No,
            detach: false,
            uring: 0,
            lost_signals: BTreeSet::new(),
            last_calls: VecDeque::new(),
            setup_failure: None,
            error: None,
            wait_call: None,
        }
    }

    /// The tracer is at work, or has seen the program's end.
    ///
    /// # Errors
    ///
    /// It has failed, and why: whatever the program does, that is not its end.
    pub fn still_traced(&self) -> Result<()> {
        match &self.error {
            Some(error) => bail!(error.clone()),
            None if self.gone && self.end.is_none() => bail!("the tracer has lost the program"),
            None => Ok(()),
        }
    }

    /// Nanoseconds since the start.
    pub fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// A thread that has come up.
    pub fn add_thread(&mut self, thread: i32, process: i32) {
        self.started += 1;
        let ordinal = self.started;
        self.threads.insert(
            thread,
            Thread {
                process,
                ordinal,
                call: None,
            },
        );
    }

    /// A call to be shown, or to be counted where there are too many.
    pub fn show(&mut self, mut record: Record) {
        // What was read and shown is not parted from its echo.
        let echo = self.since_step == self.limit && record.call.output().is_some();
        let last = self.records.back().map(|last| last.call.input().is_some());
        let belongs = self.limit > 0 && echo && last != Some(false);
        if self.since_step >= self.limit && !belongs {
            self.folded += 1;
            return;
        }
        self.since_step += 1;
        if self.hide_unread {
            record.unread = None;
            record
                .events
                .iter_mut()
                .for_each(|event| event.unread = None);
        }
        self.records.push_back(record);
    }

    /// Says whose an address is, before it connects.
    pub fn expect_client(&mut self, index: u32, address: SocketAddr) {
        self.peers.insert(address, index);
    }

    /// Who it is that connects from this address, to a socket with this inode.
    /// An address may be used again, by a connection that is another one.
    pub fn client_from(&mut self, peer: SocketAddr, inode: u64) -> u32 {
        // An IPv6 listener sees IPv4 addresses in ::ffff:0:0/96 (ipv6(7)).
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let known = self.peers.get(&peer).copied().filter(|index| {
            let end = self.ends.get(index);
            end.is_none_or(|end| end.inode == 0 || end.inode == inode)
        });
        known.unwrap_or_else(|| {
            let index = self.next_client;
            self.next_client += 1;
            self.peers.insert(peer, index);
            index
        })
    }

    /// What an interest list says of a connection, or of the listener.
    pub fn note_interest(&mut self, name: Name, entry: Option<Interest>) {
        match (name, &mut self.listener) {
            (Name::Listener, Some(listener)) => {
                listener.edge = entry.is_some_and(|entry| entry.edge());
            }
            (Name::Client(index), _) => {
                let end = self.ends.entry(index).or_default();
                let asks = |flag| entry.is_some_and(|entry| entry.events.contains(flag));
                end.watched = asks(EpollFlags::EPOLLIN);
                end.wants_out = asks(EpollFlags::EPOLLOUT);
                if let Some(entry) = entry {
                    (end.edge, end.one_shot) = (Some(entry.edge()), entry.one_shot());
                }
            }
            _ => {}
        }
    }

    /// Notes a call for the listener or a client.
    pub fn note_last(&mut self, call: Call, result: std::result::Result<i32, Errno>) {
        self.last_calls.push_back(Last { call, result });
        if self.last_calls.len() > SHORTLY {
            self.last_calls.pop_front();
        }
    }

    /// The last call; or one shortly before it that has failed, after which a
    /// program may still have closed the connection.
    pub fn last_call(&self) -> Option<Last> {
        let mut latest = self.last_calls.iter().rev();
        let failed = latest.clone().find(|last| last.result.is_err());
        failed.or_else(|| latest.next()).copied()
    }

    /// The last calls were the same one, and came to the same.
    pub fn repeats(&self) -> bool {
        let first = self.last_calls.front();
        self.last_calls.len() == SHORTLY && self.last_calls.iter().all(|it| Some(it) == first)
    }

    /// The processes that its threads belong to.
    pub fn processes(&self) -> BTreeSet<i32> {
        self.threads.values().map(|thread| thread.process).collect()
    }

    /// The server's end of a client's connection.
    pub fn end_of(&self, name: Name) -> Option<&ServerEnd> {
        match name {
            Name::Client(index) => self.ends.get(&index),
            _ => None,
        }
    }
}
