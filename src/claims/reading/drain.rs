//! recv until EAGAIN, and what goes wrong without it and with it.

use crate::claims::prelude::*;
use crate::claims::threads::drain::Drain;

pub const ET_NEEDS_NONBLOCK: Claim = Claim {
    id: "et-needs-nonblock",
    claim: "ET supports only non-blocking sockets",
    asked: "ADD of a blocking socket with EPOLLET; one recv an edge; then, in a thread of its \
            own, recv in a loop: where does /proc see it?",
    experiment: et_needs_nonblock,
};

fn et_needs_nonblock(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    t.sends(&a, b"HELLO")?;
    let mut served = 0;
    for _ in t.wait(&epoll)? {
        served += t.recv(&a, 5).of_call("recv")?.len();
    }
    t.sends(&a, MESSAGE)?;
    t.wait(&epoll)?;
    t.note("a thread reads until EAGAIN:");
    let mut drain = Drain::start(&a, 5)?;
    let asleep = drain.sleeps(t)?;
    if asleep {
        t.note("recv does not return: /proc has the thread in state S, in recvfrom");
    }
    t.half_closes(&a)?;
    drain.join(t)?;
    Ok(judge_et_needs_nonblock(served, asleep))
}

fn judge_et_needs_nonblock(served: usize, asleep: bool) -> Finding {
    match (served, asleep) {
        (1.., true) => depends("a blocking socket was served; a loop of recv on it slept in recv")
            .why(
                "EPOLLET takes any socket. It is reading until EAGAIN that needs O_NONBLOCK: a \
             blocking socket never says EAGAIN.",
            ),
        (1.., false) => refuted("a blocking socket was served, and a loop of recv on it ended")
            .why("The drain loop came to an end on a blocking socket."),
        (0, _) => confirmed("a blocking socket with EPOLLET was not served")
            .why("This kernel reports nothing for it."),
    }
    .count("bytes_served", served)
    .count("asleep", asleep)
}

pub const ET_SHORT_READ: Claim = Claim {
    id: "et-short-read",
    claim: "a short recv proves a socket drained",
    asked: "\"bye\" and the hang-up arrive before the wait; recv with room for 16 returns less, \
            and the reading stops. A without EPOLLRDHUP, B with it.",
    experiment: et_short_read,
};

fn et_short_read(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    let mut seen = Vec::new();
    for (conn, interest) in [(&a, IN | ET), (&b, IN | ET | RDHUP)] {
        let epoll = t.epoll_of(&[conn], interest)?;
        t.sends(conn, b"bye")?;
        t.half_closes(conn)?;
        let reports = t.wait(&epoll)?;
        let read = t.recv(conn, 16).of_call("recv")?.len();
        let more = t.wait(&epoll)?.len();
        let told = reports.iter().any(|report| report.events.contains(RDHUP));
        seen.push(ShortRead { read, more, told });
    }
    Ok(judge_et_short_read(seen[0], seen[1]))
}

/// Bytes of the one recv, reports after it, and whether the event told of the
/// hang-up.
#[derive(Clone, Copy, Debug)]
struct ShortRead {
    read: usize,
    more: usize,
    told: bool,
}

fn judge_et_short_read(without: ShortRead, with: ShortRead) -> Finding {
    let read = without.read;
    match (without.more, with.told) {
        (1.., _) => confirmed(format!(
            "recv with room for 16 returned {read}, and a report of the end followed"
        ))
        .why("Nothing is missed by stopping early."),
        (0, true) => depends(format!(
            "recv with room for 16 returned {read}, and no report of the end followed; EPOLLRDHUP \
             came with the bytes"
        ))
        .why(
            "Bytes were drained, the hang-up behind them was not, and it was reported with \
                 them. A server that stops at a short recv must ask for EPOLLRDHUP, and look.",
        ),
        (0, false) => refuted(format!(
            "recv with room for 16 returned {read}, and no report of the end came, nor EPOLLRDHUP"
        ))
        .why("Only a recv that fails with EAGAIN proves it."),
    }
    .count("bytes", read)
    .count("reports_after", without.more)
    .count("told_by_rdhup", with.told)
}

pub const EAGAIN: Claim = Claim {
    id: "eagain",
    claim: "draining a non-blocking socket ends in EAGAIN",
    asked: "recv until it fails; and is EWOULDBLOCK another number?",
    experiment: eagain,
};

fn eagain(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    t.nonblocking(&a)?;
    t.sends(&a, MESSAGE)?;
    let (bytes, ended) = t.drain(&a, 5);
    Ok(judge_eagain(bytes, ended, Errno::EWOULDBLOCK as i32))
}

