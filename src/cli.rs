//! What can be asked for on the command line.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{OsStringValueParser, Styles, TypedValueParser, styling::AnsiColor};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use clap_complete::Shell;

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
  epoll-lab et-nonblock --trace --step
                                      the same, each step at a keypress
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
  --trace --message hi --clients 3
                                  three clients that say hi
  --trace --listen 127.0.0.1:9999 for real clients: nc 127.0.0.1 9999";

/// Level- and edge-triggered epoll on real sockets, every call traced.
///
/// Each command runs a small echo server with a 5-byte receive buffer, and
/// clients that talk to it over loopback TCP. Nothing is simulated: what a
/// trace line says, strace says too.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, max_term_width = 80)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Use no character beyond ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
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
    /// Print a completion script for a shell
    Completions { shell: Shell },
    /// Print the manual page (roff), for `man -l -`
    Man,
}

#[derive(Debug, Args)]
pub struct EpollArgs {
    /// How much to read per report, instead of the command's own
    #[arg(long, value_name = "HOW", help_heading = "The server")]
    pub read: Option<ReadArg>,

    /// Whether recv may sleep, instead of the command's own
    #[arg(long, value_name = "KIND", help_heading = "The server")]
    pub socket: Option<SocketArg>,

    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadArg {
    /// One recv per report
    Once,
    /// recv until EAGAIN
    Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SocketArg {
    Blocking,
    Nonblocking,
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Show every call as it happens
    #[arg(long, help_heading = "The screen")]
    pub trace: bool,

    /// Show times, durations and the wait channel: all that varies
    #[arg(long, help_heading = "The screen")]
    pub timing: bool,

    /// How to print
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "The screen"
    )]
    pub format: FormatArg,

    /// Size of the receive buffer
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 5,
        help_heading = "The server"
    )]
    #[arg(value_parser = value_parser!(u32).range(1..=65536))]
    pub buffer: u32,

    /// What every client sends, 1 to 32768 bytes; repeat it for more messages
    /// [default: HELLOworld123 for A, ping for the others]
    #[arg(long, value_name = "TEXT", help_heading = "The clients")]
    #[arg(value_parser = OsStringValueParser::new().try_map(parse_message))]
    pub message: Vec<Message>,

    /// How many clients, 1 to 100 [default: 1 for lt, else 2]
    #[arg(long, value_name = "N", help_heading = "The clients")]
    #[arg(value_parser = value_parser!(u16).range(1..=100))]
    pub clients: Option<u16>,

    /// How long a starving client is watched: 1s, 500ms, 0s
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1s",
        help_heading = "The clients"
    )]
    #[arg(value_parser = parse_stall)]
    pub stall: Duration,

    /// Wait for Enter before each step of the clients
    #[arg(long, help_heading = "The clients")]
    pub step: bool,

    /// Serve real clients, such as nc, until Ctrl-C
    #[arg(long, value_name = "ADDR:PORT", help_heading = "The clients")]
    #[arg(value_parser = parse_address, conflicts_with_all = ["message", "clients", "step"])]
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    Text,
    /// JSON Lines
    Json,
}

/// What a client sends: any bytes that a command line can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

/// The longest message, in bytes: a larger send may arrive in several
/// segments, and so be reported several times.
pub const LONGEST_MESSAGE: usize = 32_768;

/// The longest stall.
const LONGEST_STALL: Duration = Duration::from_secs(3600);

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
    let told = told.join("; ");
    let told = told.strip_prefix("error: ").unwrap_or(&told);
    eprintln!("epoll-lab: {told} (see --help)");
    ExitCode::from(2)
}

fn parse_message(text: OsString) -> Result<Message, String> {
    let bytes = text.into_vec();
    match bytes.len() {
        1..=LONGEST_MESSAGE => Ok(Message(bytes)),
        n => Err(format!("{n} bytes are not in 1..={LONGEST_MESSAGE}")),
    }
}

fn parse_stall(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(stall) if stall <= LONGEST_STALL => Ok(stall),
        Ok(_) => Err("more than an hour".into()),
        Err(_) => Err("not a duration such as 1s, 500ms or 0s".into()),
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix("localhost:")
        && let Ok(port) = port.parse()
    {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse()
        .map_err(|_| "not an address and a port such as 127.0.0.1:9999".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_message_has_1_to_32768_bytes() {
        assert!(parse_message(OsString::new()).is_err());
        assert!(parse_message(OsString::from("x".repeat(32_768))).is_ok());
        assert!(parse_message(OsString::from("x".repeat(32_769))).is_err());
    }

    #[test]
    fn durations_and_addresses() {
        assert_eq!(parse_stall("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_stall("0s"), Ok(Duration::ZERO));
        assert!(parse_stall("5").is_err());
        assert!(parse_stall("2h").is_err());
        assert_eq!(parse_address("localhost:80"), parse_address("127.0.0.1:80"));
        assert!(parse_address("127.0.0.1").is_err());
        assert!(parse_address("[::1]:0").is_ok());
    }
}
