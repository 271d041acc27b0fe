//! A number is given again as soon as it is closed.

use std::fs;
use std::os::fd::AsRawFd;

use anyhow::ensure;

use crate::claims::prelude::*;

pub const NUMBER_TWICE: Claim = Claim {
    id: "number-twice",
    claim: "a number is on the interest list once",
    asked: "A is registered, and closed while a dup of it is open; B gets its number and is \
            registered, too. A's client sends: what is reported, and what does recv say?",
    experiment: number_twice,
};

fn number_twice(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let number = a.socket.as_raw_fd();
    let epoll = t.epoll_of(&[&a], IN)?;
    // 500: a number that is in nobody's way.
    let dup = t.sys.fcntl_dupfd(&a.socket, 500, a.name)?;
    t.sys.close(a.socket)?;
    let a = Conn { socket: dup, ..a };
    let b = t.connection()?;
    ensure!(b.socket.as_raw_fd() == number, "B has another number");
    t.nonblocking(&b)?;
    let added = errno(t.sys.epoll_ctl(&epoll, CtlOp::Add, &b.socket, IN));
    let path = format!("/proc/self/fdinfo/{}", epoll.0.as_raw_fd());
    let list = fs::read_to_string(&path).context(path.clone())?;
    let entries = list.lines().filter(|line| line.starts_with("tfd:")).count();
    t.note(format!("{path}: {entries} lines `tfd:`, of fd {number}"));
    t.sends(&a, b"x")?;
    let under = with_data(&t.wait(&epoll)?, number as u64);
    let read = t.recv(&b, 5).map(|data| data.len());
    Ok(judge_number_twice(added, entries, under, read))
}

/// The second ADD, entries of the number, reports under it, B's recv.
fn judge_number_twice(
    added: Result<(), Errno>,
    entries: usize,
    reports: usize,
    read: Result<usize, Errno>,
) -> Finding {
    let evidence = format!(
        "the second ADD said {}, and {entries} entries had the number; after the report recv said {}",
        done(added),
        outcome(&read)
    );
    match (added, entries) {
        (Ok(()), 2..) => refuted(evidence).why(
            "An entry is a number and an open file. The old file is open under another number, so \
             its events go on, in the new one's name. So DEL before close.",
        ),
        (Ok(()) | Err(Errno::EEXIST), _) => {
            confirmed(evidence).why("The old entry was gone, or kept the new one out.")
        }
        (Err(_), _) => depends(evidence).why("The second ADD failed for another reason."),
    }
    .count("entries", entries)
    .count("reports", reports)
}

pub const STALE_BATCH: Claim = Claim {
    id: "stale-batch",
    claim: "one wait's events are about the fds of now",
    asked: "A and B are reported by one wait. Handling A closes B, and C's connection gets B's \
            number. Then the second event of the array is handled.",
    experiment: stale_batch,
};

fn stale_batch(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    let epoll = t.epoll_of(&[&a, &b], IN)?;
    t.sends(&a, b"quit")?;
    t.sends(&b, b"hello")?;
    let reports = t.wait(&epoll)?;
    ensure!(reports.len() == 2, "{} events and not 2", reports.len());
    t.recv(&a, 16).context("recv")?;
    t.sys.close(b.socket)?;
    let c = t.connection()?;
    t.nonblocking(&c)?;
    let (meant, now) = (reports[1].name, t.sys.name(reports[1].data as i32));
    let same_number = c.socket.as_raw_fd() as u64 == reports[1].data;
    t.note(format!("the second event: data={}", reports[1].data));
    let read = t.recv(&c, 16).map(|data| data.len());
    Ok(judge_stale_batch(meant, now, same_number, read))
}

/// Whom the second event meant, who has the number now, and recv of that one.
fn judge_stale_batch(
    meant: Name,
    now: Name,
    same_number: bool,
    read: Result<usize, Errno>,
) -> Finding {
    match same_number {
        true => refuted(format!(
            "the second event was {meant}'s, but the number was {now}'s by then; recv said {}",
            outcome(&read)
        ))
        .why(
            "The array is a copy from before. With EAGAIN one is lucky: a blocking socket would \
             sleep. So close after the batch, or keep more in data than a number.",
        ),
        false => confirmed(format!("the number of {meant} was nobody else's"))
            .why("The new connection got another number."),
    }
    .count("same_number", same_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let nothing = Err(Errno::EAGAIN);
        assert_eq!(judge_number_twice(Ok(()), 2, 1, nothing).verdict, Refuted);
        let kept_out = Err(Errno::EEXIST);
        assert_eq!(
            judge_number_twice(kept_out, 1, 1, nothing).verdict,
            Confirmed
        );
        assert_eq!(judge_number_twice(Ok(()), 1, 0, nothing).verdict, Confirmed);

        let (b, c) = (Name::Client(1), Name::Client(2));
        let stale = judge_stale_batch(b, c, true, nothing);
        assert_eq!(stale.verdict, Refuted);
        assert_eq!(
            stale.evidence,
            "the second event was B's, but the number was C's by then; recv said EAGAIN"
        );
        assert_eq!(judge_stale_batch(b, c, false, nothing).verdict, Confirmed);
    }
}
