//! Follows every thread of a program with ptrace(2), and records the calls
//! that readiness is about.
//!
//! It is one thread: requests have to come from the one that has seized. While
//! it handles a stop, that thread of the program stands still, so what it asks
//! the kernel then is true of that very moment.

mod book;
mod calls;
mod shown;
mod stops;

use std::collections::{HashMap, VecDeque};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{WaitOptions, WaitStatus, wait, waitpid};

use crate::trace::{OfCall, Record, error_text};
use crate::watch::decode::{self, Entered};
use crate::watch::memory::OfThread;
use crate::watch::proc;
use crate::watch::processor::Processor;
use crate::watch::state::{End, Hold, Shared};
use crate::watch::tracer::book::Book;

/// Children that were cloned are waited for as well (wait4(2), `__WALL`).
const WALL: u32 = nix::libc::__WALL as u32;

/// Between two looks at whether something has changed.
const PAUSE: Duration = Duration::from_millis(5);

/// So many calls may wait for whoever shows them.
const QUEUE: usize = 4096;

/// So many calls are kept until something listens.
const BEFORE: usize = 4096;

/// What is to be followed.
#[derive(Debug)]
pub enum Target {
    /// The helper, see [`launch`](crate::watch::launch).
    Launch(Command),
    /// A running process, with its threads and its children.
    Attach(i32),
}

/// What the tracer keeps of a thread.
#[derive(Debug, Default)]
struct Local {
    process: i32,
    in_call: Option<Entered>,
    /// A call that was interrupted: it may go on, or fail with EINTR.
    interrupted: Option<Entered>,
    entered_ns: u64,
    /// With its whole process, by SIGSTOP or its like.
    stopped: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Tracer {
    processor: &'static Processor,
    shared: Arc<Shared>,
    /// The filter stops the calls; without it, every call stops.
    filtered: bool,
    threads: HashMap<i32, Local>,
    book: Book,
    /// The program has taken the helper's place.
    active: bool,
    held: Option<i32>,
    /// What was called before anything listened: whose it was shows later.
    before: VecDeque<(i32, Record)>,
}

impl Tracer {
    /// Follows the target to its end, or until it is let go. Errors stand in
    /// the shared state.
    pub fn run(processor: &'static Processor, shared: Arc<Shared>, target: Target) {
        let mut tracer = Tracer {
            processor,
            shared: Arc::clone(&shared),
            filtered: matches!(target, Target::Launch(_)),
            threads: HashMap::new(),
            book: Book::new(Arc::clone(&shared)),
            active: false,
            held: None,
            before: VecDeque::new(),
        };
        let started = match target {
            Target::Launch(command) => tracer.launch(command),
            Target::Attach(process) => tracer.attach(process),
        };
        let followed = started.and_then(|()| tracer.follow());
        let mut state = shared.lock();
        state.gone = true;
        if let Err(error) = followed {
            state.error = Some(error_text(&error));
        }
    }

    fn options(&self) -> Options {
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACEEXEC;
        match self.filtered {
            // Whatever becomes of us, nothing that we have started stays.
            true => options | Options::PTRACE_O_TRACESECCOMP | Options::PTRACE_O_EXITKILL,
            false => options,
        }
    }

    fn launch(&mut self, mut command: Command) -> Result<()> {
        let child = command.spawn().of_call("execve(/proc/self/exe)")?;
        let pid = child.id() as i32;
        self.shared.lock().main = pid;
        // It stops itself.
        let stopped = waitpid(rustix::process::Pid::from_raw(pid), WaitOptions::UNTRACED);
        match stopped.context("waitpid")? {
            Some((_, status)) if status.stopped() => {}
            _ => bail!("the helper has ended before it could be seized"),
        }
        if let Err(errno) = ptrace::seize(Pid::from_raw(pid), self.options()) {
            // As long as it lives /proc says who traces it.
            let why = forbidden(errno, pid);
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            bail!(why);
        }
        self.add(pid, pid);
        kill(Pid::from_raw(pid), Signal::SIGCONT).context("kill(SIGCONT)")?;
        Ok(())
    }

    fn attach(&mut self, process: i32) -> Result<()> {
        self.shared.lock().main = process;
        self.active = true;
        for process in proc::family(process) {
            self.book.of(process).adopt();
            // Threads may start while we look.
            loop {
                let threads = proc::threads(process);
                let new: Vec<i32> = threads
                    .into_iter()
                    .filter(|thread| !self.threads.contains_key(thread))
                    .collect();
                if new.is_empty() {
                    break;
                }
                for thread in new {
                    self.seize(thread, process)?;
                }
            }
        }
        self.shared.lock().executed = true;
        Ok(())
    }

