//! What a send that returns has done.

use nix::sys::socket::MsgFlags;

use crate::claims::patience::until;
use crate::claims::prelude::*;

pub const NONBLOCK_BOTH: Claim = Claim {
    id: "nonblock-both",
    claim: "O_NONBLOCK concerns reading",
    asked: "A socket with O_NONBLOCK whose client does not read: send, until it fails.",
    experiment: nonblock_both,
};

fn nonblock_both(t: &mut Trial) -> Result<Finding> {
    let a = t.small_connection(16_384)?;
    t.nonblocking(&a)?;
    let empty = t.recv(&a, 5).map(|data| data.len());
    t.note("send(3<A>, ..., 4096), again and again:");
    let full = loop {
        let send = |t: &mut Trial| t.sys.send(&a.socket, &[b'x'; 4096], MsgFlags::MSG_NOSIGNAL);
        if let Err(errno) = errno(t.untraced(send)) {
            break errno;
        }
    };
    t.note(format!("  = -1 {}", crate::trace::errno_name(full)));
    Ok(judge_nonblock_both(empty, full))
}

fn judge_nonblock_both(empty: Result<usize, Errno>, full: Errno) -> Finding {
    let evidence = format!(
        "recv of nothing said {}, and send to a full buffer said {}",
        outcome(&empty),
        crate::trace::errno_name(full)
    );
    match full {
        Errno::EAGAIN => refuted(evidence)
            .why("The flag is the open file's, and holds for every call that could sleep."),
        _ => confirmed(evidence).why("send did not say EAGAIN."),
    }
}

pub const SEND_DELIVERED: Claim = Claim {
    id: "send-delivered",
    claim: "a send that returned has been delivered",
    asked: "13 bytes are sent; the client reads nothing, and FIONREAD on its socket counts what \
            waits there. Then it resets the connection.",
    experiment: send_delivered,
};

fn send_delivered(t: &mut Trial) -> Result<Finding> {
    let mut a = t.connection()?;
    let sent = t.sys.send(&a.socket, MESSAGE, MsgFlags::MSG_NOSIGNAL)?;
    until("what we sent", || Ok(a.unread_by_peer()? >= sent as u64))?;
    let unread = a.unread_by_peer()?;
    t.note(format!(
        "A's client has read nothing: {unread} bytes wait in its buffer"
    ));
    t.resets(&mut a)?;
    let next = errno(t.sys.send(&a.socket, MESSAGE, MsgFlags::MSG_NOSIGNAL));
    Ok(judge_send_delivered(sent, unread, next))
}

fn judge_send_delivered(sent: usize, unread: u64, next: Result<usize, Errno>) -> Finding {
    let read = sent as u64 - unread.min(sent as u64);
    let evidence = format!(
        "send returned {sent}, the client read {read} of them, {unread} were lost; the next send said {}",
        outcome(&next)
    );
    match unread {
        0 => confirmed(evidence).why("The client had the bytes when send returned."),
        _ => refuted(evidence).why(
            "send copies into the kernel. What became of it the sender learns later, if at all: \
             only an answer from the other program proves delivery.",
        ),
    }
    .count("sent", sent)
    .count("read_by_the_client", read)
    .count("lost", unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let empty = Err(Errno::EAGAIN);
        assert_eq!(judge_nonblock_both(empty, Errno::EAGAIN).verdict, Refuted);
        assert_eq!(
            judge_nonblock_both(empty, Errno::ENOBUFS).verdict,
            Confirmed
        );

        let next = Err(Errno::ECONNRESET);
        assert_eq!(judge_send_delivered(13, 13, next).verdict, Refuted);
        assert_eq!(judge_send_delivered(13, 0, next).verdict, Confirmed);
    }
}
