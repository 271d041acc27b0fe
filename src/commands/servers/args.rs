//! The flags of the servers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::commands::args::{BUFFER, Message, ScreenArgs, Word, message, number, one_of};
use crate::commands::page::PageArgs;
use crate::commands::predict::args::PredictArgs;
use crate::commands::servers::server::Server;
use crate::server::mode::{Mode, Read, SocketKind};

pub const EXAMPLES: &str = "\
Examples:
  --trace                         every call as it happens
  --predict                       first say what will happen, then see
  --trace --message hi --clients 3
                                  three clients that say hi
  --trace --listen 127.0.0.1:9999 for real clients: nc 127.0.0.1 9999";

#[derive(Debug, Args)]
pub struct EpollArgs {
    /// How much to read per report, instead of the command's own
    #[arg(long, value_name = "HOW", help_heading = "The server")]
    #[arg(value_parser = one_of(&READS))]
    pub read: Option<Read>,

    /// Whether recv may sleep, instead of the command's own
    #[arg(long, value_name = "KIND", help_heading = "The server")]
    #[arg(value_parser = one_of(&SOCKETS))]
    pub socket: Option<SocketKind>,

    #[command(flatten)]
    pub server: ServerArgs,
}

impl EpollArgs {
    /// The server's mode, as far as no flag says otherwise.
    fn mode(&self, server: Server) -> Mode {
        let own = server.mode();
        Mode {
            read: self.read.unwrap_or(own.read),
            socket: self.socket.unwrap_or(own.socket),
            ..own
        }
    }
}

/// Under --read.
const READS: [Word<Read>; 2] = [
    (Read::Once, "once", Some("One recv per report")),
    (Read::Drain, "drain", Some("recv until EAGAIN")),
];

/// Under --socket.
const SOCKETS: [Word<SocketKind>; 2] = [
    (SocketKind::Blocking, "blocking", None),
    (SocketKind::Nonblocking, "nonblocking", None),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "The clients")]
pub struct ServerArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    /// Size of the receive buffer
    #[arg(long, value_name = "BYTES", default_value_t = BUFFER, help_heading = "The server")]
    #[arg(value_parser = number(1_u32..=65_536))]
    pub buffer: u32,

    /// What every client sends, 1 to 32768 bytes; repeat it for more messages
    /// [default: HELLOworld123 for A, ping for the others]
    #[arg(long, value_name = "TEXT")]
    #[arg(value_parser = message())]
    pub message: Vec<Message>,

    /// How many clients, 1 to 100 [default: 1 for lt, else 2]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = number(1_u16..=100))]
    pub clients: Option<u16>,

    /// All send their first message before the server waits again: it is
    /// held meanwhile, as if it were busy; not with blocking [clients: 2]
    #[arg(long)]
    pub together: bool,

    /// How long a starving client is watched: 1s, 500ms, 0s
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    #[arg(value_parser = parse_stall)]
    pub stall: Duration,

    /// Wait for Enter before each step of the clients, and show every call
    #[arg(long)]
    pub step: bool,

    /// Serve real clients, such as nc, until Ctrl-C; not with --clients,
    /// --message, --together, --step or --predict
    #[arg(long, value_name = "ADDR:PORT")]
    #[arg(value_parser = parse_address, conflicts_with_all = ["message", "clients", "together", "step", "predict"])]
    pub listen: Option<SocketAddr>,

    #[command(flatten)]
    pub page: PageArgs,

    #[command(flatten)]
    pub predict: PredictArgs,
}

/// The mode and the flags of a server, as they were given.
pub fn read(server: Server, given: &ArgMatches) -> Result<(Mode, ServerArgs), clap::Error> {
    if server == Server::Blocking {
        return Ok((server.mode(), ServerArgs::from_arg_matches(given)?));
    }
    let args = EpollArgs::from_arg_matches(given)?;
    Ok((args.mode(server), args.server))
}

impl ServerArgs {
    /// How many clients there are: together is nobody alone.
    pub fn clients(&self, server: Server) -> u16 {
        let own = match self.together {
            true => server.clients().max(2),
            false => server.clients(),
        };
        self.clients.unwrap_or(own)
    }

    /// Why `--together` is not to be had.
    pub fn not_together(&self, server: Server) -> Option<&'static str> {
        match (self.together, server, self.clients) {
            (true, Server::Blocking, _) => Some(
                "--together: the server is held before its next epoll_wait, and blocking has \
                 none; take lt, et-blocking or et-nonblock",
            ),
            (true, _, Some(1)) => Some(
                "--together with --clients 1: there is nobody to be together with; take 2 or more",
            ),
            _ => None,
        }
    }
}

/// The longest stall.
const LONGEST_STALL: Duration = Duration::from_secs(3600);

/// A time to watch, an hour at most.
pub fn parse_stall(text: &str) -> Result<Duration, String> {
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
