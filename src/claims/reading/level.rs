//! Level-triggered: a report as long as bytes are unread.

use crate::claims::prelude::*;

/// The buffer of the lessons: 13 bytes take three recv calls.
const BUFFER: usize = 5;

pub const LT_REPEATS: Claim = Claim {
    id: "lt-repeats",
    claim: "LT reports as long as unread data remains",
    asked: "13 bytes arrive; one recv of at most 5 a report, until a wait reports nothing.",
    experiment: lt_repeats,
};

fn lt_repeats(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN)?;
    t.sends(&a, MESSAGE)?;
    let reads = t.read_once_per_report(&epoll, &a, BUFFER)?;
    Ok(judge_lt_repeats(MESSAGE.len(), &reads))
}

fn judge_lt_repeats(bytes: usize, reads: &[usize]) -> Finding {
    let evidence = format!(
        "{bytes} bytes brought {} reports ({} bytes read), and then none",
        reads.len(),
        listed(reads, " + ")
    );
    match reads.iter().sum::<usize>() == bytes {
        true => confirmed(evidence)
            .why("A report says what is the case, not what is new: bytes are unread."),
        false => refuted(evidence).why("The reports ended while bytes were unread."),
    }
    .count("reports", reads.len())
    .count("bytes", bytes)
}

pub const LT_BIG_BUFFER: Claim = Claim {
    id: "lt-big-buffer",
    claim: "a larger buffer means fewer reads",
    asked: "The same 13 bytes with buffers of 5, 13 and 1024.",
    experiment: lt_big_buffer,
};

fn lt_big_buffer(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN)?;
    let mut wakeups = Vec::new();
    for buffer in [BUFFER, MESSAGE.len(), 1024] {
        t.sends(&a, MESSAGE)?;
        let reads = t.read_once_per_report(&epoll, &a, buffer)?;
        wakeups.push((buffer, reads.len()));
    }
    Ok(judge_lt_big_buffer(&wakeups))
}

/// By size of the buffer: reports.
fn judge_lt_big_buffer(wakeups: &[(usize, usize)]) -> Finding {
    let each = wakeups
        .iter()
        .map(|(buffer, count)| format!("{} with room for {buffer}", reports(*count)));
    let evidence = format!("one message brought {}", listed(each, ", "));
    let never_more = wakeups.windows(2).all(|pair| pair[1].1 <= pair[0].1);
    let fewer = wakeups.first().map(|one| one.1) > wakeups.last().map(|one| one.1);
    let reports: usize = wakeups.iter().map(|(_, reports)| reports).sum();
    match never_more && fewer {
        true => confirmed(evidence)
            .why("Up to the size of the message. Beyond that a larger buffer saves nothing."),
        false => refuted(evidence).why("The larger buffer did not save a read."),
    }
    .count("reports", reports)
}

pub const LT_BOTH_SOCKETS: Claim = Claim {
    id: "lt-both-sockets",
    claim: "LT serves blocking and non-blocking sockets alike",
    asked: "13 bytes on a blocking socket and on one with O_NONBLOCK, one recv a report.",
    experiment: lt_both_sockets,
};

fn lt_both_sockets(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    t.nonblocking(&b)?;
    let mut reads = Vec::new();
    for conn in [&a, &b] {
        let epoll = t.epoll_of(&[conn], IN)?;
        t.sends(conn, MESSAGE)?;
        reads.push(t.read_once_per_report(&epoll, conn, BUFFER)?);
    }
    Ok(judge_lt_both_sockets(&reads[0], &reads[1]))
}

fn judge_lt_both_sockets(blocking: &[usize], nonblocking: &[usize]) -> Finding {
    let evidence = format!(
        "the same bytes brought {} reports on the blocking socket, {} with O_NONBLOCK",
        blocking.len(),
        nonblocking.len()
    );
    match blocking == nonblocking {
        true => confirmed(evidence)
            .why("One recv after a report finds bytes, so it does not sleep; only a second may."),
        false => refuted(evidence.replace("same", "other")).why("The two were read otherwise."),
    }
    .count("blocking_reports", blocking.len())
    .count("nonblocking_reports", nonblocking.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let right = judge_lt_repeats(13, &[5, 5, 3]);
        assert_eq!(right.verdict, Confirmed);
        assert!(right.evidence.contains("3 reports"));
        assert_eq!(judge_lt_repeats(13, &[5]).verdict, Refuted);

        assert_eq!(judge_lt_big_buffer(&[(5, 3), (13, 1)]).verdict, Confirmed);
        assert_eq!(judge_lt_big_buffer(&[(5, 3), (13, 3)]).verdict, Refuted);
        assert_eq!(judge_lt_big_buffer(&[(5, 1), (13, 3)]).verdict, Refuted);

        assert_eq!(judge_lt_both_sockets(&[5, 3], &[5, 3]).verdict, Confirmed);
        assert_eq!(judge_lt_both_sockets(&[5, 3], &[5]).verdict, Refuted);
    }
}
