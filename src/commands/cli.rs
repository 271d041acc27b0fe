//! What can be asked for on the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::{Styles, styling::AnsiColor};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::commands::claims::args::ClaimsArgs;
use crate::commands::compare::args::CompareArgs;
use crate::commands::compare::cost_args::METHOD;
use crate::commands::matrix::args::{self as matrix_args, MatrixArgs};
use crate::commands::servers::Server;
use crate::commands::servers::args::{EpollArgs, ServerArgs};
use crate::commands::servers::run::{execute as execute_server, execute_epoll};
use crate::commands::side_by_side::{self, SideArgs};
use crate::commands::watch::args::{self as watch_args, WatchArgs};
use crate::commands::write_events::args::{self as write_args, WriteArgs};
use crate::commands::{claims, compare, man, matrix, watch, write_events};
use crate::lab::audience::OutputError;
use crate::show::{Charset, tell};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

const EXAMPLES: &str = "\
Examples:
  epoll-lab lt --trace                watch every call of the first server
  epoll-lab et-blocking --trace       see the server fall asleep inside recv";

const MORE_EXAMPLES: &str = "\
Examples:
  epoll-lab lt --trace                watch every call of the first server
  epoll-lab et-blocking --trace       see the server fall asleep inside recv
  epoll-lab et-blocking --read once   see bytes stranded in the kernel
  epoll-lab lt --predict              say what will happen, then see
  epoll-lab et-nonblock --trace --step
                                      drained to EAGAIN, step by step with Enter
  epoll-lab lt --trace --listen 127.0.0.1:9999
                                      a server for `nc 127.0.0.1 9999`
  epoll-lab lt --trace --format json  one JSON record a line

Exit status:
  0    success
  1    a system call failed; the message names it
  2    wrong usage
  130  Ctrl-C, after the summary";

const SERVER_EXAMPLES: &str = "\
Examples:
  --trace                         every call as it happens
  --predict                       first say what will happen, then see
  --trace --message hi --clients 3
                                  three clients that say hi
  --trace --listen 127.0.0.1:9999 for real clients: nc 127.0.0.1 9999";

const COMPARE_EXAMPLES: &str = "\
Examples:
  --only servers --trace          every call of the three servers
  --only cost --fds 10,1000       two sizes, and no servers
  --active all                    every fd is ready
  --svg cost.svg                  the chart as a picture as well";

const CLAIMS_EXAMPLES: &str = "\
Examples:
  epoll-lab claims                    all of them, one line each
  epoll-lab claims --list             what they say
  epoll-lab claims ctl-errors         one of them: every call, and why
  epoll-lab claims et-once oneshot    some of them, two lines each
  epoll-lab claims eof --predict      first say whether it is true
  epoll-lab claims --format json      one JSON record a claim";

/// Level- and edge-triggered epoll on real sockets, every call traced.
///
/// The servers are small echo servers with a 5-byte receive buffer, and clients
/// talk to them over loopback TCP. Nothing is simulated: what a trace line
/// says, strace says too.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, max_term_width = 80)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Use no character beyond ASCII
    #[arg(long, global = true)]
    pub(crate) ascii: bool,
}

