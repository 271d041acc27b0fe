//! A program that has been started, with the lab's clients, from its first call
//! to its end.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::audience;
use crate::lab::report::scene::Action;
use crate::lab::script::Pace;
use crate::trace::{Name, OfCall};
use crate::watch::client::{Client, reachable};
use crate::watch::launch;
use crate::watch::odd;
use crate::watch::printed::Printed;
use crate::watch::processor::Processor;
use crate::watch::rest::{Rest, Settle};
use crate::watch::sleeper::Sleeper;
use crate::watch::state::{End, KEPT, Shared, State};
use crate::watch::tracer::{Target, Tracer};

/// How long a program is given to listen.
const TO_LISTEN: Duration = Duration::from_secs(10);
/// How long one may sleep in a call that is not about to end.
const TO_WAKE: Duration = Duration::from_secs(1);
/// How long its last line is waited for, where what it has started keeps the
/// terminal open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(50);
/// The lab's own clients are A to Y; whoever else comes gets letters behind
/// them.
const STRANGERS: u32 = 25;

/// What is to be started.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// As it was typed.
    pub name: OsString,
    /// Behind the name.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// For messages.
    pub fn told(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

/// What the clients do, and what is expected of the server.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What A and B send, the first first.
    pub messages: Vec<Vec<u8>>,
    /// The answer is what was sent; otherwise any answer will do.
    pub echo: bool,
    /// How long a client that is not answered is watched.
    pub stall: Duration,
    /// Where the server has to listen.
    pub port: Option<u16>,
}

impl Plan {
    /// What the first client of an act sends.
    pub fn first_message(&self) -> &[u8] {
        self.messages.first().map_or(b"ping", Vec::as_slice)
    }

    /// What the last one sends.
    pub fn last_message(&self) -> &[u8] {
        self.messages.last().map_or(b"ping", Vec::as_slice)
    }
}

/// See the module.
pub struct Session<'a> {
    pub(super) processor: &'static Processor,
    pub(super) plan: &'a Plan,
    pub(super) shared: Arc<Shared>,
    pub(super) clients: Vec<Client>,
    pub(super) rest: Rest,
    pub(super) audience: audience::Shared,
    pub(super) pace: Pace<'a>,
    address: SocketAddr,
    tracer: Option<JoinHandle<()>>,
    printed: Printed,
    /// The sleep for one client that has been told of.
    pub(super) told: Option<u64>,
    /// A second thread, or a second process, has made calls too.
    pub(super) shared_work: bool,
}

