//! What listen, SO_REUSEADDR and SO_REUSEPORT do with clients and ports.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use anyhow::ensure;
use nix::sys::socket::{Backlog, SockFlag, setsockopt, sockopt};
use rustix::event::PollFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::claims::patience::until;
use crate::claims::prelude::*;
use crate::lab::one_cpu::OneCpu;
use crate::lab::witness::move_up;
use crate::sys::{SockOpt, Socket};

pub const BACKLOG: Claim = Claim {
    id: "backlog",
    claim: "listen(n): n clients at most",
    asked: "listen(2): 8 clients connect and nobody accepts: how many connections are made? \
            Another listen(2): 50 clients, each accepted at once.",
    experiment: backlog,
};

const LENGTH: i32 = 2;
const WAITING: usize = 8;
const ACCEPTED: usize = 50;

fn backlog(t: &mut Trial) -> Result<Finding> {
    let (listener, address) = listens(t, &ANY_PORT, SockFlag::SOCK_NONBLOCK, LENGTH)?;
    // What one processor has sent over loopback it takes in in that order: when
    // a connection to another port is made, the clients before it have had
    // their answer, or will have none.
    let cpu = OneCpu::hold();
    let control = TcpListener::bind(ANY_PORT).context("bind")?;
    let control = TcpListener::from(move_up(&control).context("F_DUPFD_CLOEXEC")?);
    let control_address = control.local_addr().context("getsockname")?;
    let mut clients = Vec::new();
    for _ in 0..WAITING {
        clients.push(begins_to_connect(address)?);
        drop(connect_to(control_address, None)?);
    }
    drop(cpu);
    let mut waiting = 0;
    for client in &clients {
        waiting += usize::from(has(client, PollFlags::OUT)?);
    }
    t.note(format!(
        "{WAITING} clients connect, and nobody accepts: {waiting} are connected"
    ));
    drop((clients, listener));

    let (listener, address) = listens(t, &ANY_PORT, SockFlag::empty(), LENGTH)?;
    let accepted = t.untraced(|t| -> Result<usize> {
        let mut sockets = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..ACCEPTED {
            clients.push(connect_to(address, None)?);
            sockets.push(t.sys.accept4(&listener)?);
        }
        Ok(sockets.len())
    })?;
    t.note(format!(
        "{ACCEPTED} clients, each accepted at once: {accepted}"
    ));
    Ok(judge_backlog(waiting, accepted))
}

/// socket, bind, listen.
fn listens(
    t: &mut Trial,
    address: &SocketAddr,
    flags: SockFlag,
    length: i32,
) -> Result<(Socket, SocketAddr)> {
    let listener = t.sys.socket_for(Name::Listener, address, flags)?;
    t.sys.bind(&listener, address)?;
    listen(t, &listener, length)?;
    let address = t.sys.getsockname(&listener)?;
    Ok((listener, address))
}

fn listen(t: &mut Trial, listener: &Socket, length: i32) -> Result<()> {
    let length = Backlog::new(length).context("backlog")?;
    Ok(t.sys.listen(listener, length)?)
}

/// A client whose connect does not wait for the answer.
fn begins_to_connect(address: SocketAddr) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let low = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
        .context("socket")?;
    let socket = move_up(&low).context("F_DUPFD_CLOEXEC")?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error).context("connect"),
    }
}

fn judge_backlog(waiting: usize, accepted: usize) -> Finding {
    let evidence = format!(
        "with listen(2), {waiting} of {WAITING} clients were connected when none was accepted, \
         {accepted} of {ACCEPTED} when each was"
    );
    match accepted > LENGTH as usize {
        true => refuted(evidence).why(
            "The number is for those who wait to be accepted (Linux lets one more wait). Who does \
             not fit is not refused: its SYN is dropped, and it tries again a second later.",
        ),
        false => confirmed(evidence).why("No more clients than that were served."),
    }
    .count("waiting", waiting)
    .count("accepted", accepted)
}

pub const REUSEADDR: Claim = Claim {
    id: "reuseaddr",
    claim: "SO_REUSEADDR shares a port",
    asked: "A server closes its one connection and its listener, so that TIME_WAIT is on its \
            side; bind again, without SO_REUSEADDR and with. Then a second listener beside a first.",
    experiment: reuseaddr,
};

fn reuseaddr(t: &mut Trial) -> Result<Finding> {
    let mut restarts = [Ok(()); 2];
    let mut running = None;
    for (restart, reuse) in restarts.iter_mut().zip([false, true]) {
        let (first, (listener, address)) = bound(t, &ANY_PORT, reuse)?;
        first.context("bind")?;
        listen(t, &listener, 8)?;
        let client = connect_to(address, None)?;
        let accepted = t.sys.accept4(&listener)?;
        // Who closes first has the TIME_WAIT.
        t.sys.close(accepted)?;
        hears(&client, PollFlags::RDHUP)?;
        drop(client);
        t.sys.close(listener)?;
        until("TIME_WAIT", || in_time_wait(address.port()))?;
        t.note("the connection is in TIME_WAIT");
        let (result, (again, _)) = bound(t, &address, reuse)?;
        *restart = result;
        running = Some((again, address));
    }
    let (listener, address) = running.context("no listener")?;
    ensure!(
        restarts[1].is_ok(),
        "bind with SO_REUSEADDR: {}",
        done(restarts[1])
    );
    listen(t, &listener, 8)?;
    let (second, _) = bound(t, &address, true)?;
    Ok(judge_reuseaddr(restarts, second))
}

