//! Runs one server: starts its thread, takes in what the trace says, and
//! knows when the server has come to rest.
//!
//! The lab is the main thread. It is the only one that prints, and it is the
//! clients too ([`script`]), so what stands on the screen is in the order in
//! which it happened. With `--listen` it only watches ([`listen`]).

pub mod listen;
pub mod script;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::socket::{SockaddrStorage, getsockname};

use crate::client::Client;
use crate::render::Screen;
use crate::report::{Api, Run};
use crate::scene::{Asleep, Blocked, WaitsFor};
use crate::server::{self, Config};
use crate::shared::{Follow, Shared, State};
use crate::sys::Sys;
use crate::tcp_table::{ServerEnd, TcpTable};
use crate::totals::Connection;
use crate::trace::{Call, Failure, Name, Record, io_error_text};
use crate::witness::{Look, Sleep, Witness};

/// How long a server may take to come to rest.
const SETTLE: Duration = Duration::from_secs(10);

/// Looks in a row that must agree before the server counts as asleep.
const LOOKS: u32 = 3;

/// What a server thread is doing once nothing moves any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Asleep, in the wait call or in a call for one client.
    Asleep(Asleep),
    /// It has ended.
    Ended,
}

/// A running server, and what the lab knows of it.
pub struct Lab {
    pub run: Run,
    pub shared: Arc<Shared>,
    screen: Arc<Mutex<Screen>>,
    /// Emptied after each look at it; kept for its room.
    records: Vec<Record>,
    witness: Witness,
    table: Option<TcpTable>,
    server: Option<JoinHandle<Result<(), Failure>>>,
    address: SocketAddr,
    clients: Vec<Client>,
    /// The sleep for one client that the screen shows already.
    shown: Option<u64>,
    began: Instant,
}

impl Lab {
    /// Starts the server and waits until it listens.
    pub fn start(
        run: Run,
        config: Config,
        follow: Follow,
        shared: Arc<Shared>,
        screen: Arc<Mutex<Screen>>,
    ) -> Result<Lab> {
        let began = Instant::now();
        *shared.lock() = State::of(&run);
        let (tid_sender, tid) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let seen = Arc::clone(&shared);
        let api = run.api;
        let server = thread::Builder::new()
            .name("server".into())
            .spawn(move || {
                let _ = tid_sender.send(nix::unistd::gettid().as_raw());
                // The lab's own files first, so that 3 is the listener.
                let _ = gone.recv();
                let mut sys = Sys::new(seen, follow, began);
                match api {
                    Api::None => server::blocking::serve(&mut sys, &config),
                    Api::Select => server::select::serve(&mut sys, &config),
                    Api::Poll => server::poll::serve(&mut sys, &config),
                    Api::Epoll => server::epoll::serve(&mut sys, &config),
                }
            })
            .context("cannot start the server thread")?;
        let tid = tid.recv().context("the server thread has died")?;
        shared.lock().tid = Some(tid);
        let witness = Witness::open(tid).context("cannot open /proc/self/task/TID/stat")?;
        let table = TcpTable::open(&config.addr).ok();
        let _ = go.send(());
        let mut lab = Lab {
            run,
            shared,
            screen,
            records: Vec::new(),
            witness,
            table,
            server: Some(server),
            address: config.addr,
            clients: Vec::new(),
            shown: None,
            began,
        };
        match lab.settle()? {
            Rest::Asleep(_) => {
                lab.address = lab.listening_on()?;
                lab.shared.lock().address = Some(lab.address);
            }
            Rest::Ended => lab.join()?,
        }
        Ok(lab)
    }

    /// The address that the server really has: port 0 has become a number.
    fn listening_on(&self) -> Result<SocketAddr> {
        let listener = self.shared.lock().listener;
        let listener = listener.context("the server sleeps and does not listen")?;
        let address: SockaddrStorage =
            getsockname(listener).map_err(|e| anyhow!("getsockname: {e}"))?;
        let v4 = address
            .as_sockaddr_in()
            .map(|a| (IpAddr::from(a.ip()), a.port()));
        let v6 = address
            .as_sockaddr_in6()
            .map(|a| (IpAddr::from(a.ip()), a.port()));
        let address = v4.or(v6).context("the listener has no address")?;
        Ok(SocketAddr::from(address))
    }

