//! When the watched program has come to rest: all its threads sleep, all that
//! the clients did has reached it, and all that it sent has reached them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::libc;

use crate::lab::report::scene::{Asleep, WaitsFor};
use crate::lab::tcp_table::Row;
use crate::trace::{Call, Fd, Name};
use crate::watch::client::Client;
use crate::watch::decode::{Entered, fd_set, poll_fds};
use crate::watch::memory::OfThread;
use crate::watch::proc;
use crate::watch::processor::{Processor, Sys};
use crate::watch::sleeper::Sleeper;
use crate::watch::sockets;
use crate::watch::state::{End, Shared};

/// So many looks in a row have to agree.
const LOOKS: u32 = 3;

/// How long a program may be at work without getting on.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// So many calls without getting on are no work but a loop.
const IDLE_CALLS: u64 = 10_000;

/// So many looks come soon after one another, then ever fewer.
const SOON: u32 = 16;
const LATER: u32 = 20;

/// How the program rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Here.
    Asleep(Sleeper),
    /// For ever.
    Ended(End),
    /// It does not: so many calls since it last got on, in how many waits.
    Restless { calls: u64, returns: u64 },
}

/// All threads that sleep: the number of each, and of its call.
type Looked = Vec<(i32, i64)>;

/// Waits for rest.
#[derive(Debug)]
pub struct Settle<'a> {
    pub processor: &'a Processor,
    pub shared: &'a Shared,
    pub clients: &'a mut [Client],
    /// Between two looks while it is at work.
    pub wait: Duration,
}

