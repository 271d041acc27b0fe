//! EPOLLOUT and EPOLLET: what makes an edge.

use std::io::Read;

use anyhow::{bail, ensure};
use nix::sys::socket::MsgFlags;
use rustix::event::PollFlags;

use crate::claims::other::{datagrams, unix_pair};
use crate::claims::prelude::*;
use crate::claims::writing::writable::{BUFFER, SILENCE};
use crate::lab::witness::move_up;

/// Sends after the first report.
const SENDS: usize = 5;

pub const OUT_ONCE: Claim = Claim {
    id: "out-once",
    claim: "ET reports EPOLLOUT once, whatever is sent",
    asked: "EPOLLOUT and EPOLLET; the report of the ADD is taken. Then five times: send, until \
            the other end has it and has read it; wait. On TCP, UDP, a pipe, a Unix socket.",
    experiment: out_once,
};

fn out_once(t: &mut Trial) -> Result<Finding> {
    let mut reports = [0; 4];

    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], OUT | ET)?;
    t.wait(&epoll)?;
    t.note("send(A, ..., 5), A's client reads it, a wait: five times");
    reports[0] = t.untraced(|t| {
        let mut reports = 0;
        for _ in 0..SENDS {
            t.sys.send(&a.socket, b"hello", MsgFlags::MSG_NOSIGNAL)?;
            a.receives(5)?;
            reports += t.wait(&epoll)?.len();
        }
        anyhow::Ok(reports)
    })?;
    t.note(format!("  reports: {}", reports[0]));
    let (b, peer) = datagrams(t)?;
    let epoll = t.epoll_of(&[&b], OUT | ET)?;
    t.wait(&epoll)?;
    t.note("the same on that socket");
    reports[1] = t.untraced(|t| {
        let mut reports = 0;
        for _ in 0..SENDS {
            t.sys.send(&b.socket, b"hello", MsgFlags::MSG_NOSIGNAL)?;
            hears(&peer, PollFlags::IN)?;
            peer.recv(&mut [0; 16]).context("recv")?;
            reports += t.wait(&epoll)?.len();
        }
        anyhow::Ok(reports)
    })?;
    t.note(format!("  reports: {}", reports[1]));
    let (mut reader, writer) = std::io::pipe().context("pipe2")?;
    reader = move_up(&reader).context("F_DUPFD_CLOEXEC")?.into();
    let writer = t.sys.keep(writer.into(), Name::Other("pipe"));
    let epoll = t.epoll_of(&[&writer], OUT | ET)?;
    t.wait(&epoll)?;
    t.note("write(2) of 5 bytes, the reader reads them, a wait: five times");
    for _ in 0..SENDS {
        nix::unistd::write(&writer, b"hello").context("write")?;
        reader.read_exact(&mut [0; 5]).context("read")?;
        reports[2] += t.wait(&epoll)?.len();
    }
    let (ours, mut peer) = unix_pair(t)?;
    let epoll = t.epoll_of(&[&ours], OUT | ET)?;
    t.wait(&epoll)?;
    t.note("the same with send(2) on a Unix socket");
    for _ in 0..SENDS {
        nix::unistd::write(&ours, b"hello").context("write")?;
        peer.read_exact(&mut [0; 5]).context("read")?;
        reports[3] += t.wait(&epoll)?.len();
    }
    Ok(judge_out_once(reports))
}

/// Reports after the first: TCP, UDP, a pipe, a Unix socket.
fn judge_out_once([tcp, udp, pipe, unix]: [usize; 4]) -> Finding {
    let evidence = format!(
        "five sends brought {tcp} reports on TCP, {udp} on UDP, {pipe} on a pipe, {unix} on a Unix socket"
    );
    match (tcp, udp + pipe + unix) {
        (0, 0) => confirmed(evidence).why("None of the four told again what was so before."),
        (0, _) => depends(evidence).why(
            "TCP and a pipe tell only when there was no room. A datagram or a Unix message that \
             leaves the send buffer is an edge each time, though there was room all along.",
        ),
        _ => refuted(evidence).why("Not even TCP kept silent."),
    }
    .count("tcp", tcp)
    .count("udp", udp)
    .count("pipe", pipe)
    .count("unix", unix)
}