    /// The screen, locked.
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing moves: everything sent has arrived, on both sides,
    /// and the kernel says [`LOOKS`] times in a row that the server sleeps in
    /// the same call. Shows the records that come meanwhile.
    fn settle(&mut self) -> Result<Rest> {
        let (mut progress, mut deadline) = (self.progress(), Instant::now() + SETTLE);
        let mut last = None;
        let mut agreed = 0;
        loop {
            self.take_in(Duration::ZERO)?;
            if self.progress() > progress {
                (progress, deadline) = (self.progress(), Instant::now() + SETTLE);
            }
            if self.has_ended() {
                self.take_in(Duration::ZERO)?;
                return Ok(Rest::Ended);
            }
            let looked = self.look();
            if self.has_ended() {
                continue; // and /proc knows it no more
            }
            let (look, asleep) = looked?;
            // What has arrived stays so while the server does nothing.
            let missing = match &asleep {
                Some(asleep) if last != Some(*asleep) => self.missing(asleep)?,
                _ => None,
            };
            match asleep {
                Some(asleep) if missing.is_none() => {
                    agreed = if last == Some(asleep) { agreed + 1 } else { 1 };
                    last = Some(asleep);
                    if agreed == LOOKS {
                        self.take_in(Duration::ZERO)?;
                        self.show_sleep(&asleep)?;
                        return Ok(Rest::Asleep(asleep));
                    }
                    thread::yield_now();
                }
                _ => {
                    (last, agreed) = (None, 0);
                    self.take_in(Duration::from_micros(100))?;
                }
            }
            if Instant::now() > deadline {
                let current = self.shared.lock().current;
                let call = current.map_or("no call", |call| call.name());
                let (seconds, state) = (SETTLE.as_secs(), look.state);
                match missing {
                    Some(missing) => bail!("{missing} within {seconds} s; the server is in {call}"),
                    None => bail!(
                        "the server did not come to rest within {seconds} s: thread state {state}, \
                         in {call}"
                    ),
                }
            }
        }
    }

    /// What the script has come to so far: grows while the server gets on, and
    /// not while it only tries the same again.
    fn progress(&self) -> u64 {
        let state = self.shared.lock();
        let connections = state.totals.connections.values();
        let each = connections.map(|c| c.received + c.echoed + u64::from(c.closed));
        u64::from(state.totals.accepted) + each.sum::<u64>()
    }

