//! We go.

use std::io::Read;
use std::os::fd::AsRawFd;

use nix::sys::epoll::EpollEvent;
use nix::sys::socket::MsgFlags;
use rustix::event::PollFlags;

use crate::claims::patience::until;
use crate::claims::prelude::*;

pub const CLOSE_UNREGISTERS: Claim = Claim {
    id: "close-unregisters",
    claim: "close(fd) removes it from the interest list",
    asked: "The fd is duplicated, the dup is registered and closed; the client sends. DEL with \
            the closed number, DEL with the original's; then the original is closed, too.",
    experiment: close_unregisters,
};

fn close_unregisters(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let (peer, name) = (a.peer, a.name);
    // 500: a number that nobody takes once it is closed.
    let b = t.sys.fcntl_dupfd(&a.socket, 500, name)?;
    let number = b.as_raw_fd();
    let epoll = t.epoll_of(&[&b], IN)?;
    t.sys.close(b)?;
    let mut client = peer.as_ref().context("no client")?;
    std::io::Write::write_all(&mut client, b"ping").of_call("write")?;
    hears(&a.socket, PollFlags::IN)?;
    t.note("A's client sends \"ping\"");
    let still = with_data(&t.wait(&epoll)?, number as u64);
    let (epfd, nothing) = (epoll.0.as_raw_fd(), EpollEvent::empty());
    let by_number = errno(t.sys.epoll_ctl_raw(epfd, CtlOp::Del, number, nothing));
    let by_original = errno(t.sys.epoll_ctl(&epoll, CtlOp::Del, &a.socket, IN));
    t.sys.close(a.socket)?;
    let after = t.wait(&epoll)?.len();
    Ok(judge_close_unregisters(
        still,
        by_number,
        by_original,
        after,
    ))
}

/// Reports after the close, DEL by the closed number and by the original's,
/// reports after the last close.
fn judge_close_unregisters(
    still: usize,
    by_number: Result<(), Errno>,
    by_original: Result<(), Errno>,
    after: usize,
) -> Finding {
    match (still, after) {
        (0, _) => confirmed("no report came after close, though another fd was open")
            .why("close alone took it off the list."),
        (_, 0) => depends(format!(
            "{} came after close; DEL of the closed number said {}, of the other fd {}",
            reports(still),
            done(by_number),
            done(by_original)
        ))
        .why(
            "The list holds the open file, not the number alone. While another fd of it is open, \
             in a forked child perhaps, its events go on, under a number that is closed. So DEL \
             before close.",
        ),
        _ => refuted(format!(
            "{} came after close, and {} after the last close",
            reports(still),
            reports(after)
        ))
        .why("Not even the last close took it off the list."),
    }
    .count("reports_after_close", still)
    .count("reports_after_last_close", after)
}

pub const CLOSE_UNREAD: Claim = Claim {
    id: "close-unread",
    claim: "close sends what was sent, and says goodbye",
    asked: "A answers and closes with nothing unread. B answers and closes with 8 bytes unread. \
            How does the connection end for the clients?",
    experiment: close_unread,
};

fn close_unread(t: &mut Trial) -> Result<Finding> {
    let mut ends = Vec::new();
    for unread in [0, 8] {
        let a = t.connection()?;
        t.sends(&a, MESSAGE)?;
        t.recv(&a, MESSAGE.len() - unread).of_call("recv")?;
        t.sys.send(&a.socket, b"bye", MsgFlags::MSG_NOSIGNAL)?;
        let (mut peer, name) = (a.peer.context("no client")?, a.name);
        t.sys.close(a.socket)?;
        let mut end = Ok(0);
        until("the end of the connection", || {
            match at_once(peer.read(&mut [0; 16])) {
                Ok(None | Some(1..)) => return Ok(false),
                Ok(Some(0)) => {}
                Err(error) => end = Err(Errno::try_from(error)?),
            }
            Ok(true)
        })?;
        t.note(format!(
            "the end for {name}'s client: read = {}",
            outcome(&end)
        ));
        ends.push(end);
    }
    Ok(judge_close_unread(ends[0], ends[1]))
}

fn judge_close_unread(read: Result<usize, Errno>, unread: Result<usize, Errno>) -> Finding {
    let evidence = format!(
        "the client's last read said {}; where 8 bytes were left unread, it said {}",
        outcome(&read),
        outcome(&unread)
    );
    match (read, unread) {
        (Ok(_), Err(_)) => refuted(evidence).why(
            "Bytes that nobody has read make close a reset, and what was under way to the client \
             may be lost. So read to the end, or shutdown and read on, before close.",
        ),
        (Ok(_), Ok(_)) => confirmed(evidence).why("Unread bytes changed nothing."),
        (Err(_), _) => refuted(evidence).why("Even a close with nothing unread was no goodbye."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let (bad, none) = (Err(Errno::EBADF), Err(Errno::ENOENT));
        assert_eq!(judge_close_unregisters(1, bad, none, 0).verdict, Depends);
        assert_eq!(judge_close_unregisters(0, bad, none, 0).verdict, Confirmed);
        assert_eq!(judge_close_unregisters(1, bad, none, 1).verdict, Refuted);

        let reset = Err(Errno::ECONNRESET);
        assert_eq!(judge_close_unread(Ok(0), reset).verdict, Refuted);
        assert_eq!(judge_close_unread(Ok(0), Ok(0)).verdict, Confirmed);
        assert_eq!(judge_close_unread(reset, reset).verdict, Refuted);
    }
}