    fn seize(&mut self, thread: i32, process: i32) -> Result<()> {
        // What it sleeps in, before our stop ends the sleep.
        let look = proc::look(thread);
        match ptrace::seize(Pid::from_raw(thread), self.options()) {
            Ok(()) => {}
            Err(Errno::ESRCH) if thread != process => return Ok(()), // it has ended
            Err(errno) => bail!(forbidden(errno, thread)),
        }
        self.add(thread, process);
        let call = look.and_then(|look| look.call);
        let call = call.and_then(|(number, args)| Some((self.processor.call(number)?, args)));
        let entered = call.and_then(|(sys, args)| {
            let mut names = self.book.of(process);
            let memory = OfThread(thread);
            decode::entry(self.processor, sys, args, &memory, &mut names)
        });
        if let Some(local) = self.threads.get_mut(&thread) {
            local.interrupted = entered.clone();
        }
        if let Some(known) = self.shared.lock().threads.get_mut(&thread) {
            known.call = entered;
        }
        match ptrace::interrupt(Pid::from_raw(thread)) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => bail!("PTRACE_INTERRUPT of {thread}: {errno}"),
        }
    }

    fn add(&mut self, thread: i32, process: i32) {
        let local = Local {
            process,
            ..Local::default()
        };
        self.threads.insert(thread, local);
        self.shared.lock().add_thread(thread, process);
    }

    fn follow(&mut self) -> Result<()> {
        while !self.threads.is_empty() {
            self.wait_for_reader();
            let mut options = WaitOptions::from_bits_retain(WALL);
            if self.threads.values().any(|local| local.stopped) {
                options |= WaitOptions::NOHANG;
            }
            let (pid, status) = match wait(options) {
                Ok(Some(waited)) => waited,
                Ok(None) => {
                    thread::sleep(PAUSE);
                    self.ask_the_stopped();
                    continue;
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::CHILD) => return Ok(()),
                Err(errno) => return Err(errno).context("waitpid"),
            };
            let thread = pid.as_raw_nonzero().get();
            match status.exit_status().is_some() || status.terminating_signal().is_some() {
                true if self.threads.contains_key(&thread) => self.end(thread, status),
                true => self.bell(),
                false => {
                    let stopped = status.stopping_signal().unwrap_or(0);
                    let event = status.as_raw() >> 16;
                    self.shared.lock().stops += 1;
                    match self.stop(thread, stopped, event) {
                        // Killed while it was stopped: its end comes next.
                        Ok(()) | Err(Errno::ESRCH) => {}
                        Err(errno) => bail!("ptrace of {thread}: {errno}"),
                    }
                }
            }
        }
        Ok(())
    }

    /// A trace that nobody reads stops the program: nothing is kept without
    /// bound.
    fn wait_for_reader(&self) {
        let is_full = || {
            let state = self.shared.lock();
            state.records.len() >= QUEUE && !state.detach
        };
        while is_full() {
            thread::sleep(PAUSE);
        }
    }

    fn end(&mut self, thread: i32, status: WaitStatus) {
        self.forget(thread);
        let mut state = self.shared.lock();
        state.moves += 1;
        state.steps += 1;
        if thread == state.main {
            state.end = Some(match (status.exit_status(), status.terminating_signal()) {
                (Some(status), _) => End::Exited(status),
                (None, signal) => {
                    let number = signal.unwrap_or(0);
                    End::Killed(Signal::try_from(number).ok(), number)
                }
            });
        }
    }

    /// Somebody wants something of us.
    fn bell(&mut self) {
        let (hold, detach) = {
            let state = self.shared.lock();
            (state.hold, state.detach)
        };
        if hold == Hold::Release {
            self.shared.lock().hold = Hold::No;
            if let Some(thread) = self.held.take() {
                // Gone: its end is told to us.
                let _ = self.resume(thread, None);
            }
        }
        if detach {
            for thread in self.threads.keys() {
                let _ = ptrace::interrupt(Pid::from_raw(*thread));
            }
        }
    }
}

/// Why a process cannot be traced, and which setting says so (ptrace(2),
/// "Ptrace access mode checking").
fn forbidden(errno: Errno, thread: i32) -> String {
    if errno != Errno::EPERM {
        return format!("ptrace(PTRACE_SEIZE, {thread}): {errno}");
    }
    if let Some(tracer) = proc::tracer_of(thread) {
        let name = proc::command_of(tracer).unwrap_or_default();
        return format!("process {thread} is traced already, by {name} (process {tracer})");
    }
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    match scope.as_deref().map(str::trim) {
        Ok("1") => format!(
            "process {thread} may not be traced: kernel.yama.ptrace_scope is 1, which allows \
             it for programs that are started here (epoll-lab watch -- COMMAND), or to root"
        ),
        Ok(scope @ ("2" | "3")) => format!(
            "process {thread} may not be traced: kernel.yama.ptrace_scope is {scope}, which \
             forbids it{}",
            if scope == "2" { " to all but root" } else { "" }
        ),
        _ => format!(
            "process {thread} may not be traced: it is another user's, or this is a container \
             without the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE)"
        ),
    }
}
