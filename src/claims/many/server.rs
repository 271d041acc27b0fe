//! Four faults, and who survives them: the textbook's server and ours.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::claims::child::{Child, Role};
use crate::claims::patience::{PATIENCE, until};
use crate::claims::prelude::*;
use crate::claims::thread::{LOOKS, look};
use crate::lab::witness::Sleep;

pub const TEXTBOOK_SERVER: Claim = Claim {
    id: "textbook-server",
    claim: "the textbook's echo loop is a server",
    asked: "The textbook's loop (src/claims/textbook.rs) and ours, each in a process of its own: \
            a client resets; one never reads; one reads late; the table of fds is full. After \
            that, is another client served?",
    experiment: textbook_server,
};

/// What became of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Another client is served, and nothing is lost.
    Serves,
    /// Bytes of its echo are gone.
    Loses,
    /// It sleeps in this call, for one client.
    Asleep(&'static str),
    /// It has ended, and said why.
    Exits(String),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Serves => f.write_str("serves on"),
            Fate::Loses => f.write_str("loses part of the echo"),
            Fate::Asleep(call) => write!(f, "asleep in {call}"),
            Fate::Exits(why) => write!(f, "exits, {why}"),
        }
    }
}

fn textbook_server(t: &mut Trial) -> Result<Finding> {
    type Fault = fn(&mut Server) -> Result<Fate>;
    let (lt, et) = (Role::TextbookLt, Role::TextbookEt);
    let faults: [(&str, Role, Option<u64>, Fault); 4] = [
        ("a client resets", et, None, after_reset),
        ("one never reads", lt, None, after_silence),
        ("one reads late", et, None, after_late_reading),
        ("no fd is left", et, Some(FILES), after_full_table),
    ];
    let mut fates = Vec::new();
    for (fault, textbook, files, try_it) in faults {
        let theirs = try_it(&mut Server::start(textbook, files)?).context(fault)?;
        let ours = try_it(&mut Server::start(Role::Ours, files)?).context(fault)?;
        let name = textbook.name();
        t.note(format!("{fault:<16} the textbook's ({name}): {theirs}"));
        t.note(format!("{:<16} ours: {ours}", ""));
        fates.push((theirs, ours));
    }
    Ok(judge_textbook_server(&fates))
}

/// By fault: the textbook's server, and ours.
fn judge_textbook_server(fates: &[(Fate, Fate)]) -> Finding {
    let count = |fate: fn(&(Fate, Fate)) -> &Fate| {
        let survived = fates.iter().filter(|pair| *fate(pair) == Fate::Serves);
        survived.count()
    };
    let (theirs, ours) = (count(|pair| &pair.0), count(|pair| &pair.1));
    let all = fates.len();
    let evidence =
        format!("the textbook's survived {theirs} of {all} faults, ours {ours} of {all}");
    match theirs == all {
        true => confirmed(evidence).why("None of the faults brought it down."),
        false => refuted(evidence).why(
            "A reset ends it, a client that does not read puts it to sleep, what a short send \
             left over is lost, and accept's -1 goes into ADD. Ours expects each of them.",
        ),
    }
    .count("faults", all)
    .count("textbook_survives", theirs)
    .count("ours_survives", ours)
}

