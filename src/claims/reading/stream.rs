//! What a report says of the bytes, and what it does not.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use anyhow::bail;
use nix::libc;
use nix::poll::{PollFd, PollFlags as Poll};
use nix::sys::select::FdSet;
use nix::sys::socket::sockopt::SetUsize;
use nix::sys::socket::{MsgFlags, send, setsockopt};
use rustix::event::PollFlags;

use crate::claims::prelude::*;

pub const USER_BUFFER: Claim = Claim {
    id: "user-buffer",
    claim: "LT forgives reading too little",
    asked: "Three lines arrive at once; the program reads one line through a BufReader (as stdio \
            and TLS do); another wait. Then a fourth line arrives, and one more line is read.",
    experiment: user_buffer,
};

fn user_buffer(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN)?;
    let socket = a.socket.as_fd().try_clone_to_owned();
    let mut lines = BufReader::new(TcpStream::from(socket.context("F_DUPFD_CLOEXEC")?));
    let mut line = |t: &mut Trial| -> Result<String> {
        let mut line = String::new();
        lines.read_line(&mut line).context("read")?;
        t.note(format!("BufReader: read_line = {line:?}"));
        Ok(line.trim_end().into())
    };
    t.sends(&a, b"one\ntwo\nsix\n")?;
    let first = t.wait(&epoll)?.len();
    line(t)?;
    let again = t.wait(&epoll)?.len();
    t.sends(&a, b"ten\n")?;
    let fourth = t.wait(&epoll)?.len();
    let read = line(t)?;
    if first != 1 || fourth != 1 {
        bail!("an arrival was reported {first} and {fourth} times");
    }
    Ok(judge_user_buffer(again, &read))
}

/// Reports while two lines wait in the program's buffer; the line that the
/// fourth one's report led to.
fn judge_user_buffer(again: usize, read: &str) -> Finding {
    let evidence = format!(
        "{} came while two lines were in the program's buffer; the fourth line's report led to \
         {read:?}",
        reports(again)
    );
    match again {
        0 => refuted(evidence).why(
            "The kernel counts what is in the socket. What a library has taken into its own buffer \
             is read, and nobody reports it: so use that up before the next wait.",
        ),
        _ => confirmed(evidence).why("The rest was reported again."),
    }
    .count("reports_of_the_rest", again)
}

pub const PRI: Claim = Claim {
    id: "pri",
    claim: "EPOLLERR is for exceptional events",
    asked: "The client of A sends one urgent byte (MSG_OOB); the interest is IN and PRI. B is \
            reset; the interest is empty.",
    experiment: pri,
};

fn pri(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let urgent = t.epoll_of(&[&a], IN | EpollFlags::EPOLLPRI)?;
    send(a.peer()?.as_raw_fd(), b"!", MsgFlags::MSG_OOB).context("send")?;
    t.note("A's client sends \"!\" with MSG_OOB");
    a.hears(PollFlags::PRI)?;
    let of_urgent = events(&t.wait(&urgent)?);

    let mut b = t.connection()?;
    let failed = t.epoll_of(&[&b], EpollFlags::empty())?;
    t.resets(&mut b)?;
    let of_reset = events(&t.wait(&failed)?);
    Ok(judge_pri(of_urgent, of_reset))
}

fn judge_pri(urgent: EpollFlags, reset: EpollFlags) -> Finding {
    let evidence = format!(
        "an urgent byte was reported as {}; a reset, with nothing asked for, as {}",
        short(urgent),
        short(reset)
    );
    match urgent.contains(ERR) {
        true => confirmed(evidence).why("The urgent byte was told as EPOLLERR."),
        false => refuted(evidence).why(
            "The exceptional condition of poll(2) is EPOLLPRI. EPOLLERR says that the connection \
             has failed, and comes whether it is asked for or not.",
        ),
    }
    .count("urgent_is_pri", urgent.contains(EpollFlags::EPOLLPRI))
    .count("err_unasked", reset.contains(ERR))
}

pub const RCVLOWAT: Claim = Claim {
    id: "rcvlowat",
    claim: "a byte that has come is reported",
    asked: "SO_RCVLOWAT is 10, and 5 bytes arrive: epoll_wait, poll and select, then recv on the \
            non-blocking socket. The same with 10 bytes.",
    experiment: rcvlowat,
};

