//! EPOLLOUT and EPOLLET: what makes an edge.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags as Poll, PollTimeout};
use nix::sys::epoll::Epoll;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use rustix::event::PollFlags;

use crate::claims::claim::Claim;
use crate::claims::finding::{Finding, confirmed, depends, refuted};
use crate::claims::other::{datagrams, unix_pair};
use crate::claims::patience::until;
use crate::claims::trial::{Conn, ET, OUT, Trial, hears};
use crate::claims::writing::writable::{BUFFER, SILENCE};
use crate::lab::witness::move_up;
use crate::trace::{CtlOp, Name};

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
    let high = move_up(&reader).context("F_DUPFD_CLOEXEC")?;
    reader = std::io::PipeReader::from(high);
    let writer = t.sys.keep(writer.into(), Name::Other("pipe"));
    let epoll = t.sys.epoll_create1()?;
    t.sys.epoll_ctl(&epoll, CtlOp::Add, &writer, OUT | ET)?;
    t.wait(&epoll)?;
    t.note("write(2) of 5 bytes, the reader reads them, a wait: five times");
    for _ in 0..SENDS {
        nix::unistd::write(&writer, b"hello").context("write")?;
        reader.read_exact(&mut [0; 5]).context("read")?;
        reports[2] += t.wait(&epoll)?.len();
    }
    let (ours, mut peer) = unix_pair(t)?;
    let epoll = t.sys.epoll_create1()?;
    t.sys.epoll_ctl(&epoll, CtlOp::Add, &ours, OUT | ET)?;
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
    let finding = match (tcp, udp + pipe + unix) {
        (0, 0) => confirmed(evidence).why("None of the four told again what was so before."),
        (0, _) => depends(evidence).why(
            "TCP and a pipe tell only when there was no room. A datagram or a Unix message that \
             leaves the send buffer is an edge each time, though there was room all along.",
        ),
        _ => refuted(evidence).why("Not even TCP kept silent."),
    };
    finding
        .count("tcp", tcp as u64)
        .count("udp", udp as u64)
        .count("pipe", pipe as u64)
        .count("unix", unix as u64)
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
    let mut reports = [0; 3];
    t.note("sent until EAGAIN, read by the client, a wait of 50 ms:");
    let full = t.untraced(|t| {
        let (a, epoll) = silent(t)?;
        let full = fill(&a, usize::MAX)?;
        reports[0] = drained(t, &a, &epoll, full)?;
        anyhow::Ok(full)
    })?;
    t.note(format!("  reports: {}", reports[0]));
    let most = (full as f64 * SHARE) as usize;
    t.note("sent until 85 % of that, no EAGAIN, read by the client:");
    t.untraced(|t| {
        let (b, epoll) = silent(t)?;
        fill(&b, most)?;
        reports[1] = drained(t, &b, &epoll, most)?;
        anyhow::Ok(())
    })?;
    t.note(format!("  reports: {}", reports[1]));
    t.note("the same, and one poll(POLLOUT) before the client reads:");
    let polled = t.untraced(|t| {
        let (c, epoll) = silent(t)?;
        fill(&c, most)?;
        let mut asked = [PollFd::new(c.socket.as_fd(), Poll::POLLOUT)];
        let polled = nix::poll::poll(&mut asked, PollTimeout::ZERO).context("poll")?;
        reports[2] = drained(t, &c, &epoll, most)?;
        anyhow::Ok(polled)
    })?;
    t.note(format!("  poll: {polled}; reports: {}", reports[2]));
    ensure!(polled == 0, "at 85 % the socket is writable still");
    Ok(judge_out_needs_eagain(reports, full))
}

/// A connection whose first report has been taken.
fn silent(t: &mut Trial) -> Result<(Conn, Epoll)> {
    let a = t.small_connection(BUFFER)?;
    t.nonblocking(&a)?;
    let epoll = t.epoll_of(&[&a], OUT | ET)?;
    ensure!(
        t.wait(&epoll)?.len() == 1,
        "an empty buffer is not reported"
    );
    Ok((a, epoll))
}

/// Sends so many bytes, or until EAGAIN; how many that were.
fn fill(a: &Conn, most: usize) -> Result<usize> {
    let mut bytes = 0;
    while bytes < most {
        let length = 512.min(most - bytes);
        match send(
            a.socket.as_raw_fd(),
            &[b'x'; 512][..length],
            MsgFlags::MSG_NOSIGNAL,
        ) {
            Ok(taken) => bytes += taken,
            Err(Errno::EAGAIN) if most == usize::MAX => break,
            Err(Errno::EAGAIN) => bail!("EAGAIN after {bytes} bytes, before 85 %"),
            Err(errno) => return Err(errno).context("send"),
        }
    }
    Ok(bytes)
}

/// The client reads it all: whether there is a report after that.
fn drained(t: &mut Trial, a: &Conn, epoll: &Epoll, bytes: usize) -> Result<usize> {
    a.receives(bytes)?;
    // The last acknowledgement may be on its way.
    Ok(t.wait_for(epoll, 1, SILENCE)?.len())
}

