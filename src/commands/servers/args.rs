//! The flags of the servers.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum, value_parser};

use crate::commands::compare::cost_args::ScalingArgs;
use crate::commands::predict::args::PredictArgs;

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

/// How things are shown.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// Show every call as it happens
    #[arg(long, help_heading = "The screen")]
    pub trace: bool,

    /// With --trace: times in ms since the start, <ms in the call>, the wait
    /// channel; all that varies from run to run
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
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    /// Size of the receive buffer
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = BUFFER,
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

    /// Wait for Enter before each step of the clients, and show every call
    #[arg(long, help_heading = "The clients")]
    pub step: bool,

    /// Serve real clients, such as nc, until Ctrl-C; not with --clients,
    /// --message, --step or --predict
    #[arg(long, value_name = "ADDR:PORT", help_heading = "The clients")]
    #[arg(value_parser = parse_address, conflicts_with_all = ["message", "clients", "step", "predict"])]
    pub listen: Option<SocketAddr>,

    #[command(flatten)]
    pub predict: PredictArgs,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    /// Leave out the other part
    #[arg(long, value_name = "PART", help_heading = "The screen")]
    pub only: Option<PartArg>,

    /// Size of the receive buffer
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = BUFFER,
        help_heading = "The servers"
    )]
    #[arg(value_parser = value_parser!(u32).range(1..=65536))]
    pub buffer: u32,

    /// How many clients, 1 to 100: the last one talks, the others are idle
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        help_heading = "The servers"
    )]
    #[arg(value_parser = value_parser!(u16).range(1..=100))]
    pub clients: u16,

    /// What the last client sends, 1 to 32768 bytes; repeat it for more
    /// messages [default: HELLOworld123]
    #[arg(long, value_name = "TEXT", help_heading = "The servers")]
    #[arg(value_parser = OsStringValueParser::new().try_map(parse_message))]
    pub message: Vec<Message>,

    /// Wait for Enter before each step of the clients, and show every call
    #[arg(long, help_heading = "The servers")]
    pub step: bool,

    #[command(flatten)]
    pub scaling: ScalingArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartArg {
    /// The same server on three APIs
    Servers,
    /// What a wait costs as the set grows
    Cost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    Text,
    /// JSON Lines
    Json,
}

/// The size of the receive buffer, if nobody says otherwise: small enough for
/// every step to show.
pub const BUFFER: u32 = 5;

/// What a client sends: any bytes that a command line can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

/// The longest message, in bytes: a larger send may arrive in several
/// segments, and so be reported several times.
pub const LONGEST_MESSAGE: usize = 32_768;

/// The longest stall.
const LONGEST_STALL: Duration = Duration::from_secs(3600);

pub(crate) fn parse_message(text: OsString) -> Result<Message, String> {
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
