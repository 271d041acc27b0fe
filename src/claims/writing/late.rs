//! A client that reads late, and what a send does not take.

use std::io::Read;
use std::os::fd::AsRawFd;

use nix::sys::socket::{Shutdown, shutdown};

use crate::claims::patience::until;
use crate::claims::prelude::*;
use crate::claims::writing::writable::BUFFER;

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
            let _ = a.send_if_room(&[b'x'; ANSWER]);
        }
        shutdown(a.socket.as_raw_fd(), Shutdown::Write).context("shutdown")?;
        let mut arrived = 0;
        until("the end", || {
            let read = reads(&a)?;
            arrived += read.unwrap_or(0);
            Ok(read == Some(0))
        })?;
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
                sent += a.send_if_room(&[b'x'; ANSWER][..rest])?;
            } else {
                // Late: when there is no room left.
                arrived += reads(&a)?.unwrap_or(0);
            }
            Ok(arrived == total)
        })?;
        anyhow::Ok(total - arrived)
    })?;
    t.note(format!("arrived: all but {kept} bytes"));
    Ok(judge_out_ignored(dropped, kept))
}

/// The client reads what is there; 0 at the end of the file.
fn reads(a: &Conn) -> Result<Option<usize>> {
    at_once(a.peer()?.read(&mut [0; ANSWER])).context("read")
}

fn judge_out_ignored(dropped: usize, kept: usize) -> Finding {
    let some = if dropped > 0 { "some" } else { "0" };
    let evidence =
        format!("a client that read late lost {some} bytes; with EPOLLOUT watched it lost {kept}");
    match (dropped, kept) {
        (0, _) => confirmed(evidence).why("All of it arrived."),
        (_, 0) => refuted(evidence).why(
            "A send that finds no room takes a part or nothing. What is left has to be kept, and \
             EPOLLOUT says when to go on; without a rest it is not asked for.",
        ),
        _ => refuted(evidence).why("Bytes are lost either way."),
    }
    .varies("lost", dropped as f64)
    .count("lost_with_epollout", kept)
    .varying(format!(
        "a client that read late lost {dropped} bytes; with EPOLLOUT watched it lost {kept}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_out_ignored(100, 0).verdict, Refuted);
        assert_eq!(judge_out_ignored(0, 0).verdict, Confirmed);
        assert_ne!(judge_out_ignored(9, 9).why, judge_out_ignored(9, 0).why);
    }
}