impl Settle<'_> {
    /// Waits until the program rests, or does not get on any more.
    ///
    /// # Errors
    ///
    /// The tracer has failed: what the program does is not seen any more.
    pub fn settle(&mut self) -> Result<Rest> {
        let mut deadline = Instant::now() + PATIENCE;
        let mut before: Option<(u64, u64, u64)> = None;
        let (mut last, mut agreed) = (None, 0);
        let mut looked_at_work = 0;
        loop {
            let (steps, moves, returns, progress, end) = {
                let state = self.shared.lock();
                state.still_traced()?;
                let connections = state.totals.connections.values();
                let moved: u64 = connections.map(|c| c.received + c.echoed).sum();
                let progress = moved + u64::from(state.totals.accepted);
                let (moves, returns) = (state.moves, state.totals.returns);
                (state.steps, moves, returns, progress, state.end)
            };
            if before.is_none_or(|(then, ..)| then != progress) {
                before = Some((progress, moves, returns));
                deadline = Instant::now() + PATIENCE;
            }
            if let Some(end) = end {
                return Ok(Rest::Ended(end));
            }
            let looked = self.look().map(|looked| (steps, looked));
            let still = looked.is_some() && self.shared.lock().steps == steps;
            if still && looked == last && agreed > 0 {
                agreed += 1;
            } else if still && !self.is_under_way() {
                (last, agreed) = (looked, 1);
            } else {
                (last, agreed) = (None, 0);
                // Whoever is at work needs the processor more than we do.
                looked_at_work += 1;
                thread::sleep(self.wait * (1 + looked_at_work / SOON).min(LATER));
            }
            if agreed >= LOOKS {
                return Ok(Rest::Asleep(self.asleep()));
            }
            let (_, moves_then, returns_then) = before.unwrap_or_default();
            let returns = returns.saturating_sub(returns_then);
            let calls = moves.saturating_sub(moves_then).max(returns);
            if Instant::now() > deadline || calls > IDLE_CALLS {
                return Ok(Rest::Restless { calls, returns });
            }
        }
    }

    /// Where it sleeps, if it does at this moment.
    pub fn asleep_now(&self) -> Option<Sleeper> {
        self.look().map(|_| self.asleep())
    }

    /// The calls that its threads sleep in, if all of them sleep.
    fn look(&self) -> Option<Looked> {
        let threads: Vec<i32> = {
            let state = self.shared.lock();
            // Its terminal is ours, and we are about to read from it.
            let prints =
                |call: &Entered| call.call.output().is_some_and(|fd| fd.name == Name::Plain);
            let mut calls = state.threads.values().filter_map(|it| it.call.as_ref());
            if calls.any(prints) {
                return None;
            }
            state.threads.keys().copied().collect()
        };
        let mut all = Looked::new();
        for thread in threads {
            let look = proc::look(thread)?;
            match (look.state, look.call) {
                ('Z' | 'X', _) => continue,
                // -1: asleep outside of a call, on its way out.
                ('S', Some((-1, _))) => return None,
                ('S', call) => all.push((thread, call.map_or(-2, |(number, _)| number))),
                _ => return None,
            }
        }
        let leaves = |(_, number): &(i32, i64)| {
            let sys = self.processor.call(*number);
            matches!(sys, Some(Sys::Exit | Sys::ExitGroup))
        };
        // All are dead, and the tracer has not been told yet.
        (!all.is_empty() && !all.iter().any(leaves)).then_some(all)
    }

    /// Where it sleeps: of several threads, the one that waits for anybody; or
    /// the one that waits for a client.
    fn asleep(&self) -> Sleeper {
        let state = self.shared.lock();
        let calls: Vec<(i32, Option<&Entered>)> = state
            .threads
            .iter()
            .map(|(thread, it)| (*thread, it.call.as_ref()))
            .collect();
        let called = |wanted: fn(&Call) -> bool| {
            calls
                .iter()
                .find(|(_, call)| call.is_some_and(|call| wanted(&call.call)))
        };
        let anybody = called(|call| call.is_wait() || call.is_accept());
        let client = called(|call| {
            let fd = call.input().or(call.output());
            fd.is_some_and(|fd| matches!(fd.name, Name::Client(_)))
        });
        let known = called(|_| true);
        let (thread, call) = match anybody.or(client).or(known).or(calls.first()) {
            Some((thread, call)) => (*thread, *call),
            None => (state.main, None),
        };
        let (name, syscall) = match call {
            Some(entered) => (entered.call.name(), entered.sys.name()),
            None => {
                let look = proc::look(thread).and_then(|look| look.call);
                let name = look.map_or("another call", |(number, _)| other_name(number));
                (name, name)
            }
        };
        let whole = call.map(|entered| entered.call);
        let asleep = Asleep {
            call: name,
            syscall,
            fd: whole.and_then(|call| call.fd()),
            waits_for: match anybody.is_none() && client.is_some() {
                true => WaitsFor::One,
                false => WaitsFor::Anyone,
            },
            steps: state.steps,
            ready: None,
        };
        Sleeper {
            asleep,
            whole,
            thread,
        }
    }

    /// Something that was done has not come to its effect.
    fn is_under_way(&mut self) -> bool {
        let (moves, main, port) = {
            let state = self.shared.lock();
            let port = state.listener.map_or(0, |it| it.address.port());
            (state.moves, state.main, port)
        };
        if self.clients.is_empty() {
            return false;
        }
        let mut table: Option<Vec<Row>> = None;
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            client.push();
            if !client.lazy {
                client.pump();
            }
            let (end, counts) = {
                let state = self.shared.lock();
                let Name::Client(number) = client.name else {
                    continue;
                };
                let counts = state.totals.connections.get(&number).cloned();
                let end = state.ends.get(&number).copied();
                (end.unwrap_or_default(), counts.unwrap_or_default())
            };
            let table = table.get_or_insert_with(|| sockets::table(main));
            let open = table
                .iter()
                .any(|row| row.inode == end.inode && end.inode != 0);
            if client.acted_at == Some(moves) && (open || !end.accepted) && self.is_awaited(index) {
                return true; // whoever waits for that has not woken
            }
            let client = &mut self.clients[index];
            if client.over() || client.lazy {
                continue;
            }
            if (client.back.len() as u64) < counts.echoed || end.accepted && !open {
                return true; // what was sent to it, or the hang-up, is on its way
            }
            let mut rows = table.iter();
            let row = rows.find(|row| row.local.port() == port && row.remote.port() == client.port);
            if row.is_some_and(|row| {
                row.established() && counts.received + row.unread() < client.sent as u64
            }) {
                return true; // what it sent is on its way
            }
        }
        false
    }

    /// Somebody sleeps whom an act of this client wakes.
    fn is_awaited(&self, index: usize) -> bool {
        let client = &self.clients[index];
        let (calls, end, listener) = {
            let state = self.shared.lock();
            let threads = state.threads.iter();
            let calls: Vec<(i32, i32, Entered)> = threads
                .filter_map(|(thread, it)| Some((*thread, it.process, it.call.clone()?)))
                .collect();
            let end = state.end_of(client.name).copied().unwrap_or_default();
            (calls, end, state.listener)
        };
        let Some(listener) = listener else {
            return false;
        };
        if !end.accepted && (client.hung_up || client.reset || !client.said.is_empty()) {
            return false; // whoever waits for connections was told of this one
        }
        let inode = match end.accepted {
            true => end.inode,
            false => listener.inode,
        };
        calls.iter().any(|(thread, process, entered)| {
            let memory = OfThread(*thread);
            let is_it = |fd: i32| proc::socket_inode(*process, fd) == Some(inode);
            match entered.call {
                call if call.is_accept() => !end.accepted && is_named(call.fd(), Name::Listener),
                call if call.input().is_some() => is_named(call.fd(), client.name),
                Call::EpollWait { epfd, .. } => {
                    let list = proc::interest(*process, epfd.raw);
                    let wakes = |asked: nix::sys::epoll::EpollFlags| {
                        // A failure is reported whatever was asked for, but
                        // not where EPOLLONESHOT has switched all off.
                        let any = nix::sys::epoll::EpollFlags::EPOLLIN;
                        asked.contains(any) || client.reset && !asked.is_empty()
                    };
                    list.iter()
                        .any(|entry| entry.inode == inode && wakes(entry.events))
                }
                Call::Poll { nfds, .. } => poll_fds(&memory, entered.args[0], nfds)
                    .iter()
                    .any(|(fd, asked, _)| !asked.is_empty() && is_it(*fd)),
                Call::Select { nfds, .. } => fd_set(&memory, entered.args[1], nfds)
                    .iter()
                    .any(|fd| is_it(*fd)),
                _ => false,
            }
        })
    }
}

fn is_named(fd: Option<Fd>, name: Name) -> bool {
    fd.is_some_and(|fd| fd.name == name)
}

/// Calls that say nothing about readiness, and that programs sleep in.
pub fn other_name(number: i64) -> &'static str {
    match number {
        libc::SYS_futex => "futex",
        libc::SYS_nanosleep => "nanosleep",
        libc::SYS_clock_nanosleep => "clock_nanosleep",
        libc::SYS_wait4 => "wait4",
        libc::SYS_waitid => "waitid",
        libc::SYS_rt_sigsuspend => "sigsuspend",
        libc::SYS_rt_sigtimedwait => "sigtimedwait",
        libc::SYS_io_uring_enter => "io_uring_enter",
        libc::SYS_connect => "connect",
        libc::SYS_recvfrom => "recv",
        libc::SYS_read => "read",
        libc::SYS_recvmsg => "recvmsg",
        libc::SYS_write => "write",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_pause => "pause",
        _ => "another call",
    }
}
