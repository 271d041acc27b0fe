//! Sockets that are not connected, not yet, or no longer.

use std::os::fd::AsRawFd;

use anyhow::ensure;
use nix::sys::socket::{Backlog, Shutdown, SockFlag, getsockopt, shutdown, sockopt};
use rustix::event::PollFlags;

use crate::claims::prelude::*;
use crate::sys::Socket;

pub const FRESH_SOCKET: Claim = Claim {
    id: "fresh-socket",
    claim: "a new socket is silent",
    asked: "A TCP socket that is neither connected nor listens, with interest in IN and OUT.",
    experiment: fresh_socket,
};

fn fresh_socket(t: &mut Trial) -> Result<Finding> {
    let name = t.client();
    let fresh = t.sys.socket_for(name, &ANY_PORT, SockFlag::SOCK_NONBLOCK)?;
    Ok(judge_fresh_socket(t.reported(&fresh, IN | OUT)?))
}

fn judge_fresh_socket(events: EpollFlags) -> Finding {
    let evidence = format!("of an unconnected socket {} was reported", short(events));
    match events.is_empty() {
        true => confirmed(evidence).why("Nothing was reported."),
        false => refuted(evidence).why(
            "A socket that is not connected has hung up, and a send would not sleep: it would \
             fail. So connect first, and then ADD.",
        ),
    }
    .count("hup", events.contains(HUP))
}

pub const OUT_IS_CONNECTED: Claim = Claim {
    id: "out-is-connected",
    claim: "EPOLLOUT means connected",
    asked: "connect with O_NONBLOCK to a port that nobody listens on: what is reported, and what \
            does SO_ERROR say, twice? Then to one with a listener that does not accept.",
    experiment: out_is_connected,
};

/// What came of a connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Connected {
    events: EpollFlags,
    /// SO_ERROR, asked twice.
    errors: [i32; 2],
}

fn out_is_connected(t: &mut Trial) -> Result<Finding> {
    // Bound, so that the port is nobody else's, and not listening.
    let (bound, flags) = (Name::Other("bound"), SockFlag::empty());
    let closed = t.sys.socket_for(bound, &ANY_PORT, flags)?;
    t.sys.bind(&closed, &ANY_PORT)?;
    let refused = connects(t, &closed, PollFlags::ERR)?;
    let open = t.sys.socket_for(Name::Listener, &ANY_PORT, flags)?;
    t.sys.bind(&open, &ANY_PORT)?;
    t.sys.listen(&open, Backlog::new(8).context("backlog")?)?;
    let made = connects(t, &open, PollFlags::OUT)?;
    Ok(judge_out_is_connected(refused, made))
}

fn connects(t: &mut Trial, to: &Socket, until: PollFlags) -> Result<Connected> {
    let address = t.sys.getsockname(to)?;
    let name = t.client();
    let socket = t.sys.socket_for(name, &address, SockFlag::SOCK_NONBLOCK)?;
    match errno(t.sys.connect(&socket, &address)) {
        Ok(()) | Err(Errno::EINPROGRESS | Errno::ECONNREFUSED) => {}
        Err(errno) => return Err(errno).context("connect"),
    }
    hears(&socket, until)?;
    let events = t.reported(&socket, IN | OUT)?;
    let mut errors = [0; 2];
    for error in &mut errors {
        *error = getsockopt(&socket, sockopt::SocketError).context("SO_ERROR")?;
        t.note(format!("getsockopt(SO_ERROR): {}", said(*error)));
    }
    Ok(Connected { events, errors })
}

/// What SO_ERROR says: 0, or the errno's name.
fn said(error: i32) -> String {
    match error {
        0 => "0".into(),
        error => errno_name(Errno::from_raw(error)),
    }
}

fn judge_out_is_connected(refused: Connected, made: Connected) -> Finding {
    let [first, second] = refused.errors.map(said);
    let evidence = format!(
        "a refused connect was reported as {}; SO_ERROR said {first}, and then {second}",
        short(refused.events)
    );
    match (refused.events.contains(OUT), made.events.contains(OUT)) {
        (true, _) => refuted(evidence).why(
            "EPOLLOUT says that connect has ended, well or not: SO_ERROR says which, once. And \
             with a listener it comes before any accept: the kernel makes the connection.",
        ),
        (false, true) => confirmed(evidence).why("Only the connection that was made is writable."),
        (false, false) => refuted(evidence).why("Not even a connection that was made was."),
    }
    .count("refused_out", refused.events.contains(OUT))
    .count("made_out", made.events.contains(OUT))
}

pub const HUP_PEER: Claim = Claim {
    id: "hup-peer",
    claim: "HUP and RDHUP say that the peer has gone",
    asked: "A: we say SHUT_RD ourselves; then the client sends 2 bytes. B: we say SHUT_WR, and the \
            client does, too. Neither client closes.",
    experiment: hup_peer,
};

fn hup_peer(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    shutdown(a.socket.as_raw_fd(), Shutdown::Read).context("shutdown")?;
    t.note("shutdown(A, SHUT_RD)");
    let of_read = t.reported(&a, IN | RDHUP)?;
    t.sends(&a, b"hi")?;
    let read = t.recv(&a, 16).map(|data| data.len());
    shutdown(b.socket.as_raw_fd(), Shutdown::Write).context("shutdown")?;
    t.note("shutdown(B, SHUT_WR)");
    t.half_closes(&b)?;
    b.hears(PollFlags::HUP)?;
    let of_write = t.reported(&b, IN | RDHUP)?;
    Ok(judge_hup_peer(of_read, read, of_write))
}

