//! Where servers are run one after the other: one screen, one way to end
//! early.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::commands::servers::args::FormatArg;
use crate::lab::Lab;
use crate::lab::interrupt::Interrupt;
use crate::lab::one_cpu::OneCpu;
use crate::lab::report::{Report, Run};
use crate::lab::script::Script;
use crate::lab::witness::LAB_FDS;
use crate::server::Config;
use crate::server::mode::Mode;
use crate::show::{Format, Look, Screen, Trace, json, text};
use crate::sys::journal::{Follow, Shared};
use crate::sys::open_files::Limit;

/// See the module.
#[derive(Debug)]
pub struct Stage {
    look: Look,
    shared: Arc<Shared>,
    screen: Arc<Mutex<Screen>>,
    interrupt: Interrupt,
}

impl Stage {
    /// To be called while the process has no thread but this.
    pub fn new(format: FormatArg, look: Look) -> Result<Stage> {
        let format = match format {
            FormatArg::Text => Format::Text(text::Text::new(look)),
            FormatArg::Json => Format::Json(json::Json::new(look)),
        };
        let shared = Arc::new(Shared::default());
        let screen = Arc::new(Mutex::new(Screen::new(format)));
        let interrupt = Interrupt::summarize(&shared, &screen)?;
        Ok(Stage {
            look,
            shared,
            screen,
            interrupt,
        })
    }

    /// The screen, locked.
    pub fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which server is about to run, and runs it.
    pub fn play(&self, run: Run, mode: Mode, script: Script) -> Result<(Report, Vec<Vec<u8>>)> {
        make_room_for_fds(run.clients)?;
        self.screen().run(&run)?;
        self.perform(run, mode, script)
    }

    /// Runs a server against the lab's own clients: what it came to, and what
    /// came back to each client. It has been announced.
    pub fn perform(&self, run: Run, mode: Mode, script: Script) -> Result<(Report, Vec<Vec<u8>>)> {
        let _held = OneCpu::hold();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut lab = self.start(run, mode, any_port, Follow::Records)?;
        lab.play(script)?;
        Ok((self.report()?, lab.answers()))
    }

    /// Runs a server for clients from outside.
    pub fn listen(
        &self,
        run: Run,
        mode: Mode,
        addr: SocketAddr,
        stall: Duration,
    ) -> Result<Report> {
        let follow = match self.look.trace {
            Trace::Calls => Follow::Records,
            Trace::Summary => Follow::Counts,
        };
        // Clients from outside need no more than the user allows.
        let _ = make_room_for_fds(0);
        self.screen().run(&run)?;
        let mut lab = self.start(run, mode, addr, follow)?;
        lab.say_where_it_listens()?;
        lab.watch_server(stall)?;
        self.report()
    }

    fn start(&self, run: Run, mode: Mode, addr: SocketAddr, follow: Follow) -> Result<Lab> {
        let buffer = run.buffer;
        let config = Config { addr, buffer, mode };
        let (shared, screen) = (Arc::clone(&self.shared), Arc::clone(&self.screen));
        Lab::start(run, config, follow, shared, screen)
    }

    fn report(&self) -> Result<Report> {
        let report = self.shared.lock().report();
        report.context("no server was run")
    }

    /// Ends the thread that waits for signals: what comes next is over soon,
    /// or must be alone in the process.
    pub fn dismiss(self) -> Result<()> {
        self.interrupt.dismiss()
    }
}

/// The lab's own fds stand above [`LAB_FDS`]; raises the soft limit on open
/// files if it is lower than they need. To be called before a run is
/// announced.
pub fn make_room_for_fds(clients: usize) -> Result<()> {
    const SPARE: u64 = 20;
    let needed = LAB_FDS as u64 + clients as u64 + SPARE;
    let limit = Limit::read()?;
    if limit.soft >= needed {
        return Ok(());
    }
    if limit.hard < needed {
        bail!(
            "the limit on open files is {}, with {clients} client(s) {needed} are needed: \
             raise it with `ulimit -n {needed}`",
            limit.hard
        );
    }
    Ok(limit.raised_to(needed).set()?)
}