/// How many bytes make a socket readable (socket(7)): an option that nix does
/// not name, and lets its users name.
#[derive(Clone)]
struct RcvLowat;

nix::setsockopt_impl!(
    RcvLowat,
    libc::SOL_SOCKET,
    libc::SO_RCVLOWAT,
    usize,
    SetUsize
);

/// What a socket with bytes to read came to.
#[derive(Clone, Copy, Debug, Default)]
struct Marked {
    /// Reports by epoll_wait, poll and select.
    ready: [usize; 3],
    /// Bytes that recv then brought.
    read: usize,
}

fn rcvlowat(t: &mut Trial) -> Result<Finding> {
    let mut seen = [Marked::default(); 2];
    for (seen, data) in seen.iter_mut().zip([&b"HELLO"[..], b"HELLOworld"]) {
        let a = t.connection()?;
        setsockopt(&a.socket, RcvLowat, &10).of_call("setsockopt(SO_RCVLOWAT)")?;
        t.note(format!("setsockopt({}, SO_RCVLOWAT, 10)", a.name));
        t.nonblocking(&a)?;
        let epoll = t.epoll_of(&[&a], IN)?;
        t.sends(&a, data)?;
        let now = Some(Duration::ZERO);
        let waited = t.wait(&epoll)?.len();
        let mut asked = [PollFd::new(a.socket.as_fd(), Poll::POLLIN)];
        let polled = t.sys.poll(&mut asked, now)?;
        let (mut readfds, mut writefds) = (FdSet::new(), FdSet::new());
        readfds.insert(a.socket.as_fd());
        let nfds = a.socket.as_raw_fd() + 1;
        let selected = t.sys.select(nfds, &mut readfds, &mut writefds, now)?;
        *seen = Marked {
            ready: [waited, polled, selected],
            read: t.recv(&a, 16).map_or(0, |bytes| bytes.len()),
        };
    }
    Ok(judge_rcvlowat(seen[0], seen[1]))
}

/// Below the mark, and at it.
fn judge_rcvlowat(below: Marked, at: Marked) -> Finding {
    let by = |ready: [usize; 3]| match ready.map(|count| count > 0) {
        [false, false, false] => "none",
        [true, true, true] => "all",
        _ => "some",
    };
    let evidence = format!(
        "with SO_RCVLOWAT 10, {} of epoll_wait, poll and select reported 5 bytes, and recv read \
         {}; {} of them reported 10",
        by(below.ready),
        below.read,
        by(at.ready)
    );
    let all = |ready: [usize; 3]| ready.iter().sum::<usize>() as u64;
    match (by(below.ready), by(at.ready)) {
        ("none", "all") => refuted(evidence).why(
            "A socket is readable from SO_RCVLOWAT bytes on, which is 1 unless somebody has set \
             it (socket(7), since Linux 2.6.28). recv without blocking takes what is there.",
        ),
        ("all", "all") => confirmed(evidence).why("The mark made no difference to the report."),
        (_, "all") => depends(evidence).why("The three calls do not agree."),
        _ => refuted(evidence).why("Not even 10 bytes were reported by all of them."),
    }
    .count("reports_below", all(below.ready))
    .count("read_below", below.read)
    .count("reports_at", all(at.ready))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_user_buffer(0, "two").verdict, Refuted);
        assert_eq!(judge_user_buffer(1, "two").verdict, Confirmed);

        let urgent = EpollFlags::EPOLLPRI;
        assert_eq!(judge_pri(urgent, ERR | HUP).verdict, Refuted);
        assert_eq!(judge_pri(ERR, ERR | HUP).verdict, Confirmed);

        let mark = |below, at| {
            let marked = |ready| Marked { ready, read: 5 };
            judge_rcvlowat(marked(below), marked(at))
        };
        assert_eq!(mark([0; 3], [1; 3]).verdict, Refuted);
        assert_eq!(mark([1; 3], [1; 3]).verdict, Confirmed);
        assert_eq!(mark([0, 1, 1], [1; 3]).verdict, Depends);
        assert!(mark([0; 3], [0; 3]).why.contains("Not even"));
    }
}
