//! A server and its clients: who says what, and what each of them hears.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use epoll_lab::trace::escape::quote;

use super::server::{PATIENCE, Program, Server, Verdict, Vigil};
use crate::common::listening;

/// The clients by number: the first that connects is 1.
pub struct Room {
    pub server: Server,
    clients: BTreeMap<usize, TcpStream>,
    last: usize,
}

/// What the others hear when client `number` says `line`.
pub fn told(number: usize, line: &[u8]) -> Vec<u8> {
    [format!("{number}: ").as_bytes(), line].concat()
}

impl Room {
    /// A server that has accepted `clients` clients, two or more.
    pub fn open(program: &Program, clients: usize) -> Verdict<Room> {
        Room::of(Server::start(program)?, clients)
    }

    /// The same with a server that runs already.
    pub fn of(server: Server, clients: usize) -> Verdict<Room> {
        let mut room = Room {
            server,
            clients: BTreeMap::new(),
            last: 0,
        };
        for _ in 0..clients {
            room.connect()?;
        }
        room.roll_call()?;
        Ok(room)
    }

    /// One more client. The server may not have accepted it yet.
    pub fn connect(&mut self) -> Verdict<usize> {
        let connect = |server: &Server| TcpStream::connect(server.addr).ok();
        let stream = self
            .server
            .eventually("it accepts at its ADDR:PORT", connect)?;
        let moment = Some(Duration::from_millis(100));
        stream.set_read_timeout(moment).expect("SO_RCVTIMEO");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("SO_SNDTIMEO");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        self.last += 1;
        self.clients.insert(self.last, stream);
        Ok(self.last)
    }

    /// The last to connect speaks. When all the others have heard it, all have
    /// been accepted: a listener's queue is first in, first out.
    pub fn roll_call(&mut self) -> Verdict {
        let last = self.last;
        self.tells(last, b"here\n").map_err(|complaint| {
            format!(
                "{complaint}\n  client {last} says \"here\" as soon as it has connected: is it \
                 accepted, and was every client before it?"
            )
        })
    }

    /// Client `number` sends `bytes`, in one send.
    pub fn says(&mut self, number: usize, bytes: &[u8]) -> Verdict {
        let mut stream = self.client(number);
        let sent = stream.write_all(bytes);
        sent.map_err(|e| format!("client {number} cannot send: {e}; {}", self.server.state()))
    }

    /// The next that client `number` receives is `due`, byte for byte.
    pub fn hears(&mut self, number: usize, due: &[u8]) -> Verdict {
        let mut got = Vec::new();
        let why = loop {
            if got == due {
                return Ok(());
            }
            let (good, rest) = got.split_at(got.len().min(due.len()));
            if !due.starts_with(good) || !rest.is_empty() {
                break String::from("a wrong byte");
            }
            let mut part = vec![0; due.len() - got.len()];
            match self.receive(number, &mut part) {
                Ok(0) => break String::from("the end of the connection"),
                Ok(n) => got.extend_from_slice(&part[..n]),
                Err(e) => break e.to_string(),
            }
        };
        let right = got.iter().zip(due).take_while(|(a, b)| a == b).count();
        // Of a long line, the place where it goes wrong.
        let (from, place) = match right.saturating_sub(10) {
            from @ 1.. if due.len() > 60 => (from, format!("\n  (shown from byte {from} on)")),
            _ => (0, String::new()),
        };
        Err(format!(
            "client {number} is due {} bytes, {}\n  it received {} bytes, {}, then {why}{place}\n  {}",
            due.len(),
            quote(&due[from..], 60),
            got.len(),
            quote(&got[from..], 60),
            self.server.state(),
        ))
    }

    /// recv of client `number`, for as long as something may come.
    fn receive(&self, number: usize, part: &mut [u8]) -> io::Result<usize> {
        let mut vigil = Vigil::new();
        loop {
            match self.client(number).read(part) {
                Err(e) if !is_timeout(&e) => return Err(e),
                Err(_) if vigil.is_vain(&self.server) => {
                    return Err(io::Error::new(ErrorKind::TimedOut, "nothing more"));
                }
                Err(_) => {}
                Ok(n) => return Ok(n),
            }
        }
    }

    /// All but client `number` hear `due` next.
    pub fn others_hear(&mut self, number: usize, due: &[u8]) -> Verdict {
        let others: Vec<usize> = self.numbers().filter(|other| *other != number).collect();
        others
            .into_iter()
            .try_for_each(|other| self.hears(other, due))
    }

    /// Client `number` says one line, and all the others hear it.
    pub fn tells(&mut self, number: usize, line: &[u8]) -> Verdict {
        self.says(number, line)?;
        self.others_hear(number, &told(number, line))
    }

    /// Client `number` will send no more: a hang-up.
    pub fn shuts_down(&mut self, number: usize) {
        // An error: the connection is gone already.
        let _ = self.client(number).shutdown(Shutdown::Write);
    }

    /// Client `number` hears nothing more but the end of the connection.
    pub fn is_let_go(&mut self, number: usize) -> Verdict {
        let mut part = [0; 64];
        let end = self.receive(number, &mut part);
        self.clients.remove(&number);
        let state = self.server.state();
        match end {
            Ok(0) => Ok(()),
            Ok(n) => {
                let more = quote(&part[..n], 60);
                Err(format!(
                    "client {number} is due nothing more, and received {more}"
                ))
            }
            Err(e) => Err(format!(
                "client {number} has hung up and waits for the end of the connection: {e}; {state}"
            )),
        }
    }

    pub fn hangs_up(&mut self, number: usize) -> Verdict {
        self.shuts_down(number);
        self.is_let_go(number)
    }

    /// Client `number` resets its connection (SO_LINGER 0).
    pub fn resets(&mut self, number: usize) {
        let stream = self.clients.remove(&number).expect("a client");
        listening::reset(stream);
    }

    /// All that client `number` still receives: up to the end of the
    /// connection, or `enough` bytes.
    pub fn rest_of(&mut self, number: usize, enough: usize) -> Verdict<Vec<u8>> {
        let mut rest = Vec::new();
        let mut part = vec![0; 1 << 16];
        while rest.len() < enough {
            match self.receive(number, &mut part) {
                Ok(0) => break,
                Ok(n) => rest.extend_from_slice(&part[..n]),
                Err(e) if is_timeout(&e) => {
                    let (count, state) = (rest.len(), self.server.state());
                    return Err(format!(
                        "client {number} received {count} bytes, then neither more, up to \
                         {enough}, nor the end of the connection; {state}"
                    ));
                }
                Err(_) => break, // a reset ends it too
            }
        }
        Ok(rest)
    }

    /// Client `number` has no part in the rest.
    pub fn forget(&mut self, number: usize) {
        self.clients.remove(&number);
    }

    /// Everybody hangs up; nobody hears anything more.
    pub fn close(mut self) -> Verdict {
        self.leave()
    }

    /// The same, and the server stays.
    pub fn leave(&mut self) -> Verdict {
        let left: Vec<usize> = self.numbers().collect();
        left.into_iter()
            .try_for_each(|number| self.hangs_up(number))?;
        match self.server.lives() {
            true => Ok(()),
            false => Err(self.server.state()),
        }
    }

    pub fn numbers(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.clients.keys().copied()
    }

    fn client(&self, number: usize) -> &TcpStream {
        &self.clients[&number]
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