fn judge_eagain(bytes: usize, ended: Result<usize, Errno>, would_block: i32) -> Finding {
    let number = ended.err().map_or(0, |errno| errno as i32);
    let evidence = match number == would_block {
        true => format!(
            "after {bytes} bytes recv said {}, the same number as EWOULDBLOCK",
            outcome(&ended)
        ),
        false => format!("after {bytes} bytes recv said {}", outcome(&ended)),
    };
    match ended {
        Err(Errno::EAGAIN) => confirmed(evidence).why(
            "\"Resource temporarily unavailable\" is no failure but the answer: nothing more for \
             now. On Linux both names are one number.",
        ),
        _ => refuted(evidence).why("The end of the bytes had another name."),
    }
    .count("errno", number)
}

pub const DRAIN_STARVES: Claim = Claim {
    id: "drain-starves",
    claim: "draining until EAGAIN is always right",
    asked: "A and B are reported together. A is drained, 5 bytes a recv, and A's client sends 5 \
            more after each of the first 49. Then the same with at most 25 bytes a turn.",
    experiment: drain_starves,
};

/// How many times 5 bytes A's client sends while A is drained, the first before
/// that.
const ROUNDS: usize = 50;

fn drain_starves(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    t.nonblocking(&a)?;
    let epoll = t.epoll_of(&[&a, &b], IN | ET)?;
    let mut before_b = Vec::new();
    for bound in [None, Some(25)] {
        t.sends(&a, b"again")?;
        t.sends(&b, b"ping")?;
        t.wait(&epoll)?;
        t.note(format!(
            "A's client sends 5 bytes more after each of the first {} recv",
            ROUNDS - 1
        ));
        before_b.push(drain_busy(t, &a, bound)?);
        t.recv(&b, 5).of_call("recv")?;
    }
    Ok(judge_drain_starves(before_b[0], before_b[1]))
}

/// Drains A, at most `bound` bytes of it; how many recv calls that took.
fn drain_busy(t: &mut Trial, a: &Conn, bound: Option<usize>) -> Result<usize> {
    let (mut calls, mut bytes) = (0, 0);
    while bound.is_none_or(|bound| bytes < bound) {
        calls += 1;
        match t.recv(a, 5) {
            Ok(data) => bytes += data.len(),
            Err(Errno::EAGAIN) => break,
            Err(errno) => Err(errno).of_call("recv")?,
        }
        if calls < ROUNDS {
            a.sends(b"again")?;
        }
    }
    Ok(calls)
}

fn judge_drain_starves(unbounded: usize, bounded: usize) -> Finding {
    let evidence =
        format!("B's turn came after {unbounded} recv calls for A; with a bound, after {bounded}");
    match unbounded > ROUNDS {
        true if bounded < unbounded => depends(evidence).why(
            "While A's bytes keep coming there is no EAGAIN, and B waits. A bound on the bytes of \
             a turn mends it; A must then be remembered, for nothing reports it again.",
        ),
        true => refuted(evidence).why("B waits for A to stop, whatever the bound."),
        false => confirmed(evidence).why("The drain ended although A kept sending."),
    }
    .count("before_b", unbounded)
    .count("before_b_with_bound", bounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets() {
        assert_eq!(judge_et_needs_nonblock(5, true).verdict, Depends);
        assert_eq!(judge_et_needs_nonblock(5, false).verdict, Refuted);
        assert_eq!(judge_et_needs_nonblock(0, true).verdict, Confirmed);

        assert_eq!(judge_eagain(13, Err(Errno::EAGAIN), 11).verdict, Confirmed);
        assert!(
            !judge_eagain(13, Err(Errno::EAGAIN), 246)
                .evidence
                .contains("EWOULDBLOCK")
        );
        assert_eq!(judge_eagain(13, Ok(0), 11).verdict, Refuted);
    }

    #[test]
    fn short_reads() {
        let read = |more, told| ShortRead {
            read: 3,
            more,
            told,
        };
        let verdict = |a, b| judge_et_short_read(a, b).verdict;
        assert_eq!(verdict(read(0, false), read(0, true)), Depends);
        assert_eq!(verdict(read(0, false), read(0, false)), Refuted);
        assert_eq!(verdict(read(1, false), read(0, true)), Confirmed);
    }

    #[test]
    fn starvation() {
        assert_eq!(judge_drain_starves(51, 5).verdict, Depends);
        assert_eq!(judge_drain_starves(51, 51).verdict, Refuted);
        assert_eq!(judge_drain_starves(2, 2).verdict, Confirmed);
    }
}