/// What bind(2) said, and what it was asked of.
type Bound = (Result<(), Errno>, (Socket, SocketAddr));

fn bound(t: &mut Trial, address: &SocketAddr, reuse: bool) -> Result<Bound> {
    let listener = t
        .sys
        .socket_for(Name::Listener, address, SockFlag::empty())?;
    if reuse {
        t.sys.setsockopt(&listener, SockOpt::ReuseAddr)?;
    }
    let result = errno(t.sys.bind(&listener, address));
    let address = t.sys.getsockname(&listener)?;
    Ok((result, (listener, address)))
}

/// Whether a connection of this port is in TIME_WAIT.
fn in_time_wait(port: u16) -> Result<bool> {
    let table = fs::read_to_string("/proc/net/tcp").context("/proc/net/tcp")?;
    let local = format!(":{port:04X}");
    let mut rows = table.lines().map(|row| row.split_ascii_whitespace());
    Ok(rows.any(|mut row| {
        let ours = row.nth(1).is_some_and(|address| address.ends_with(&local));
        ours && row.nth(1) == Some("06") // TCP_TIME_WAIT
    }))
}

/// bind after a restart, without and with the option; of a second listener.
fn judge_reuseaddr(restarts: [Result<(), Errno>; 2], second: Result<(), Errno>) -> Finding {
    let [without, with] = restarts.map(done);
    let evidence = format!(
        "after a restart bind said {without}, and with SO_REUSEADDR {with}; beside a first listener \
         it said {}",
        done(second)
    );
    match second {
        Ok(()) => confirmed(evidence).why("Two listeners had the port at once."),
        Err(_) => refuted(evidence).why(
            "It lets a server bind while connections of its last run are in TIME_WAIT. Beside a \
             listener that is still there nobody binds; that would take SO_REUSEPORT.",
        ),
    }
}

pub const REUSEPORT_QUEUE: Claim = Claim {
    id: "reuseport-queue",
    claim: "with SO_REUSEPORT a worker stops unnoticed",
    asked: "Two listeners on one port with SO_REUSEPORT; 20 clients connect, nobody accepts. One \
            listener closes; the other accepts all that it has.",
    experiment: reuseport_queue,
};

const CLIENTS: usize = 20;

fn reuseport_queue(t: &mut Trial) -> Result<Finding> {
    let (stays, address) = shares(t, &ANY_PORT)?;
    let (goes, _) = shares(t, &address)?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(connect_to(address, None)?);
    }
    t.note(format!("{CLIENTS} clients connect"));
    until("a client for that listener", || has(&goes, PollFlags::IN))?;
    t.sys.close(goes)?;
    let accepted = t.untraced(|t| {
        let mut accepted = Vec::new();
        while let Ok(socket) = t.sys.accept4(&stays) {
            accepted.push(socket);
        }
        accepted
    });
    let mut reset = 0;
    until("an answer to every client", || {
        reset = 0;
        for client in &clients {
            reset += usize::from(has(client, PollFlags::HUP | PollFlags::ERR)?);
        }
        Ok(reset + accepted.len() >= CLIENTS)
    })?;
    t.note("the other listener accepts until EAGAIN");
    t.note(match reset {
        0 => "clients that were reset: none",
        _ => "clients that were reset: some",
    });
    Ok(judge_reuseport_queue(accepted.len(), reset))
}

/// A listener that does not block and shares its port.
fn shares(t: &mut Trial, address: &SocketAddr) -> Result<(Socket, SocketAddr)> {
    let flags = SockFlag::SOCK_NONBLOCK;
    let listener = t.sys.socket_for(Name::Listener, address, flags)?;
    setsockopt(&listener, sockopt::ReusePort, &true).context("SO_REUSEPORT")?;
    t.note("setsockopt(SO_REUSEPORT)");
    t.sys.bind(&listener, address)?;
    listen(t, &listener, 64)?;
    let address = t.sys.getsockname(&listener)?;
    Ok((listener, address))
}

fn judge_reuseport_queue(accepted: usize, reset: usize) -> Finding {
    match reset {
        0 => confirmed(format!(
            "{CLIENTS} clients waited; when one listener closed, none was reset"
        ))
        .why("The other listener took them over."),
        _ => refuted(format!(
            "{CLIENTS} clients waited; when one listener closed, some were reset"
        ))
        .why(
            "Each listener has a queue of its own, and close resets who waits in it. So accept \
             until EAGAIN before close, or let the kernel move them (net.ipv4.tcp_migrate_req).",
        ),
    }
    .count("clients", CLIENTS)
    .varies("accepted", accepted as f64)
    .varies("reset", reset as f64)
    .varying(format!(
        "{CLIENTS} clients waited; when one listener closed, {reset} were reset"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_backlog(3, 50).verdict, Refuted);
        assert_eq!(judge_backlog(3, 2).verdict, Confirmed);

        let used = Err(Errno::EADDRINUSE);
        assert_eq!(judge_reuseaddr([used, Ok(())], used).verdict, Refuted);
        assert_eq!(judge_reuseaddr([used, Ok(())], Ok(())).verdict, Confirmed);

        assert_eq!(judge_reuseport_queue(11, 9).verdict, Refuted);
        assert_eq!(judge_reuseport_queue(20, 0).verdict, Confirmed);
    }
}
