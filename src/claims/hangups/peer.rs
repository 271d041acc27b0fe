//! The other end goes.

use nix::sys::socket::MsgFlags;

use crate::claims::prelude::*;

pub const EOF: Claim = Claim {
    id: "eof",
    claim: "a closed peer shows as recv = 0, blocking or not",
    asked: "The client closes; recv on a blocking socket and on one with O_NONBLOCK.",
    experiment: eof,
};

fn eof(t: &mut Trial) -> Result<Finding> {
    let (mut a, mut b) = (t.connection()?, t.connection()?);
    t.nonblocking(&b)?;
    t.closes(&mut a)?;
    t.closes(&mut b)?;
    let blocking = t.recv(&a, 5).map(|data| data.len());
    let nonblocking = t.recv(&b, 5).map(|data| data.len());
    Ok(judge_eof(blocking, nonblocking))
}

fn judge_eof(blocking: Result<usize, Errno>, nonblocking: Result<usize, Errno>) -> Finding {
    let evidence = format!(
        "recv returned {} on the blocking socket, and {} with O_NONBLOCK",
        outcome(&blocking),
        outcome(&nonblocking)
    );
    match (blocking, nonblocking) {
        (Ok(0), Ok(0)) => confirmed(evidence)
            .why("0 is the end of the file; EAGAIN means only that nothing is there yet."),
        _ => refuted(evidence).why("The end of the file looked different."),
    }
}

pub const HALF_CLOSE: Claim = Claim {
    id: "half-close",
    claim: "EPOLLRDHUP means the connection is dead",
    asked: "The client says that it will send no more (SHUT_WR); then we send to it.",
    experiment: half_close,
};

fn half_close(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | RDHUP)?;
    t.half_closes(&a)?;
    let events = events(&t.wait(&epoll)?);
    let sent = t
        .sys
        .send(&a.socket, b"still there?", MsgFlags::MSG_NOSIGNAL)?;
    let arrived = t.receives(&a, sent)?.len();
    Ok(judge_half_close(events, sent, arrived))
}

fn judge_half_close(events: EpollFlags, sent: usize, arrived: usize) -> Finding {
    let evidence = format!(
        "{} was reported, and {arrived} of {sent} bytes still arrived",
        short(events)
    );
    match (events.contains(RDHUP), arrived == sent) {
        (true, true) => refuted(evidence).why(
            "One direction has ended. A server that closes on RDHUP cuts off answers: \
             `echo x | nc` half-closes before it reads.",
        ),
        (true, false) => confirmed(evidence).why("What we sent did not arrive."),
        (false, _) => refuted(evidence).why("A half-close was not told as RDHUP."),
    }
    .count("sent", sent)
    .count("arrived", arrived)
}

pub const RESET: Claim = Claim {
    id: "reset",
    claim: "a reset looks like a close",
    asked: "A closes. B is reset (SO_LINGER 0 and close), and so is C, with 3 bytes unread. What \
            is reported, and what does recv return?",
    experiment: reset,
};

/// The events of a hang-up, and what recv returned until it returned 0 or the
/// same again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    events: EpollFlags,
    recvs: Vec<Result<usize, Errno>>,
}

fn reset(t: &mut Trial) -> Result<Finding> {
    let mut ends = Vec::new();
    let (mut a, mut b, mut c) = (t.connection()?, t.connection()?, t.connection()?);
    let epolls = [&a, &b, &c].map(|conn| t.epoll_of(&[conn], IN | RDHUP));
    t.closes(&mut a)?;
    t.resets(&mut b)?;
    t.sends(&c, b"bye")?;
    t.resets(&mut c)?;
    for (conn, epoll) in [a, b, c].iter().zip(epolls) {
        let events = events(&t.wait(&epoll?)?);
        let mut recvs = Vec::new();
        while recvs.last() != Some(&Ok(0)) && recvs.len() < 4 {
            recvs.push(t.recv(conn, 16).map(|data| data.len()));
        }
        ends.push(End { events, recvs });
    }
    Ok(judge_reset(&ends[0], &ends[1], &ends[2]))
}

