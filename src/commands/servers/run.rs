//! From what was asked for to what is run.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::commands::cli::{Cli, Command};
use crate::commands::compare::run as compare;
use crate::commands::matrix::run as matrix;
use crate::commands::predict::Asked;
use crate::commands::servers::args::{
    BUFFER, EpollArgs, FormatArg, ReadArg, ScreenArgs, ServerArgs, SocketArg,
};
use crate::commands::write_events::run as write_events;
use crate::commands::{man, predict};
use crate::lab::report::{Api, Report, Run, Subcommand, Trigger};
use crate::lab::script::{Pace, Script};
use crate::lab::stage::{Stage, make_room_for_fds};
use crate::server::mode;
use crate::server::mode::{Mode, Read, SocketKind};
use crate::show::{Charset, Look, OutputError, Timing, Trace, prompt, tell};
use crate::trace::escape::shell_word;

/// Runs the command, prints what it has to say, and gives the exit status.
pub fn execute(cli: Cli) -> Result<ExitCode> {
    let charset = match cli.ascii {
        true => Charset::Ascii,
        false => Charset::Unicode,
    };
    match cli.command {
        Command::Blocking(args) => server(
            Subcommand::Blocking,
            Api::None,
            mode::BLOCKING,
            args,
            charset,
        ),
        Command::Lt(args) => epoll_server(Subcommand::Lt, mode::LT, args, charset),
        Command::EtBlocking(args) => {
            epoll_server(Subcommand::EtBlocking, mode::ET_BLOCKING, args, charset)
        }
        Command::EtNonblock(args) => {
            epoll_server(Subcommand::EtNonblock, mode::ET_NONBLOCK, args, charset)
        }
        Command::SelectPollCompare(args) => compare::execute(&args, charset),
        Command::WriteEvents(args) => write_events::execute(&args, charset),
        Command::Matrix(args) => matrix::execute(&args, charset),
        Command::Claims(args) => super::super::claims::run::execute(&args, charset),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "epoll-lab", &mut script);
            print(&script)
        }
        Command::Man { command } => print(&man::page(command.as_deref())?),
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
    command: Subcommand,
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
    command: Subcommand,
    api: Api,
    mode: Mode,
    args: ServerArgs,
    charset: Charset,
) -> Result<ExitCode> {
    let mut look = look(&args.screen, charset);
    let script = script(command, &args);
    let trigger = match api {
        Api::None => None,
        _ => Some(Trigger::of(mode.interest)),
    };
    let run = Run {
        command,
        api,
        trigger,
        socket: mode.socket,
        read: mode.read,
        buffer: args.buffer as usize,
        clients: args.listen.map_or(script.messages.len(), |_| 0),
        flags: flags(command, &mode, &args),
    };
    // Whoever is asked may want to see the trace of this run afterwards; who
    // steps through it sees it as it comes.
    let text = args.screen.format == FormatArg::Text;
    let asks = args.predict.asks() && text;
    let hold_back = asks && !args.step && look.trace == Trace::Summary;
    if asks || args.step && text {
        look.trace = Trace::Calls;
    }
    let stage = Stage::new(args.screen.format, look)?;
    if let Some(addr) = args.listen {
        let report = stage.listen(run, mode, addr, args.stall)?;
        stage.screen().summary(&report)?;
        return Ok(status(&report));
    }
    make_room_for_fds(run.clients)?;
    let questions = super::questions::questions(&run, &script);
    let announce = || {
        let mut screen = stage.screen();
        screen.run(&run)?;
        if args.predict.wants_setup(args.screen.format) {
            screen.setup(&super::questions::setup(&run, &script))?;
        }
        Ok(())
    };
    let predictions = match predict::collect(&args.predict, questions, announce)? {
        Asked::Answered(predictions) => predictions,
        Asked::End(status) => return Ok(status),
    };
    if !args.predict.is_given() {
        let report = stage.perform(run, mode, script)?.0;
        stage.screen().summary(&report)?;
        return Ok(status(&report));
    }
    if hold_back {
        stage.screen().hold_back();
        let may_starve = mode.socket == SocketKind::Blocking && mode.read == Read::Drain;
        if may_starve && run.clients > 1 && !script.stall.is_zero() {
            let stall = humantime::format_duration(script.stall);
            tell(&format!(
                "running; a client that starves is watched for {stall}\n"
            ));
        }
    }
    let report = match stage.perform(run, mode, script) {
        Ok((report, _)) => report,
        Err(error) => {
            // How far it came is all there is to see.
            stage.screen().release()?;
            return Err(error);
        }
    };
    let compared = predictions.compare(&report);
    stage.screen().predicted(&report, &compared)?;
    if hold_back {
        match prompt::wants("\nShow the trace? [Enter; n: no] ")? {
            true => stage.screen().release()?,
            false => stage.screen().forget(),
        }
    }
    stage.screen().next(&report, &compared)?;
    Ok(status(&report))
}

fn status(report: &Report) -> ExitCode {
    match report.echo_intact {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The flags that differ from what the command does by itself.
fn flags(command: Subcommand, mode: &Mode, args: &ServerArgs) -> String {
    let mut flags = String::new();
    let mut push = |flag: &str, value: &str| flags += &format!(" {flag} {value}");
    if let Some(own) = command.mode() {
        if mode.read != own.read {
            push("--read", mode.read.name());
        }
        if mode.socket != own.socket {
            push("--socket", mode.socket.name());
        }
    }
    if args.buffer != BUFFER {
        push("--buffer", &args.buffer.to_string());
    }
    if let Some(clients) = args.clients.filter(|n| *n != own_clients(command)) {
        push("--clients", &clients.to_string());
    }
    for message in &args.message {
        let word = shell_word(&message.0);
        match message.0.first() {
            // Apart from its flag it would be taken for another one.
            Some(b'-') => flags += &format!(" --message={word}"),
            _ => flags += &format!(" --message {word}"),
        }
    }
    flags
}

/// How many clients there are if nobody says otherwise.
fn own_clients(command: Subcommand) -> u16 {
    if command == Subcommand::Lt { 1 } else { 2 }
}

/// How things are to be shown.
pub fn look(args: &ScreenArgs, charset: Charset) -> Look {
    Look {
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
    }
}

/// Who says what: A tells more than a buffer holds, the others a word, unless
/// the user says otherwise.
fn script(command: Subcommand, args: &ServerArgs) -> Script {
    let clients = usize::from(args.clients.unwrap_or(own_clients(command)));
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
