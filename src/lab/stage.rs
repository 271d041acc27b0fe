//! Where servers are run one after the other: one audience, one way to end
//! early.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::lab::audience::{Event, Shared};
use crate::lab::board::Board;
use crate::lab::interrupt::Interrupt;
use crate::lab::one_cpu::OneCpu;
use crate::lab::report::{Run, Summary};
use crate::lab::running::Lab;
use crate::lab::script::{Pace, Script};
use crate::lab::witness::LAB_FDS;
use crate::server::Config;
use crate::server::mode::Mode;
use crate::sys::journal::Follow;
use crate::sys::open_files::Limit;

/// See the module.
#[derive(Debug)]
pub struct Stage {
    board: Arc<Board>,
    audience: Shared,
    interrupt: Interrupt,
}

impl Stage {
    /// To be called while the process has no thread but this.
    pub fn new(audience: Shared) -> Result<Stage> {
        let board = Arc::new(Board::default());
        let interrupt = Interrupt::summarize(&board, &audience)?;
        Ok(Stage {
            board,
            audience,
            interrupt,
        })
    }

    /// Tells what is about to be run, if there is room for its fds.
    pub fn announce(&self, run: &Run) -> Result<()> {
        make_room_for_fds(run.clients)?;
        Ok(self.audience.tell(&Event::Run(run))?)
    }

    /// Runs a server, which has been announced, against the lab's own clients:
    /// what it came to, and what came back to each client.
    pub fn perform(
        &self,
        run: &Run,
        mode: Mode,
        script: &Script,
        pace: Pace<'_>,
    ) -> Result<(Summary, Vec<Vec<u8>>)> {
        let _held = OneCpu::hold();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut lab = self.start(run, mode, any_port, Follow::Timed)?;
        lab.play(script, pace)?;
        Ok((self.sum_up()?, lab.answers()))
    }

    /// Runs a server for clients from outside; `follow`: whether each call is
    /// told.
    pub fn listen(
        &self,
        run: &Run,
        mode: Mode,
        addr: SocketAddr,
        stall: Duration,
        follow: Follow,
    ) -> Result<Summary> {
        // Clients from outside need no more than the user allows.
        let _ = make_room_for_fds(0);
        self.audience.tell(&Event::Run(run))?;
        let mut lab = self.start(run, mode, addr, follow)?;
        lab.tell_where_it_listens()?;
        let ended = lab.watch_server(stall);
        // What has been is summed up, also where an error ended the server.
        let summary = self.sum_up();
        ended.and(summary)
    }

    fn start(&self, run: &Run, mode: Mode, addr: SocketAddr, follow: Follow) -> Result<Lab> {
        let buffer = run.buffer;
        let config = Config { addr, buffer, mode };
        let (board, audience) = (Arc::clone(&self.board), self.audience.clone());
        Lab::start(run.clone(), config, follow, board, audience)
    }

    /// Tells what the run came to. A Ctrl-C finds no run after that, and so
    /// there is no second summary.
    fn sum_up(&self) -> Result<Summary> {
        let mut audience = self.audience.lock();
        let summary = self.board.summary().context("no server was run")?;
        audience.hear(&Event::Summary(&summary))?;
        audience.flush()?;
        self.board.clear();
        Ok(summary)
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
fn make_room_for_fds(clients: usize) -> Result<()> {
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
