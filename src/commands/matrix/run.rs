//! `matrix`: every combination of trigger, socket and read strategy, each
//! really run against the same two clients.
//!
//! The servers are those of the named commands, with one value of the
//! [`Mode`] after the other exchanged. What predicts the result is looked for
//! in the rows ([`rules`]) and not known beforehand.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::epoll::EpollFlags;

use crate::commands::matrix::args::MatrixArgs;
use crate::commands::predict;
use crate::commands::predict::Asked;
use crate::commands::servers::run::look;
use crate::lab::report::{Answered, Api, Outcome, Report, Run, Subcommand, Trigger};
use crate::lab::script::{Pace, Script};
use crate::lab::stage::Stage;
use crate::server::mode::{Mode, Read, SocketKind};
use crate::show::{Charset, Look};
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
    /// The command that runs this combination, where one is named for it.
    pub command: Option<Subcommand>,
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
    /// With the trace, each run stands above the table.
    pub look: Look,
    /// Size of the receive buffer in bytes, the same in all rows.
    pub buffer: u32,
    /// Bytes that A sent, and B.
    pub sent: [usize; 2],
    /// In the order in which they were run.
    pub rows: Vec<Combination>,
}

/// Runs them all, one after the other.
pub fn execute(args: &MatrixArgs, charset: Charset) -> Result<ExitCode> {
    let look = look(&args.screen, charset);
    let stage = Stage::new(args.screen.format, look)?;
    let script = script(args);
    let bytes = |client: &Vec<Vec<u8>>| client.iter().map(Vec::len).sum();
    let mut matrix = Matrix {
        look,
        buffer: args.buffer,
        sent: [bytes(&script.messages[0]), bytes(&script.messages[1])],
        rows: Vec::new(),
    };
    let questions = super::questions::questions();
    let announce = || {
        if args.predict.wants_setup(args.screen.format) {
            stage.screen().setup(&super::questions::setup(&matrix))?;
        }
        Ok(())
    };
    let predictions = match predict::collect(&args.predict, questions, announce)? {
        Asked::Answered(predictions) => predictions,
        Asked::End(status) => return Ok(status),
    };
    let mut status = ExitCode::SUCCESS;
    for mode in combinations() {
        let run = Run {
            command: Subcommand::Matrix,
            api: Api::Epoll,
            trigger: Some(Trigger::of(mode.interest)),
            socket: mode.socket,
            read: mode.read,
            buffer: args.buffer as usize,
            clients: script.messages.len(),
            flags: String::new(),
        };
        let (report, _) = stage.play(run, mode, script.clone())?;
        if !report.echo_intact {
            status = ExitCode::FAILURE;
        }
        let row = Combination::of(&mode, &report)?;
        let mut screen = stage.screen();
        screen.one_of_several(&report)?;
        screen.combination(&row)?;
        matrix.rows.push(row);
    }
    let compared = predictions.compare(&matrix);
    stage.screen().matrix(&matrix, &compared)?;
    stage.dismiss()?;
    Ok(status)
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

/// The command whose own mode this is.
fn command(mode: &Mode) -> Option<Subcommand> {
    let named = [
        Subcommand::Lt,
        Subcommand::EtBlocking,
        Subcommand::EtNonblock,
    ];
    let parts = |mode: &Mode| (mode.interest, mode.socket, mode.read);
    let is_own = |own: Mode| parts(&own) == parts(mode);
    named
        .into_iter()
        .find(|named| named.mode().is_some_and(is_own))
}

/// As for the named commands: A says more than a buffer holds, B a word.
/// Nobody is watched while B starves: eight servers are to be seen.
fn script(args: &MatrixArgs) -> Script {
    let own: Vec<Vec<u8>> = args.message.iter().map(|m| m.0.clone()).collect();
    let messages = match own.is_empty() {
        true => vec![vec![b"HELLOworld123".to_vec()], vec![b"ping".to_vec()]],
        false => vec![own.clone(), own],
    };
    Script {
        messages,
        stall: Duration::ZERO,
        pace: Pace::Settled,
    }
}

impl Combination {
    fn of(mode: &Mode, report: &Report) -> Result<Combination> {
        let before = report.before_hang_up.as_ref();
        let before = before.context("the server ended before its clients had hung up")?;
        let [a, b] = &before.clients[..] else {
            anyhow::bail!("{} clients, where two were to be", before.clients.len());
        };
        let for_one = before.asleep.for_one().map(|fd| fd.name.to_string());
        Ok(Combination {
            trigger: Trigger::of(mode.interest),
            socket: mode.socket,
            read: mode.read,
            command: command(mode),
            a: a.server.clone(),
            b: match (b.unanswered, b.late) {
                (0, false) => Answered::AtOnce,
                (0, true) => Answered::Late,
                _ => Answered::Never,
            },
            asleep: (before.asleep.call, for_one),
            outcome: report.verdict.outcome,
        })
    }
}
