//! From what was asked for to what is run.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use clap::CommandFactory;
use nix::sys::epoll::EpollFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::cli::{Cli, Command, EpollArgs, FormatArg, ReadArg, ServerArgs, SocketArg};
use crate::interrupt;
use crate::lab::Lab;
use crate::lab::script::{Pace, Script};
use crate::mode::{self, Mode, Read, SocketKind};
use crate::render::{Charset, Format, Look, OutputError, Screen, Timing, Trace, json, text};
use crate::report::{Api, Report, Run, Trigger};
use crate::server::Config;
use crate::shared::{Follow, Shared};
use crate::witness::LAB_FDS;

/// Runs the command, prints what it has to say, and gives the exit status.
pub fn execute(cli: Cli) -> Result<ExitCode> {
    let charset = match cli.ascii {
        true => Charset::Ascii,
        false => Charset::Unicode,
    };
    match cli.command {
        Command::Blocking(args) => server("blocking", Api::None, mode::BLOCKING, args, charset),
        Command::Lt(args) => epoll_server("lt", mode::LT, args, charset),
        Command::EtBlocking(args) => epoll_server("et-blocking", mode::ET_BLOCKING, args, charset),
        Command::EtNonblock(args) => epoll_server("et-nonblock", mode::ET_NONBLOCK, args, charset),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "epoll-lab", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&page)
        }
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(OutputError)?;
    Ok(ExitCode::SUCCESS)
}

fn epoll_server(
    command: &'static str,
    mut mode: Mode,
    args: EpollArgs,
    charset: Charset,
) -> Result<ExitCode> {
    mode.read = match args.read {
        Some(ReadArg::Once) => Read::Once,
        Some(ReadArg::Drain) => Read::Drain,
        None => mode.read,
    };
    mode.socket = match args.socket {
        Some(SocketArg::Blocking) => SocketKind::Blocking,
        Some(SocketArg::Nonblocking) => SocketKind::Nonblocking,
        None => mode.socket,
    };
    server(command, Api::Epoll, mode, args.server, charset)
}

fn server(
    command: &'static str,
    api: Api,
    mode: Mode,
    args: ServerArgs,
    charset: Charset,
) -> Result<ExitCode> {
    let look = Look {
        trace: if args.trace {
            Trace::Calls
        } else {
            Trace::Summary
        },
        timing: if args.timing {
            Timing::Shown
        } else {
            Timing::Hidden
        },
        charset,
    };
    let script = script(command, &args);
    let run = Run {
        command,
        api,
        trigger: match api {
            Api::None => None,
            Api::Epoll if mode.interest.contains(EpollFlags::EPOLLET) => Some(Trigger::Edge),
            Api::Epoll => Some(Trigger::Level),
        },
        socket: mode.socket,
        read: mode.read,
        buffer: args.buffer as usize,
        clients: args.listen.map_or(script.messages.len(), |_| 0),
    };
    let config = Config {
        addr: args
            .listen
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        buffer: args.buffer as usize,
        mode,
    };
    let follow = match (args.listen, look.trace) {
        (Some(_), Trace::Summary) => Follow::Counts,
        _ => Follow::Records,
    };
    let format = match args.format {
        FormatArg::Text => Format::Text(text::Text::new(look)),
        FormatArg::Json => Format::Json(json::Json::new(look)),
    };
    let shared = Arc::new(Shared::default());
    let screen = Arc::new(Mutex::new(Screen::new(format)));
    interrupt::summarize_on_signal(&run, &shared, &screen)?;
    if args.listen.is_none() {
        make_room_for_fds(run.clients)?;
    }

    let lock = || screen.lock().unwrap_or_else(PoisonError::into_inner);
    lock().run(&run)?;
    let mut lab = Lab::start(
        run,
        config,
        follow,
        Arc::clone(&shared),
        Arc::clone(&screen),
    )?;
    match args.listen {
        None => lab.play(script)?,
        Some(_) => {
            lab.say_where_it_listens();
            lab.watch_server(args.stall)?;
        }
    }
    let report = {
        let state = shared.lock();
        Report::new(&lab.run, &state.totals, &state.scene)
    };
    lock().summary(&report)?;
    match report.echo_intact {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

/// Who says what: A tells more than a buffer holds, the others a word, unless
/// the user says otherwise.
fn script(command: &str, args: &ServerArgs) -> Script {
    let alone = command == "lt";
    let clients = args.clients.map_or(if alone { 1 } else { 2 }, usize::from);
    let own: Vec<Vec<u8>> = args
        .message
        .iter()
        .map(|message| message.0.clone())
        .collect();
    let messages = (0..clients).map(|client| match (own.is_empty(), client) {
        (false, _) => own.clone(),
        (true, 0) => vec![b"HELLOworld123".to_vec()],
        (true, _) => vec![b"ping".to_vec()],
    });
    Script {
        messages: messages.collect(),
        stall: args.stall,
        pace: if args.step {
            Pace::Enter
        } else {
            Pace::Settled
        },
    }
}

/// The lab's own fds stand above [`LAB_FDS`]; raises the soft limit on open
/// files if it is lower than they need.
fn make_room_for_fds(clients: usize) -> Result<()> {
    const SPARE: u64 = 20;
    let needed = LAB_FDS as u64 + clients as u64 + SPARE;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        bail!(
            "the limit on open files is {hard}, and {clients} clients need {needed}: \
             raise it with `ulimit -n {needed}`"
        );
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, needed, hard)?)
}