/// A server in a process of its own.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(role: Role, files: Option<u64>) -> Result<Server> {
        let mut child = Child::start(role, files)?;
        let line = child.line()?.context("the server does not start")?;
        let Ok(address) = line.parse() else {
            bail!("the server does not start: {line}");
        };
        Ok(Server { child, address })
    }

    /// A client that has been served once, and so is on the interest list.
    fn client(&mut self, buffer: Option<usize>) -> Result<TcpStream> {
        let client = connect_to(self.address, buffer)?;
        match self.asks(&client)? {
            Fate::Serves => Ok(client),
            fate => bail!("before the fault: {fate}"),
        }
    }

    /// Another client asks: is it served?
    fn serves_another(&mut self) -> Result<Fate> {
        match connect_to(self.address, None) {
            Ok(client) => self.asks(&client),
            // Refused: nobody listens any more.
            Err(_) if self.child.has_more()? => self.ended(),
            Err(error) => Err(error),
        }
    }

    /// A client sends a word, and waits for it to come back, or for the server
    /// to end, or for the kernel to say that it sleeps for somebody else.
    fn asks(&mut self, mut client: &TcpStream) -> Result<Fate> {
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        match client.write_all(b"ping") {
            // Its end may be quicker than our word.
            Err(error) if gone.contains(&error.kind()) => return self.ended(),
            sent => sent.of_call("write")?,
        }
        let deadline = Instant::now() + PATIENCE;
        let (mut back, mut asleep) = (0, 0);
        loop {
            match at_once(client.read(&mut [0; 4])) {
                Ok(Some(0)) | Err(_) => return self.ended(),
                Ok(read) => back += read.unwrap_or(0),
            }
            if back == 4 {
                return Ok(Fate::Serves);
            }
            match look(&self.child.witness, None)?.sleep {
                Some(Sleep::ForOne { call, .. }) if asleep == LOOKS => {
                    return Ok(Fate::Asleep(call));
                }
                Some(Sleep::ForOne { .. }) => asleep += 1,
                _ => asleep = 0,
            }
            if Instant::now() > deadline {
                bail!("no answer, and no reason why");
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// What the server said at its end.
    fn ended(&mut self) -> Result<Fate> {
        let said = self.child.line()?;
        Ok(Fate::Exits(said.unwrap_or_else(|| "no word".into())))
    }
}

fn after_reset(server: &mut Server) -> Result<Fate> {
    let client = server.client(None)?;
    reset(client)?;
    // A server that the reset ends says so; one that does not goes on.
    match server.serves_another()? {
        Fate::Serves if server.child.has_more()? => server.ended(),
        fate => Ok(fate),
    }
}

/// Bytes that no pair of socket buffers holds.
const FLOOD: usize = 16 << 20;

/// What comes after the first `sent` bytes of it.
fn next(sent: usize) -> &'static [u8] {
    static PART: [u8; 65_536] = [b'x'; 65_536];
    &PART[..PART.len().min(FLOOD - sent)]
}

/// A client sends and does not read, until nothing moves any more.
fn flood(server: &Server, client: &mut TcpStream) -> Result<usize> {
    let (mut sent, mut idle) = (0, 0);
    while sent < FLOOD && idle < 20 {
        match at_once(client.write(next(sent))).of_call("write")? {
            Some(n) => (sent, idle) = (sent + n, 0),
            None => {
                // Asleep, or it has stopped reading: either way at rest.
                idle += u32::from(look(&server.child.witness, None)?.state == 'S');
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    Ok(sent)
}

fn after_silence(server: &mut Server) -> Result<Fate> {
    let mut client = server.client(Some(16_384))?;
    flood(server, &mut client)?;
    server.serves_another()
}

fn after_late_reading(server: &mut Server) -> Result<Fate> {
    let mut client = server.client(Some(16_384))?;
    let mut sent = flood(server, &mut client)?;
    let (mut back, mut hung_up) = (0, false);
    let mut part = vec![0; 65_536];
    until("the end of the echo", || {
        while let Some(read) = at_once(client.read(&mut part)).of_call("read")? {
            if read == 0 {
                return Ok(true);
            }
            back += read;
        }
        if !hung_up {
            let taken = at_once(client.write(next(sent))).of_call("write")?;
            sent += taken.unwrap_or(0);
        }
        if sent == FLOOD && !hung_up {
            client.shutdown(Shutdown::Write).of_call("shutdown")?;
            hung_up = true;
        }
        Ok(false)
    })?;
    match back == sent {
        true => server.serves_another(),
        false => Ok(Fate::Loses),
    }
}

/// Open files that a server may have.
const FILES: u64 = 12;

fn after_full_table(server: &mut Server) -> Result<Fate> {
    let mut clients = Vec::new();
    for _ in 0..FILES {
        match connect_to(server.address, None) {
            Ok(client) => clients.push(client),
            // Refused: nobody listens any more.
            Err(_) if server.child.has_more()? => break,
            Err(error) => return Err(error),
        }
    }
    // The textbook's last words, or ours: EMFILE, and it goes on.
    match server.child.line()? {
        Some(line) if line == "EMFILE" => {}
        Some(line) => return Ok(Fate::Exits(line)),
        None => return Ok(Fate::Exits("no word".into())),
    }
    let last = clients.pop().context("no client")?;
    drop(clients);
    server.asks(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let serves = (Fate::Serves, Fate::Serves);
        let exits = (Fate::Exits("recv: ECONNRESET".into()), Fate::Serves);
        let both = judge_textbook_server(&[serves.clone(), serves.clone()]);
        assert_eq!(both.verdict, Confirmed);
        let ours = judge_textbook_server(&[serves, exits]);
        assert_eq!(ours.verdict, Refuted);
        assert_eq!(
            ours.evidence,
            "the textbook's survived 1 of 2 faults, ours 2 of 2"
        );
    }
}