/// Reports after EAGAIN, at 85 %, at 85 % and after a poll.
fn judge_out_needs_eagain(reports: [usize; 3], full: usize) -> Finding {
    let [eagain, nearly, polled] = reports;
    let evidence = format!(
        "reports of room: {eagain} after EAGAIN, {nearly} at 85 % without one, {polled} after a poll \
         that said no"
    );
    let finding = match reports {
        [1, 1, _] => confirmed(evidence).why("With EAGAIN and without."),
        [1, 0, _] => depends(evidence).why(
            "Only a send that failed, or a poll that said no, asks to be told. Who stops sending \
             of their own accord waits for ever: so send until EAGAIN.",
        ),
        _ => refuted(evidence).why("Not even after EAGAIN."),
    };
    finding
        .count("after_eagain", eagain as u64)
        .count("without_eagain", nearly as u64)
        .count("after_a_poll", polled as u64)
        .varies("filled_bytes", full as f64)
}

pub const OUT_IGNORED: Claim = Claim {
    id: "out-ignored",
    claim: "write events need not be watched",
    asked: "64 answers of 4,096 bytes to a client that reads late; what a send does not take is \
            dropped. Then the same with the rest kept, and EPOLLOUT asked for while there is one.",
    experiment: out_ignored,
};

const ANSWERS: usize = 64;
const ANSWER: usize = 4_096;

fn out_ignored(t: &mut Trial) -> Result<Finding> {
    let total = ANSWERS * ANSWER;
    t.note(format!(
        "{ANSWERS} sends of {ANSWER} bytes; the client reads after the last"
    ));
    let dropped = t.untraced(|t| {
        let a = t.small_connection(BUFFER)?;
        t.nonblocking(&a)?;
        for _ in 0..ANSWERS {
            // As in print: the result is not looked at.
            let _ = send(
                a.socket.as_raw_fd(),
                &[b'x'; ANSWER],
                MsgFlags::MSG_NOSIGNAL,
            );
        }
        shutdown(a.socket.as_raw_fd(), Shutdown::Write).context("shutdown")?;
        let mut arrived = 0;
        until("the end", || Ok(reads(&a, &mut arrived)?.is_none()))?;
        anyhow::Ok(total - arrived)
    })?;
    t.note(match dropped {
        0 => "arrived: all of it",
        _ => "arrived: not all of it",
    });
    t.note("the same; the rest is kept until EPOLLOUT is reported");
    let kept = t.untraced(|t| {
        let a = t.small_connection(BUFFER)?;
        t.nonblocking(&a)?;
        let epoll = t.epoll_of(&[&a], OUT)?;
        let (mut sent, mut arrived) = (0, 0);
        until("what we sent", || {
            let writable = sent < total && !t.wait(&epoll)?.is_empty();
            if writable {
                let rest = ANSWER.min(total - sent);
                match send(
                    a.socket.as_raw_fd(),
                    &[b'x'; ANSWER][..rest],
                    MsgFlags::MSG_NOSIGNAL,
                ) {
                    Ok(taken) => sent += taken,
                    Err(Errno::EAGAIN) => {}
                    Err(errno) => return Err(errno).context("send"),
                }
            } else {
                // Late: when there is no room left.
                reads(&a, &mut arrived)?;
            }
            Ok(arrived == total)
        })?;
        anyhow::Ok(total - arrived)
    })?;
    t.note(format!("arrived: all but {kept} bytes"));
    Ok(judge_out_ignored(dropped, kept))
}

/// The client reads what is there; `None` at the end of the file.
fn reads(a: &Conn, arrived: &mut usize) -> Result<Option<()>> {
    let mut peer = a.peer.as_ref().context("no client")?;
    match peer.read(&mut [0; ANSWER]) {
        Ok(0) => return Ok(None),
        Ok(read) => *arrived += read,
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error).context("read"),
    }
    Ok(Some(()))
}

fn judge_out_ignored(dropped: usize, kept: usize) -> Finding {
    let some = if dropped > 0 { "some" } else { "0" };
    let evidence =
        format!("a client that read late lost {some} bytes; with EPOLLOUT watched it lost {kept}");
    let finding = match (dropped, kept) {
        (0, _) => confirmed(evidence).why("All of it arrived."),
        (_, 0) => refuted(evidence).why(
            "A send that finds no room takes a part or nothing. What is left has to be kept, and \
             EPOLLOUT says when to go on; without a rest it is not asked for.",
        ),
        _ => refuted(evidence).why("Bytes are lost either way."),
    };
    finding
        .varies("lost", dropped as f64)
        .count("lost_with_epollout", kept as u64)
        .varying(format!(
            "a client that read late lost {dropped} bytes; with EPOLLOUT watched it lost {kept}"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::finding::Verdict::{Confirmed, Depends, Refuted};

    #[test]
    fn judges() {
        assert_eq!(judge_out_once([0, 5, 0, 5]).verdict, Depends);
        assert_eq!(judge_out_once([0; 4]).verdict, Confirmed);
        assert_eq!(judge_out_once([5; 4]).verdict, Refuted);

        assert_eq!(judge_out_needs_eagain([1, 0, 1], 9).verdict, Depends);
        assert_eq!(judge_out_needs_eagain([1, 1, 1], 9).verdict, Confirmed);
        assert_eq!(judge_out_needs_eagain([0, 0, 0], 9).verdict, Refuted);

        assert_eq!(judge_out_ignored(100, 0).verdict, Refuted);
        assert_eq!(judge_out_ignored(0, 0).verdict, Confirmed);
        assert_ne!(judge_out_ignored(9, 9).why, judge_out_ignored(9, 0).why);
    }
}