impl<'a> Session<'a> {
    /// Starts the program, and waits until it listens and rests.
    pub fn launch(
        processor: &'static Processor,
        program: &Program,
        plan: &'a Plan,
        audience: audience::Shared,
        pace: Pace<'a>,
    ) -> Result<Session<'a>> {
        let shared = Arc::new(Shared::new(State::new(plan.port, STRANGERS)));
        let (command, terminal) =
            launch::command(&program.path, &program.name, &program.arguments)?;
        let printed = Printed::on(terminal)?;
        let seen = Arc::clone(&shared);
        let tracer = thread::Builder::new()
            .name("tracer".into())
            .spawn(move || Tracer::run(processor, seen, Target::Launch(command)))
            .of_call("pthread_create")?;
        let mut session = Session {
            processor,
            plan,
            shared,
            clients: Vec::new(),
            rest: Rest::Ended(End::Exited(0)),
            audience,
            pace,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tracer: Some(tracer),
            printed,
            told: None,
            shared_work: false,
        };
        session.wait_for_listener(&program.told())?;
        Ok(session)
    }

    fn wait_for_listener(&mut self, program: &str) -> Result<()> {
        let began = Instant::now();
        let mut asleep_since: Option<(u64, Instant)> = None;
        loop {
            let (listener, end, steps) = {
                let state = self.shared.lock();
                state.still_traced()?;
                (state.listener, state.end, state.steps)
            };
            if let Some(end) = end {
                let printed = self.printed.last_line(LAST_WORDS);
                bail!(odd::ended_early(
                    program,
                    &self.shared.lock(),
                    end,
                    &printed
                ));
            }
            if let Some(listener) = listener {
                self.address = reachable(listener.address);
                self.settle()?;
                if let Some(odd) = odd::several_ports(program, &self.shared.lock()) {
                    bail!(odd);
                }
                if self.shared.lock().end.is_none() {
                    return Ok(());
                }
                continue;
            }
            let asleep = self.settler().asleep_now();
            if asleep.is_none() || asleep_since.is_some_and(|(then, _)| then != steps) {
                asleep_since = None;
            } else if asleep_since.is_none() {
                asleep_since = Some((steps, Instant::now()));
            }
            let hopeless = asleep.as_ref().is_some_and(|sleeper| {
                let for_ever = sleeper.whole.is_some_and(|call| call.input().is_some());
                let long = asleep_since.is_some_and(|(_, since)| since.elapsed() > TO_WAKE);
                long && (for_ever || !self.shared.lock().others.is_empty())
            });
            if hopeless || began.elapsed() > TO_LISTEN {
                let state = self.shared.lock();
                bail!(odd::never_listens(program, &state, asleep.as_ref()));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn settler(&mut self) -> Settle<'_> {
        Settle {
            processor: self.processor,
            shared: &self.shared,
            clients: &mut self.clients,
            wait: PAUSE,
        }
    }

    /// It sleeps, and has not ended.
    pub(super) fn rests(&self) -> bool {
        matches!(self.rest, Rest::Asleep(_))
    }

    pub(super) fn sleeper(&self) -> Option<&Sleeper> {
        match &self.rest {
            Rest::Asleep(sleeper) => Some(sleeper),
            _ => None,
        }
    }

    /// Connects a client.
    pub(super) fn connect(&mut self, index: u32, lazy: bool) -> Result<usize> {
        self.announce(Name::Client(index), Action::Connect, Vec::new())?;
        let place = self.connect_now(index, lazy)?;
        self.settle()?;
        Ok(place)
    }

    /// The same without a word, and without waiting for what comes of it.
    pub(super) fn connect_now(&mut self, index: u32, lazy: bool) -> Result<usize> {
        let name = Name::Client(index);
        let (mut client, socket) = Client::new(name, self.address, lazy).context("socket")?;
        client.acted_at = {
            let mut state = self.shared.lock();
            state.expect_client(index, client.address);
            Some(state.moves)
        };
        client.connect(socket, self.address).context("connect")?;
        self.clients.push(client);
        Ok(self.clients.len() - 1)
    }

    /// Notes that a client is about to act.
    pub(super) fn acts(&mut self, place: usize) -> &mut Client {
        let moves = self.shared.lock().moves;
        let client = &mut self.clients[place];
        client.acted_at = Some(moves);
        client
    }

    /// Ends the program with all that it has started, and waits until nothing
    /// of it is left.
    pub fn end(&mut self) -> Result<()> {
        self.tell_folded()?;
        self.kill();
        Ok(())
    }

    fn kill(&mut self) {
        // First of all the connections, with a reset: no TIME_WAIT keeps the
        // port from the next act.
        self.clients.iter_mut().for_each(Client::reset);
        let began = Instant::now();
        while !self.shared.lock().gone && began.elapsed() < TO_LISTEN {
            let (main, processes) = {
                let state = self.shared.lock();
                // Ended: its number may be another's by now.
                let main = (state.main > 0 && state.end.is_none()).then_some(state.main);
                (main, state.processes())
            };
            for process in processes.into_iter().chain(main) {
                // Gone already: good.
                let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
            thread::sleep(Duration::from_micros(200));
        }
        if let Some(tracer) = self.tracer.take().filter(|_| self.shared.lock().gone) {
            let _ = tracer.join();
        }
    }

    /// More or fewer calls are shown from here to the next step.
    pub(super) fn limit(&mut self, limit: Option<usize>) {
        self.shared.lock().limit = limit.unwrap_or(KEPT);
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}
