//! The fds of a trace, and what they stand for.

use std::fmt;
use std::os::fd::RawFd;

/// What a file descriptor stands for; the letter in `5<A>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Neither the listener nor a client: an epoll instance.
    Plain,
    /// The listening socket, `L`.
    Listener,
    /// The connection of the n-th client that was accepted, counted from 0:
    /// `A`, `B`, … `Z`, `AA`, …
    Client(u32),
    /// One end of an experiment's connection: `W` for the one that writes.
    Letter(char),
    /// Something else, in a word: `file`.
    Other(&'static str),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Name::Plain => Ok(()),
            Name::Listener => f.write_str("L"),
            Name::Letter(letter) => write!(f, "{letter}"),
            Name::Other(word) => f.write_str(word),
            // `L` is taken: the clients' letters leave it out.
            Name::Client(index) => {
                const LETTERS: &[u8] = b"ABCDEFGHIJKMNOPQRSTUVWXYZ";
                let base = LETTERS.len() as u32;
                if index >= base {
                    Name::Client(index / base - 1).fmt(f)?;
                }
                let letter = LETTERS[(index % base) as usize];
                write!(f, "{}", char::from(letter))
            }
        }
    }
}

/// A file descriptor of the server and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd {
    /// As the kernel gave it: the lowest that was free (open(2)).
    pub raw: RawFd,
    /// Only as long as it is open: the number is given again.
    pub name: Name,
}

impl fmt::Display for Fd {
    /// As `strace -y` shows it: `5<A>`; a bare number where there is no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Name::Plain => write!(f, "{}", self.raw),
            name => write!(f, "{}<{name}>", self.raw),
        }
    }
}
