//! Runs one server: starts its thread, takes in what the trace says, and
//! knows when the server has come to rest (`settle`).
//!
//! The lab is the main thread. It is the only one that tells the
//! [`audience`] of a run, and it is the clients too ([`script`]), so what is
//! heard is in the order in which it happened. With `--listen` it only watches
//! ([`listen`]).

pub mod audience;
pub mod board;
pub mod client;
pub mod fds;
pub mod interrupt;
pub mod listen;
pub mod one_cpu;
pub mod report;
pub mod script;
mod settle;
pub mod stage;
pub mod tcp_table;
mod unanswered;
pub mod witness;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::socket::{SockaddrStorage, getsockname};

use crate::lab::audience::{Event, Shared};
use crate::lab::board::Board;
use crate::lab::client::Client;
use crate::lab::report::scene::{Asleep, Blocked, WaitsFor};
use crate::lab::report::{Api, Run};
use crate::lab::settle::Rest;
use crate::lab::tcp_table::{ServerEnd, TcpTable};
use crate::lab::witness::{Look, Sleep, Witness};
use crate::server;
use crate::server::Config;
use crate::sys::Sys;
use crate::sys::journal::{Follow, Journal};
use crate::trace::{Call, Failure, Record, io_error_text};

/// A running server, and what the lab knows of it.
pub struct Lab {
    run: Run,
    /// The server's side of it.
    journal: Arc<Journal>,
    /// The lab's side of it.
    board: Arc<Board>,
    audience: Shared,
    /// Emptied after each look at it; kept for its room.
    records: Vec<Record>,
    witness: Witness,
    table: Option<TcpTable>,
    server: Option<JoinHandle<Result<(), Failure>>>,
    address: SocketAddr,
    clients: Vec<Client>,
    /// The sleep for one client that the audience has heard of.
    told: Option<u64>,
    began: Instant,
}

impl Lab {
    /// Starts the server and waits until it listens.
    pub fn start(
        run: Run,
        config: Config,
        follow: Follow,
        board: Arc<Board>,
        audience: Shared,
    ) -> Result<Lab> {
        let began = Instant::now();
        let journal = Arc::new(Journal::default());
        board.begin(&run, &journal);
        let (tid_sender, tid) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let kept_in = Arc::clone(&journal);
        let api = run.api;
        let server = thread::Builder::new()
            .name("server".into())
            .spawn(move || {
                let _ = tid_sender.send(nix::unistd::gettid().as_raw());
                // The lab's own files first, so that 3 is the listener.
                let _ = gone.recv();
                let mut sys = Sys::new(kept_in, follow, began);
                match api {
                    Api::None => server::blocking::serve(&mut sys, &config),
                    Api::Select => server::select::serve(&mut sys, &config),
                    Api::Poll => server::poll::serve(&mut sys, &config),
                    Api::Epoll => server::epoll::serve(&mut sys, &config),
                }
            })
            .context("cannot start the server thread")?;
        let tid = tid.recv().context("the server thread has died")?;
        board.lock().tid = Some(tid);
        let witness = Witness::open(tid).context("cannot open /proc/self/task/TID/stat")?;
        let table = TcpTable::open(&config.addr).ok();
        let _ = go.send(());
        let mut lab = Lab {
            run,
            journal,
            board,
            audience,
            records: Vec::new(),
            witness,
            table,
            server: Some(server),
            address: config.addr,
            clients: Vec::new(),
            told: None,
            began,
        };
        match lab.settle()? {
            Rest::Asleep(_) => {
                lab.address = lab.listening_on()?;
                lab.board.lock().address = Some(lab.address);
            }
            Rest::Ended => lab.join()?,
        }
        Ok(lab)
    }

    /// The address that the server really has: port 0 has become a number.
    fn listening_on(&self) -> Result<SocketAddr> {
        let listener = self.journal.lock().listener;
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

    /// Tells of the records that have come; if there are none, waits for
    /// `patience` and looks again. How many there were.
    fn take_in(&mut self, patience: Duration) -> Result<usize> {
        let taken = self.tell_records()?;
        if taken > 0 || patience.is_zero() {
            return Ok(taken);
        }
        thread::sleep(patience);
        self.tell_records()
    }

    /// With the audience locked, so that nobody ends the trace between taking
    /// records and telling of them.
    fn tell_records(&mut self) -> Result<usize> {
        let mut audience = self.audience.lock();
        drop(self.journal.take(&mut self.records));
        let taken = self.records.len();
        for record in self.records.drain(..) {
            audience.hear(&Event::Call(&record))?;
        }
        if taken > 0 {
            audience.flush()?;
        }
        Ok(taken)
    }

    /// One look at the server thread. The steps are read first: what happens
    /// after that is noticed by the next look.
    fn look(&self) -> Result<(Look, Option<Asleep>)> {
        let (steps, current) = {
            let state = self.journal.lock();
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

    /// A call for one client that does not return is told once.
    fn tell_sleep(&mut self, asleep: &Asleep) -> Result<()> {
        if asleep.for_one().is_none() || self.told == Some(asleep.steps) {
            return Ok(());
        }
        self.told = Some(asleep.steps);
        let current = self.journal.lock().current;
        if let Some(call) = current {
            self.audience.tell(&Event::DoesNotReturn(&call))?;
        }
        Ok(())
    }

    /// The clients' side of the story, where a Ctrl-C finds it too.
    fn note_sides(&self) {
        let mut notes = self.board.lock();
        for (side, client) in notes.scene.clients.iter_mut().zip(&self.clients) {
            side.sent = client.sent;
            side.came_back = client.came_back();
            side.damaged = client.is_damaged();
        }
    }

    /// What came back to each client, A first.
    pub fn answers(&self) -> Vec<Vec<u8>> {
        self.clients
            .iter()
            .map(|client| client.answer().to_vec())
            .collect()
    }

    /// The server thread has returned.
    fn has_ended(&self) -> bool {
        self.server.as_ref().is_none_or(JoinHandle::is_finished)
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