pub const OUT_NEEDS_EAGAIN: Claim = Claim {
    id: "out-needs-eagain",
    claim: "when there is room again, ET tells",
    asked: "A send buffer is filled, the client reads it all, edge-triggered: is there a report? \
            Filled until EAGAIN; so full that poll says no, but without EAGAIN and without that \
            poll; and with that one poll.",
    experiment: out_needs_eagain,
};

/// How much of the buffer is used in the cases without EAGAIN.
const SHARE: f64 = 0.85;

fn out_needs_eagain(t: &mut Trial) -> Result<Finding> {
    let nothing = |_: &Conn| Ok(());
    t.note("sent until EAGAIN, read by the client, a wait of 50 ms:");
    let (full, eagain) = t.untraced(|t| refill(t, usize::MAX, nothing))?;
    t.note(format!("  reports: {eagain}"));
    let most = (full as f64 * SHARE) as usize;
    t.note("sent until 85 % of that, no EAGAIN, read by the client:");
    let (_, nearly) = t.untraced(|t| refill(t, most, nothing))?;
    t.note(format!("  reports: {nearly}"));
    t.note("the same, and one poll(POLLOUT) before the client reads:");
    let mut writable = true;
    let poll = |a: &Conn| {
        writable = has(a, PollFlags::OUT)?;
        Ok(())
    };
    let (_, polled) = t.untraced(|t| refill(t, most, poll))?;
    t.note(format!("  poll: {}; reports: {polled}", u8::from(writable)));
    ensure!(!writable, "at 85 % the socket is writable still");
    Ok(judge_out_needs_eagain([eagain, nearly, polled], full))
}

/// Sends so many bytes, or until EAGAIN, to a client that reads all of them
/// then: how many that were, and the reports after it.
fn refill(
    t: &mut Trial,
    most: usize,
    before_it_reads: impl FnOnce(&Conn) -> Result<()>,
) -> Result<(usize, usize)> {
    let a = t.small_connection(BUFFER)?;
    t.nonblocking(&a)?;
    let epoll = t.epoll_of(&[&a], OUT | ET)?;
    let first = t.wait(&epoll)?.len();
    ensure!(first == 1, "an empty buffer is not reported");
    let bytes = fill(&a, most)?;
    before_it_reads(&a)?;
    a.receives(bytes)?;
    // The last acknowledgement may be on its way.
    Ok((bytes, t.wait_for(&epoll, 1, SILENCE)?.len()))
}

/// Sends so many bytes, or until EAGAIN; how many that were.
fn fill(a: &Conn, most: usize) -> Result<usize> {
    let mut bytes = 0;
    while bytes < most {
        let length = 512.min(most - bytes);
        match a.send_if_room(&[b'x'; 512][..length])? {
            0 if most == usize::MAX => break,
            0 => bail!("EAGAIN after {bytes} bytes, before 85 %"),
            taken => bytes += taken,
        }
    }
    Ok(bytes)
}

/// Reports after EAGAIN, at 85 %, at 85 % and after a poll.
fn judge_out_needs_eagain(counts: [usize; 3], full: usize) -> Finding {
    let [eagain, nearly, polled] = counts;
    let evidence = format!(
        "new room brought {} after EAGAIN, {} at 85 % without EAGAIN, and {} after a poll that said no",
        reports(eagain),
        reports(nearly),
        reports(polled)
    );
    match counts {
        [1, 1, _] => confirmed(evidence).why("With EAGAIN and without."),
        [1, 0, _] => depends(evidence).why(
            "Only a send that failed, or a poll that said no, asks to be told. Who stops sending \
             of their own accord waits for ever: so send until EAGAIN.",
        ),
        _ => refuted(evidence).why("Not even after EAGAIN."),
    }
    .count("after_eagain", eagain)
    .count("without_eagain", nearly)
    .count("after_a_poll", polled)
    .varies("filled_bytes", full as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_out_once([0, 5, 0, 5]).verdict, Depends);
        assert_eq!(judge_out_once([0; 4]).verdict, Confirmed);
        assert_eq!(judge_out_once([5; 4]).verdict, Refuted);

        assert_eq!(judge_out_needs_eagain([1, 0, 1], 9).verdict, Depends);
        assert_eq!(judge_out_needs_eagain([1, 1, 1], 9).verdict, Confirmed);
        assert_eq!(judge_out_needs_eagain([0, 0, 0], 9).verdict, Refuted);
    }
}