    /// The server thread has returned.
    fn has_ended(&self) -> bool {
        self.server.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// One look at the server thread. The steps are read first: what happens
    /// after that is noticed by the next look.
    fn look(&self) -> Result<(Look, Option<Asleep>)> {
        let (steps, current) = {
            let state = self.shared.lock();
            (state.steps, state.current)
        };
        let look = self
            .witness
            .look(current)
            .context("cannot read /proc/self/task/TID")?;
        let fd = current.and_then(|call: Call| call.fd());
        let asleep = match look.sleep {
            Some(Sleep::ForAnyone { call, syscall }) => Some(Asleep {
                call,
                syscall,
                fd,
                waits_for: WaitsFor::Anyone,
                steps,
            }),
            // The number is the kernel's, the name our own: they must agree.
            Some(Sleep::ForOne {
                call,
                syscall,
                fd: raw,
            }) if fd.is_some_and(|fd| fd.raw == raw) => Some(Asleep {
                call,
                syscall,
                fd,
                waits_for: WaitsFor::One,
                steps,
            }),
            _ => None,
        };
        Ok((look, asleep))
    }

    /// Shows the records that have come; if there are none, waits for
    /// `patience` and looks again. How many there were.
    fn take_in(&mut self, patience: Duration) -> Result<usize> {
        let taken = self.show_records()?;
        if taken > 0 || patience.is_zero() {
            return Ok(taken);
        }
        thread::sleep(patience);
        self.show_records()
    }

    fn show_records(&mut self) -> Result<usize> {
        let screen = Arc::clone(&self.screen);
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(screen.take_records(&self.shared, &mut self.records)?)
    }

    /// What has not yet reached the server of all that the clients did, or the
    /// clients of all that the server sent; `None`: everything has arrived.
    fn missing(&mut self, asleep: &Asleep) -> Result<Option<String>> {
        let state = self.shared.lock();
        let mut ends: Option<Vec<(u16, ServerEnd)>> = None;
        for (index, client) in self.clients.iter_mut().enumerate() {
            let name = Name::Client(index as u32);
            if client.port == 0 {
                continue; // it has not connected yet
            }
            let none = Connection::default();
            let connection = match state.totals.connections.get(&(index as u32)) {
                Some(connection) => connection,
                // Whoever waits for anyone is about to accept it.
                None if asleep.for_one().is_none() => {
                    return Ok(Some(format!("{name} was not accepted")));
                }
                None => &none,
            };
            let read = |e| failed("read", e);
            if client.came_back() < connection.echoed || connection.closed {
                client.pump().map_err(read)?;
            }
            if client.end.is_some() {
                continue;
            }
            if client.came_back() < connection.echoed || connection.closed {
                let (back, sent) = (client.came_back(), connection.echoed);
                return Ok(Some(match back < sent {
                    true => format!("only {back} of {sent} bytes that were sent to {name} arrived"),
                    false => format!("{name} was not told that its connection is closed"),
                }));
            }
            client.push().map_err(|e| failed("write", e))?;
            // Bytes in the queue are not enough: the wake-up comes after them.
            // Whoever sleeps for this client has to have moved since it acted.
            let sleeps_for_it = match asleep.for_one() {
                Some(fd) => fd.name == name,
                None => true,
            };
            if sleeps_for_it && client.acted_at == Some(asleep.steps) {
                return Ok(Some(format!("what {name} did did not wake the server")));
            }
            let accounted = connection.received + connection.unread;
            if accounted >= client.sent && !client.hung_up {
                continue;
            }
            // The trace does not account for all: the kernel's table does.
            let Some(table) = &self.table else { continue };
            if ends.is_none() {
                let read = table.server_ends(self.address.port());
                ends = Some(read.map_err(|e| failed("read /proc/self/net/tcp", e))?);
            }
            let mut ends = ends.iter().flatten();
            if let Some((_, end)) = ends.find(|(port, _)| *port == client.port)
                && (connection.received + end.unread < client.sent || client.hung_up && !end.fin)
            {
                return Ok(Some(format!("what {name} sent did not reach the server")));
            }
        }
        Ok(None)
    }

    /// The server's ends of its connections; none where the kernel has no
    /// such table.
    fn server_ends(&self) -> Vec<(u16, ServerEnd)> {
        let ends = self
            .table
            .as_ref()
            .map(|table| table.server_ends(self.address.port()));
        ends.and_then(io::Result::ok).unwrap_or_default()
    }

    /// What the kernel says of a server that sleeps for one client.
    fn evidence(&self, asleep: &Asleep) -> Result<Blocked> {
        let (look, _) = self.look()?;
        Ok(Blocked {
            call: asleep.call,
            syscall: asleep.syscall,
            fd: asleep.for_one(),
            thread_state: look.state,
            waiting: Vec::new(),
            wchan: self.witness.wchan(),
            wait_call: self.run.api.wait_call(),
            wait_returns: 0,
            waited: Duration::ZERO,
        })
    }

    /// A call for one client that does not return is shown once.
    fn show_sleep(&mut self, asleep: &Asleep) -> Result<()> {
        if asleep.for_one().is_none() || self.shown == Some(asleep.steps) {
            return Ok(());
        }
        self.shown = Some(asleep.steps);
        let current = self.shared.lock().current;
        let mut screen = self.screen();
        if let Some(call) = current {
            screen.does_not_return(&call)?;
        }
        screen.flush()?;
        Ok(())
    }

    /// What came back to each client, A first.
    pub fn answers(&self) -> Vec<Vec<u8>> {
        self.clients
            .iter()
            .map(|client| client.answer().to_vec())
            .collect()
    }

    /// The result of the server thread, which has ended.
    fn join(&mut self) -> Result<()> {
        match self.server.take().map(JoinHandle::join) {
            Some(Ok(result)) => Ok(result?),
            Some(Err(_)) => bail!("the server thread has panicked"),
            None => Ok(()),
        }
    }
}

/// An io error of the lab's own, with the call that it came from.
fn failed(call: &str, error: io::Error) -> anyhow::Error {
    anyhow!("{call}: {}", io_error_text(&error))
}