/// The events after our own SHUT_RD and what still came; the events after our
/// SHUT_WR and the client's.
fn judge_hup_peer(
    of_read: EpollFlags,
    read: Result<usize, Errno>,
    of_write: EpollFlags,
) -> Finding {
    let evidence = format!(
        "our own SHUT_RD was reported as {}, and recv still returned {}; SHUT_WR on both sides as {}",
        short(of_read),
        outcome(&read),
        short(of_write & (HUP | ERR))
    );
    let told = of_read.contains(RDHUP) || of_write.contains(HUP);
    match told {
        true => refuted(evidence).why(
            "They say which directions are shut, by whomever. After our own SHUT_RD the peer may \
             send on, and after both have said SHUT_WR it may still be there, with its fd open.",
        ),
        false => confirmed(evidence).why("While both were there, neither was reported."),
    }
    .count("rdhup_by_ourselves", of_read.contains(RDHUP))
    .count("bytes_after", read.unwrap_or(0))
    .count("hup_while_open", of_write.contains(HUP))
}

pub const SO_ERROR: Claim = Claim {
    id: "so-error",
    claim: "asking for SO_ERROR changes nothing",
    asked: "A and B are reset. What does recv of A say? Of B SO_ERROR is asked for first.",
    experiment: so_error,
};

fn so_error(t: &mut Trial) -> Result<Finding> {
    let (mut a, mut b) = (t.connection()?, t.connection()?);
    t.resets(&mut a)?;
    t.resets(&mut b)?;
    let alone = t.recv(&a, 16).map(|data| data.len());
    let error = getsockopt(&b.socket, sockopt::SocketError).context("SO_ERROR")?;
    t.note(format!("getsockopt(B, SO_ERROR): {}", said(error)));
    let after = t.recv(&b, 16).map(|data| data.len());
    Ok(judge_so_error(alone, after))
}

fn judge_so_error(alone: Result<usize, Errno>, after: Result<usize, Errno>) -> Finding {
    let evidence = format!(
        "recv said {}; where SO_ERROR had been asked for, it said {}",
        outcome(&alone),
        outcome(&after)
    );
    match alone == after {
        true => confirmed(evidence).why("recv said the same, asked before or not."),
        false => refuted(evidence).why(
            "A socket has its error once. Whoever reads SO_ERROR has it, and recv then says 0, as \
             after a goodbye.",
        ),
    }
}

pub const EOF_UNCLOSED: Claim = Claim {
    id: "eof-unclosed",
    claim: "the end of the file is reported once",
    asked: "The client closes; recv says 0, and we do not close. 1,000 waits, level- and \
            edge-triggered.",
    experiment: eof_unclosed,
};

const WAITS: usize = 1_000;

fn eof_unclosed(t: &mut Trial) -> Result<Finding> {
    let mut a = t.connection()?;
    t.closes(&mut a)?;
    let epolls = [t.epoll_of(&[&a], IN)?, t.epoll_of(&[&a], IN | ET)?];
    let end = t.recv(&a, 5).context("recv")?.len();
    ensure!(end == 0, "{end} bytes where the end should be");
    let mut reports = [0; 2];
    for (reports, epoll) in reports.iter_mut().zip(&epolls) {
        *reports = t.waits(epoll, WAITS)?;
    }
    Ok(judge_eof_unclosed(reports))
}

/// Reports in 1,000 waits: level-triggered, edge-triggered.
fn judge_eof_unclosed([level, edge]: [usize; 2]) -> Finding {
    let evidence = format!(
        "level-triggered, {} of {} waits reported the end; edge-triggered, {edge}",
        figure(level),
        figure(WAITS)
    );
    match level {
        0 | 1 => confirmed(evidence).why("The end was told once, and not again."),
        _ => refuted(evidence).why(
            "The end is a state and stays: level-triggered it is reported until close. Who forgets \
             to close spins; edge-triggered, the fd leaks in silence.",
        ),
    }
    .count("level_reports", level)
    .count("edge_reports", edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_connected() {
        assert_eq!(judge_fresh_socket(OUT | HUP).verdict, Refuted);
        assert_eq!(judge_fresh_socket(EpollFlags::empty()).verdict, Confirmed);

        let connected = |events, error| Connected {
            events,
            errors: [error, 0],
        };
        let made = connected(OUT, 0);
        let refusal = Errno::ECONNREFUSED as i32;
        let refused = connected(IN | OUT | ERR | HUP, refusal);
        assert_eq!(judge_out_is_connected(refused, made).verdict, Refuted);
        let silent = connected(ERR | HUP, refusal);
        assert_eq!(judge_out_is_connected(silent, made).verdict, Confirmed);
        assert_eq!(judge_out_is_connected(silent, silent).verdict, Refuted);
    }

    #[test]
    fn gone() {
        let (none, both) = (EpollFlags::empty(), IN | RDHUP | HUP);
        assert_eq!(judge_hup_peer(IN | RDHUP, Ok(2), both).verdict, Refuted);
        assert_eq!(judge_hup_peer(none, Ok(2), none).verdict, Confirmed);

        let reset = Err(Errno::ECONNRESET);
        assert_eq!(judge_so_error(reset, Ok(0)).verdict, Refuted);
        assert_eq!(judge_so_error(reset, reset).verdict, Confirmed);

        assert_eq!(judge_eof_unclosed([WAITS, 1]).verdict, Refuted);
        assert_eq!(judge_eof_unclosed([1, 1]).verdict, Confirmed);
    }
}