/// When the output has colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "--help would say what the words say")]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// No multiplexing: accept, then recv until this client hangs up
    #[command(after_help = SERVER_EXAMPLES)]
    Blocking(ServerArgs),
    /// Level-triggered, blocking socket, one recv per report
    #[command(after_help = SERVER_EXAMPLES)]
    Lt(EpollArgs),
    /// Edge-triggered, blocking socket, recv in a loop: the pitfall
    #[command(after_help = SERVER_EXAMPLES)]
    EtBlocking(EpollArgs),
    /// Edge-triggered, O_NONBLOCK, recv until EAGAIN
    #[command(after_help = SERVER_EXAMPLES)]
    EtNonblock(EpollArgs),
    /// The same server on select, poll and epoll; then the cost as the set grows
    #[command(after_help = COMPARE_EXAMPLES, after_long_help = format!("{METHOD}\n\n{COMPARE_EXAMPLES}"))]
    SelectPollCompare(CompareArgs),
    /// EPOLLOUT: when it comes, and when to ask for it
    #[command(after_help = write_args::EXAMPLES, after_long_help = write_args::MORE_EXAMPLES)]
    WriteEvents(WriteArgs),
    /// Every combination of trigger, socket and read, one row each
    #[command(after_help = matrix_args::EXAMPLES, after_long_help = matrix_args::MORE_EXAMPLES)]
    Matrix(MatrixArgs),
    /// Two servers with the same clients, beside each other on one page
    #[command(after_help = side_by_side::EXAMPLES)]
    SideBySide(SideArgs),
    /// What textbooks say about epoll, each claim tried on this kernel
    #[command(after_help = CLAIMS_EXAMPLES)]
    Claims(ClaimsArgs),
    /// Your own server, in any language: every call, and what is wrong with it
    #[command(after_help = watch_args::EXAMPLES, after_long_help = watch_args::MORE_EXAMPLES)]
    Watch(WatchArgs),
    /// Print a completion script for a shell
    Completions { shell: Shell },
    /// Print the manual page (roff), or that of a command, for `man -l -`
    Man {
        #[arg(value_parser = PAGES)]
        command: Option<String>,
    },
}

/// Runs the command, prints what it has to say, and gives the exit status.
pub fn execute(cli: Cli) -> Result<ExitCode> {
    let charset = if cli.ascii {
        Charset::Ascii
    } else {
        Charset::Unicode
    };
    match cli.command {
        Command::Blocking(args) => {
            execute_server(Server::Blocking, Server::Blocking.mode(), &args, charset)
        }
        Command::Lt(args) => execute_epoll(Server::Lt, &args, charset),
        Command::EtBlocking(args) => execute_epoll(Server::EtBlocking, &args, charset),
        Command::EtNonblock(args) => execute_epoll(Server::EtNonblock, &args, charset),
        Command::SelectPollCompare(args) => compare::run::execute(&args, charset),
        Command::WriteEvents(args) => write_events::run::execute(&args, charset),
        Command::Matrix(args) => matrix::run::execute(&args, charset),
        Command::SideBySide(args) => side_by_side::execute(args, charset),
        Command::Claims(args) => claims::run::execute(&args, charset),
        Command::Watch(args) => watch::run::execute(&args, charset),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "epoll-lab", &mut script);
            print(&script)
        }
        Command::Man { command } => print(&man::page(Cli::command(), command.as_deref())?),
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(OutputError)?;
    Ok(ExitCode::SUCCESS)
}

/// The commands that have a manual page of their own.
const PAGES: [&str; 10] = [
    "blocking",
    "lt",
    "et-blocking",
    "et-nonblock",
    "select-poll-compare",
    "write-events",
    "matrix",
    "side-by-side",
    "claims",
    "watch",
];

/// Help and version go to standard output. A mistake is told in one line on
/// standard error: what was given, and what would be right.
pub fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe is a quiet end.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(2);
    }
    let text = error.render().to_string();
    let told: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let told = told.join("; ").replace(":; ", ": ");
    let told = told
        .strip_prefix("error: ")
        .unwrap_or(&told)
        .replace("..=", " to ");
    tell(&format!("epoll-lab: {} (see --help)", shorten(&told)));
    ExitCode::from(2)
}

/// A value of thousands of bytes need not be repeated whole: its beginning
/// says which it was, and what follows says what would be right.
fn shorten(told: &str) -> String {
    const WHOLE: usize = 400;
    const BEGINNING: usize = 60;
    const END: usize = 200;
    let count = told.chars().count();
    if count <= WHOLE {
        return told.to_string();
    }
    let beginning: String = told.chars().take(BEGINNING).collect();
    let end: String = told.chars().skip(count - END).collect();
    format!("{beginning}...{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
