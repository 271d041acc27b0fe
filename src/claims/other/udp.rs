//! Datagrams.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};

use anyhow::ensure;
use rustix::event::PollFlags;

use crate::claims::patience::until;
use crate::claims::prelude::*;
use crate::lab::witness::move_up;

/// A UDP socket, and one that is connected to it.
pub fn datagrams(t: &mut Trial) -> Result<(Conn, UdpSocket)> {
    let ours = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let address = ours.local_addr().context("getsockname")?;
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let peer = UdpSocket::from(move_up(&peer).context("F_DUPFD_CLOEXEC")?);
    peer.connect(address).context("connect")?;
    ours.connect(peer.local_addr().context("getsockname")?)
        .context("connect")?;
    ours.set_nonblocking(true).context("O_NONBLOCK")?;
    let name = t.client();
    let socket = t.sys.keep(ours.into(), name);
    t.note(format!(
        "a UDP socket of ours, connected to that of client {name}"
    ));
    // The client's end is no TcpStream: it is handed out beside ours.
    let ours = Conn {
        socket,
        peer: None,
        name,
    };
    Ok((ours, peer))
}

pub const UDP_SHORT: Claim = Claim {
    id: "udp-short",
    claim: "a short recv proves a UDP socket drained",
    asked: "Three datagrams of 5 bytes arrive, edge-triggered; one recv of at most 16, another \
            wait. What is still there?",
    experiment: udp_short,
};

fn udp_short(t: &mut Trial) -> Result<Finding> {
    let (a, peer) = datagrams(t)?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    let port = peer.peer_addr().context("getpeername")?.port();
    t.note("its client sends three datagrams of 5 bytes");
    peer.send(b"first").context("send")?;
    hears(&a.socket, PollFlags::IN)?;
    let one = queued(port)?;
    for data in [b"other", b"third"] {
        peer.send(data).context("send")?;
    }
    until("three datagrams", || Ok(queued(port)? >= 3 * one))?;
    let first = t.wait(&epoll)?.len();
    let read = t.recv(&a, 16).context("recv")?.len();
    let again = t.wait(&epoll)?.len();
    let mut stranded = 0;
    while t.recv(&a, 16).is_ok() {
        stranded += 1;
    }
    ensure!(first == 1, "the arrival was reported {first} times");
    Ok(judge_udp_short(read, again, stranded))
}

/// What waits in the receive queue of a UDP socket, as the kernel accounts
/// for it: the same for datagrams of one size.
fn queued(port: u16) -> Result<u64> {
    let table = fs::read_to_string("/proc/net/udp").context("/proc/net/udp")?;
    let local = format!(":{port:04X}");
    let rows = table.lines().map(|row| row.split_ascii_whitespace());
    let mut queues = rows.filter_map(|mut row| {
        let ours = row.nth(1)?.ends_with(&local);
        let queues = row.nth(2)?; // TX:RX
        let (_, rx) = queues.split_once(':')?;
        ours.then(|| u64::from_str_radix(rx, 16).ok())?
    });
    queues.next().context("/proc/net/udp has no such socket")
}

fn judge_udp_short(read: usize, again: usize, stranded: usize) -> Finding {
    let evidence = format!(
        "recv with room for 16 returned {read}; then {} came, and {stranded} datagrams were stranded",
        reports(again)
    );
    match (again, stranded) {
        (_, 0) => confirmed(evidence).why("The one recv took all three."),
        (0, _) => refuted(evidence).why(
            "One recv is one datagram, however much room there is. Only EAGAIN says that none is \
             left.",
        ),
        _ => refuted(evidence).why("It was not drained, but the rest was reported again."),
    }
    .count("read", read)
    .count("reports_after", again)
    .count("stranded", stranded)
}

pub const UDP_ZERO: Claim = Claim {
    id: "udp-zero",
    claim: "recv = 0 means that the peer has closed",
    asked: "UDP: an empty datagram arrives, then one of 5 bytes.",
    experiment: udp_zero,
};

fn udp_zero(t: &mut Trial) -> Result<Finding> {
    let (a, peer) = datagrams(t)?;
    let mut reads = Vec::new();
    for data in [&b""[..], b"hello"] {
        t.note(format!("its client sends {} bytes", data.len()));
        peer.send(data).context("send")?;
        hears(&a.socket, PollFlags::IN)?;
        reads.push(t.recv(&a, 16).map(|data| data.len()));
    }
    Ok(judge_udp_zero(reads[0], reads[1]))
}

fn judge_udp_zero(empty: Result<usize, Errno>, next: Result<usize, Errno>) -> Finding {
    let evidence = format!(
        "recv said {} for an empty datagram, and {} for the next one",
        outcome(&empty),
        outcome(&next)
    );
    match (empty, next) {
        (Ok(0), Ok(1..)) => refuted(evidence).why(
            "For datagrams 0 is an empty one, and has no end to tell: a UDP socket has no \
             connection that could close. For TCP it does mean the end.",
        ),
        _ => confirmed(evidence).why("After the 0 nothing more came."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_udp_short(5, 0, 2).verdict, Refuted);
        assert_eq!(judge_udp_short(15, 0, 0).verdict, Confirmed);
        assert_ne!(judge_udp_short(5, 1, 2).why, judge_udp_short(5, 0, 2).why);

        assert_eq!(judge_udp_zero(Ok(0), Ok(5)).verdict, Refuted);
        assert_eq!(judge_udp_zero(Ok(0), Ok(0)).verdict, Confirmed);
        let nothing = Err(Errno::EAGAIN);
        assert_eq!(judge_udp_zero(nothing, nothing).verdict, Confirmed);
    }
}
