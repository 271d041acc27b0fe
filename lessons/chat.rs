//! A line-based chat server on edge-triggered epoll: the exercise of lesson 11.
//! Write your own before you read on.
//!
//!     cargo run --example chat -- 127.0.0.1:9999
//!
//! Read from the top down: `main`, `accept_all`, `drain`, `take`, `tell_all`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt::TcpNoDelay};
use rustix::net::{SocketFlags, accept_with};

const BUFFER: usize = 5; // small, so that a drain that stops early shows
const MAX_LINE: usize = 16384; // with its newline
const MAX_EVENTS: usize = 64; // what is ready beyond that comes with the next wait

/// Without EPOLLET this would be a level-triggered server.
const IN_ET: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLET);

/// What the listener's events carry; those of a client carry its number.
const LISTENER: u64 = 0;

struct Client {
    socket: OwnedFd, // dropped with the client: close(2)
    prefix: usize,   // the length of "2: "
    line: Vec<u8>,   // "2: ", then what has come of the line
}

/// By number. Unlike an fd, a number is not used again: an event for a client
/// that is gone in the meantime finds nobody.
type Clients = BTreeMap<u64, Client>;

/// What becomes of a client that has been served.
#[derive(PartialEq, Eq)]
enum Next {
    Wait,
    Close,
}

fn main() -> anyhow::Result<()> {
    let addr = std::env::args().nth(1);
    let addr = addr.context("usage: chat ADDR:PORT")?;
    let listener = TcpListener::bind(&addr).context(addr)?; // SO_REUSEADDR too
    listener.set_nonblocking(true)?; // for accept_all
    // Each accepted socket inherits it: a short line goes out at once.
    setsockopt(&listener, TcpNoDelay, &true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(IN_ET, LISTENER))?;

    let mut clients = Clients::new();
    let mut last_number = LISTENER;
    let mut events = [EpollEvent::empty(); MAX_EVENTS];
    loop {
        let ready = match epoll.wait(&mut events, EpollTimeout::NONE) {
            // Only a call that sleeps is interrupted, so no other says EINTR.
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        for number in events[..ready].iter().map(EpollEvent::data) {
            if number == LISTENER {
                accept_all(&epoll, &listener, &mut clients, &mut last_number);
            } else if let Some(mut client) = clients.remove(&number) {
                // Taken out for as long as it is served: left are the others.
                if drain(&mut client, &mut clients) == Next::Wait {
                    clients.insert(number, client);
                }
            }
        }
    }
}

/// Accepts until EAGAIN: the listener is edge-triggered too, and one event can
/// stand for many connections.
fn accept_all(epoll: &Epoll, listener: &TcpListener, clients: &mut Clients, last: &mut u64) {
    loop {
        let socket = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok(socket) => socket,
            Err(rustix::io::Errno::CONNABORTED) => continue, // reset while it was queued
            Err(_) => return, // EAGAIN; or EMFILE, and the rest stays queued
        };
        let number = *last + 1;
        if epoll.add(&socket, EpollEvent::new(IN_ET, number)).is_err() {
            continue; // no room: this one is refused, the others go on
        }
        let line = format!("{number}: ").into_bytes();
        let prefix = line.len();
        clients.insert(
            number,
            Client {
                socket,
                prefix,
                line,
            },
        );
        *last = number;
    }
}

/// Reads until EAGAIN: edge-triggered, no event reports again what is left.
fn drain(client: &mut Client, others: &mut Clients) -> Next {
    let mut buffer = [0; BUFFER];
    loop {
        match recv(client.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) => return Next::Close, // a hang-up
            Ok(n) if take(client, &buffer[..n], others) == Next::Wait => {}
            Ok(_) => return Next::Close, // a line too long
            // Drained: what comes next is a new event.
            Err(Errno::EAGAIN) => return Next::Wait,
            Err(_) => return Next::Close, // a reset
        }
    }
}

/// Adds what has come to the client's line, and passes on each that is whole.
fn take(client: &mut Client, bytes: &[u8], others: &mut Clients) -> Next {
    for &byte in bytes {
        if client.line.len() == client.prefix + MAX_LINE {
            return Next::Close;
        }
        client.line.push(byte);
        if byte == b'\n' {
            tell_all(others, &client.line);
            client.line.truncate(client.prefix);
        }
    }
    Next::Wait
}

/// Sends a line to all. One whose kernel buffer has no room for the whole of
/// it is dropped: to wait would stop everybody else.
fn tell_all(others: &mut Clients, line: &[u8]) {
    others.retain(|_, client| {
        // MSG_NOSIGNAL: one who is gone gives EPIPE, and no SIGPIPE.
        let sent = send(client.socket.as_raw_fd(), line, MsgFlags::MSG_NOSIGNAL);
        sent == Ok(line.len()) // else a short send, EAGAIN, EPIPE, ECONNRESET
    });
}