fn judge_reset(closed: &End, reset: &End, unread: &End) -> Finding {
    let recvs = |end: &End| listed(end.recvs.iter().map(outcome), ", ");
    let more = reset.events - closed.events;
    match closed == reset {
        true => confirmed(format!(
            "both were reported as {}, and recv said {}",
            short(reset.events),
            recvs(reset)
        ))
        .why("Nothing told them apart."),
        false => refuted(format!(
            "a reset brought {} as well, and recv said {}; with bytes unread it said {}",
            short(more),
            recvs(reset),
            recvs(unread)
        ))
        .why(
            "HUP and ERR are reported whether asked for or not, and recv fails once with \
             ECONNRESET; bytes that came before are still there to be read.",
        ),
    }
    .count("hup", reset.events.contains(HUP))
    .count("err", reset.events.contains(ERR))
    .count("recv_until_0", reset.recvs.len())
}

pub const MASK_ZERO: Claim = Claim {
    id: "mask-zero",
    claim: "events = 0 silences an fd",
    asked: "ADD with events = 0, level- (A) and edge-triggered (B); both are reset, three waits. \
            C, too, and it half-closes.",
    experiment: mask_zero,
};

fn mask_zero(t: &mut Trial) -> Result<Finding> {
    let (mut a, mut b, c) = (t.connection()?, t.connection()?, t.connection()?);
    let none = EpollFlags::empty();
    let level = t.epoll_of(&[&a], none)?;
    let edge = t.epoll_of(&[&b], ET)?;
    let half = t.epoll_of(&[&c], none)?;
    t.resets(&mut a)?;
    t.resets(&mut b)?;
    t.half_closes(&c)?;
    let mut counts = [0; 3];
    for (count, epoll) in counts.iter_mut().zip([&level, &edge, &half]) {
        *count = t.waits(epoll, 3)?;
    }
    Ok(judge_mask_zero(counts))
}

/// Reports in three waits: of a reset under LT, under ET, of a half-close.
fn judge_mask_zero([level, edge, half]: [usize; 3]) -> Finding {
    let evidence = format!(
        "of three waits, {level} reported a reset under LT and {edge} under ET; {half} reported a \
         half-close"
    );
    match level + edge + half {
        0 => confirmed(evidence).why("Not even a reset is reported."),
        _ => refuted(evidence).why(
            "EPOLLHUP and EPOLLERR cannot be masked, so a paused fd may spin. DEL silences it; a \
             half-close is no HUP, and is silent.",
        ),
    }
    .count("level_reports", level)
    .count("edge_reports", edge)
    .count("half_close_reports", half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        assert_eq!(judge_eof(Ok(0), Ok(0)).verdict, Confirmed);
        assert_eq!(judge_eof(Ok(0), Err(Errno::EAGAIN)).verdict, Refuted);

        assert_eq!(judge_half_close(IN | RDHUP, 4, 4).verdict, Refuted);
        assert_eq!(judge_half_close(IN | RDHUP, 4, 0).verdict, Confirmed);
        assert_eq!(judge_half_close(IN, 4, 4).verdict, Refuted);
    }

    #[test]
    fn resets() {
        let end = |events, recvs: &[Result<usize, Errno>]| End {
            events,
            recvs: recvs.to_vec(),
        };
        let closed = end(IN | RDHUP, &[Ok(0)]);
        let reset = end(IN | RDHUP | HUP | ERR, &[Err(Errno::ECONNRESET), Ok(0)]);
        let other = judge_reset(&closed, &reset, &reset);
        assert_eq!(other.verdict, Refuted);
        assert!(other.evidence.contains("ERR|HUP"), "{}", other.evidence);
        assert_eq!(judge_reset(&closed, &closed, &closed).verdict, Confirmed);

        assert_eq!(judge_mask_zero([3, 1, 0]).verdict, Refuted);
        assert_eq!(judge_mask_zero([0, 0, 0]).verdict, Confirmed);
    }
}
