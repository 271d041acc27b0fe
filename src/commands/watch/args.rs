//! The flags of `watch`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::commands::args::{Message, ScreenArgs, Word, number, one_of, parse_message};
use crate::commands::page::file;
use crate::commands::servers::args::parse_stall;
use crate::watch::act::Act;

const EXAMPLES: &str = "\
Examples:
  epoll-lab watch -- ./server             what is wrong with it, if anything
  epoll-lab watch --trace -- ./server     every call as it happens
  epoll-lab watch --pid 1234              a running program, left unharmed
  epoll-lab watch --pid 1234 --once       its interest lists, and where it sleeps";

const MORE_EXAMPLES: &str = "\
The program is started afresh for each act, in a network of its own, and the
lab's clients talk to the port that it listens on:
  basic  A and B connect, send and hang up, as with epoll-lab lt
  burst  two clients connect at once, while the server is held
  reset  a client resets its connection
  slow   a client sends 32768 bytes and reads late
  leave  a client sends and hangs up at once, while the server is held

Examples:
  epoll-lab watch -- ./server                 what is wrong with it, if anything
  epoll-lab watch --trace -- ./server         every call as it happens
  epoll-lab watch -- python3 server.py        in any language
  epoll-lab watch --answer any --message 'PING\\r\\n' -- redis-server
                                              a server that is no echo server
  epoll-lab watch --strict -- ./server        exit status 1 unless all is OK
  epoll-lab watch --pid 1234                  a running program, left unharmed
  epoll-lab watch --pid 1234 --once           its interest lists, and where it
                                              sleeps

Exit status:
  0    the program was watched, whatever came of it
  1    it cannot be watched, or, with --strict, an act was not OK
  2    wrong usage
  130  Ctrl-C";

/// Your own server, in any language: every call, and what is wrong with it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
pub struct WatchArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    /// What the clients do
    #[arg(long, value_name = "ACTS", help_heading = "The clients")]
    #[arg(value_parser = one_of(&ACTS), value_delimiter = ',')]
    #[arg(default_value = "basic,burst,reset,slow,leave")]
    pub acts: Vec<Act>,

    /// What A sends, then B; \r, \n, \t, \0 and \\ stand for these bytes
    /// [default: HELLOworld123 for A, ping for B]
    #[arg(long, value_name = "TEXT", help_heading = "The clients")]
    #[arg(value_parser = OsStringValueParser::new().try_map(parse_escaped))]
    pub message: Vec<Message>,

    /// What a right answer is
    #[arg(long, value_name = "ANSWER", help_heading = "The clients")]
    #[arg(value_parser = one_of(&ANSWERS), default_value = "echo")]
    pub answer: Answer,

    /// How long a client without an answer is watched: 1s, 500ms, 0s
    #[arg(long, value_name = "DURATION", help_heading = "The clients")]
    #[arg(value_parser = parse_stall, default_value = "300ms")]
    pub stall: Duration,

    /// Wait for Enter before each step of the clients, and show every call
    #[arg(long, help_heading = "The clients")]
    pub step: bool,

    /// The port of the server, where it listens on several
    #[arg(long, value_name = "PORT", help_heading = "The server")]
    #[arg(value_parser = number(1..=u16::MAX))]
    pub port: Option<u16>,

    /// Start it in this machine's network, not in one of its own
    #[arg(long, help_heading = "The server")]
    pub host_network: bool,

    /// Attach to a running program instead, until Ctrl-C; no clients of ours
    #[arg(long, value_name = "PID", help_heading = "The server")]
    #[arg(value_parser = number(1..=i32::MAX))]
    #[arg(conflicts_with_all = ["acts", "message", "answer", "stall", "step", "host_network", "strict", "command"])]
    pub pid: Option<i32>,

    /// With --pid: the first picture alone, from /proc, and exit
    #[arg(long, help_heading = "The server")]
    #[arg(requires = "pid", conflicts_with = "command")]
    pub once: bool,

    /// Write what was watched as a page that steps forward and back
    #[arg(long, value_name = "FILE", help_heading = "The page")]
    #[arg(value_parser = file(), conflicts_with = "pid")]
    pub html: Option<PathBuf>,

    /// Exit status 1 unless every act is OK
    #[arg(long, help_heading = "The clients")]
    pub strict: bool,

    /// The program to start, and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    #[arg(required_unless_present = "pid")]
    pub command: Vec<OsString>,
}

/// What is expected of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was sent.
    Echo,
    /// Anything.
    Any,
}

/// Under --acts.
const ACTS: [Word<Act>; 5] = [
    (Act::Basic, "basic", Some("A and B send and hang up")),
    (Act::Burst, "burst", Some("Two connect at once")),
    (Act::Reset, "reset", Some("One resets its connection")),
    (Act::Slow, "slow", Some("One sends much and reads late")),
    (Act::Leave, "leave", Some("One sends and hangs up at once")),
];

/// Under --answer.
const ANSWERS: [Word<Answer>; 2] = [
    (Answer::Echo, "echo", Some("What was sent")),
    (
        Answer::Any,
        "any",
        Some("Anything: the server does not echo"),
    ),
];

/// Bytes that a shell's word cannot easily hold, as C has them.
fn parse_escaped(text: OsString) -> Result<Message, String> {
    let Message(bytes) = parse_message(text)?;
    let mut message = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        message.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                _ => return Err(r"behind \ stands r, n, t, 0 or \".into()),
            },
            byte => byte,
        });
    }
    Ok(Message(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_in_a_message() {
        let parsed = |text: &str| parse_escaped(OsString::from(text)).map(|it| it.0);
        assert_eq!(parsed(r"PING\r\n"), Ok(b"PING\r\n".to_vec()));
        assert_eq!(parsed(r"a\\b\0"), Ok(b"a\\b\0".to_vec()));
        assert!(parsed(r"\x").is_err());
        assert!(parsed(r"ends in \").is_err());
    }
}
