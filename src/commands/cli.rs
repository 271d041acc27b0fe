//! What can be asked for on the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, Styles, styling::AnsiColor};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use clap_complete::Shell;

use crate::commands::command::Command;
pub use crate::commands::command::status_of;
use crate::commands::{claims, compare, man, matrix, servers, side_by_side, watch, write_events};
use crate::lab::audience::OutputError;
use crate::show::tell;

/// The commands, in the order of `--help`. Each has a manual page.
static COMMANDS: [Command; 10] = [
    servers::rows::BLOCKING,
    servers::rows::LT,
    servers::rows::ET_BLOCKING,
    servers::rows::ET_NONBLOCK,
    compare::run::COMMAND,
    write_events::run::COMMAND,
    matrix::run::COMMAND,
    side_by_side::COMMAND,
    claims::run::COMMAND,
    watch::run::COMMAND,
];

/// What the program says of itself, beside them.
static MORE_COMMANDS: [Command; 2] = [
    Command {
        name: "completions",
        flags: CompletionsArgs::augment_args,
        run: |given| completions(&CompletionsArgs::from_arg_matches(given)?),
    },
    Command {
        name: "man",
        flags: ManArgs::augment_args,
        run: |given| manual(&ManArgs::from_arg_matches(given)?),
    },
];

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

/// Level- and edge-triggered epoll on real sockets, every call traced.
///
/// The servers are small echo servers with a 5-byte receive buffer, and clients
/// talk to them over loopback TCP. Nothing is simulated: what a trace line
/// says, strace says too.
#[derive(Debug, Args)]
#[command(version, styles = STYLES, max_term_width = 80)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
pub struct Cli {
    /// The command and its flags.
    #[arg(skip)]
    given: ArgMatches,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Use no character beyond ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
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

/// Print a completion script for a shell
#[derive(Args)]
struct CompletionsArgs {
    shell: Shell,
}

/// Print the manual page (roff), or that of a command, for `man -l -`
#[derive(Args)]
struct ManArgs {
    #[arg(value_parser = PossibleValuesParser::new(COMMANDS.iter().map(|it| it.name)))]
    command: Option<String>,
}

impl Cli {
    /// What stands on the command line.
    ///
    /// # Errors
    ///
    /// It makes no sense, or asks for help: see [`refuse`].
    pub fn read() -> Result<Cli, clap::Error> {
        let given = definition().try_get_matches()?;
        let cli = Cli::from_arg_matches(&given)?;
        Ok(Cli { given, ..cli })
    }

    /// Runs the command, prints what it has to say, and gives the exit status.
    pub fn execute(&self) -> Result<ExitCode> {
        let asked = all().find_map(|it| Some((it, self.given.subcommand_matches(it.name)?)));
        match asked {
            Some((command, given)) => (command.run)(given),
            None => Err(clap::Error::new(ErrorKind::MissingSubcommand).into()),
        }
    }
}

fn all() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().chain(&MORE_COMMANDS)
}

/// The whole of the command line, as clap has it.
fn definition() -> clap::Command {
    let program = clap::Command::new("epoll-lab")
        .subcommands(all().map(Command::define))
        .subcommand_required(true)
        .arg_required_else_help(true);
    // In this order: a command's own flags stand above the global ones.
    Cli::augment_args(program)
}

fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "epoll-lab", &mut script);
    print(&script)
}

fn manual(args: &ManArgs) -> Result<ExitCode> {
    print(&man::page(definition(), args.command.as_deref())?)
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(OutputError)?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version go to standard output. A mistake is told in one line on
/// standard error: what was given, and what would be right.
pub fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print().and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                tell(&format!("epoll-lab: {}", OutputError(error)));
                ExitCode::FAILURE
            }
            // A closed pipe is a quiet end.
            _ => ExitCode::SUCCESS,
        };
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
    tell(&format!(
        "epoll-lab: {} (see --help)",
        visible(&shorten(&told))
    ));
    ExitCode::from(2)
}

/// What was given comes back as it was, but for what a terminal would obey:
/// control characters, and those that turn the direction of writing.
fn visible(told: &str) -> String {
    let mut text = String::with_capacity(told.len());
    for c in told.chars() {
        match c {
            '\'' | '"' | '\\' => text.push(c),
            _ => text.extend(c.escape_debug()),
        }
    }
    text
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

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }
}
