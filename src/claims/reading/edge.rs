//! Edge-triggered: a report for what is new.

use nix::sys::socket::MsgFlags;

use crate::claims::prelude::*;

pub const ET_ONCE: Claim = Claim {
    id: "et-once",
    claim: "ET reports new data once; the rest stays silent",
    asked: "13 bytes arrive; one recv of 5; is there another report?",
    experiment: et_once,
};

fn et_once(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    t.sends(&a, MESSAGE)?;
    let first = t.wait(&epoll)?.len();
    t.recv(&a, 5).of_call("recv")?;
    let again = t.wait(&epoll)?.len();
    Ok(judge_et_once(first, again, a.unread()?))
}

fn judge_et_once(first: usize, again: usize, unread: u64) -> Finding {
    let evidence = format!(
        "{} came, and {unread} bytes are stranded",
        reports(first + again)
    );
    match (first, again) {
        (1, 0) if unread > 0 => confirmed(evidence)
            .why("The arrival was reported. That bytes are still there is no news to the kernel."),
        _ => refuted(format!(
            "{} came, then {}; {unread} bytes are unread",
            reports(first),
            reports(again)
        ))
        .why("Unread bytes were reported again, or their arrival was not."),
    }
    .count("reports", first + again)
    .count("unread", unread)
}

pub const ET_NEW_DATA: Claim = Claim {
    id: "et-new-data",
    claim: "new data is reported, even behind unread bytes",
    asked: "13 bytes, of which 5 are read; then 3 more. How many reports, and which bytes does \
            the recv after it return?",
    experiment: et_new_data,
};

fn et_new_data(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    t.sends(&a, MESSAGE)?;
    t.wait(&epoll)?;
    t.recv(&a, 5).of_call("recv")?;
    t.sends(&a, b"new")?;
    let reports = t.wait(&epoll)?.len();
    let read = t.recv(&a, 5).of_call("recv")?;
    let silence = t.wait(&epoll)?.len();
    Ok(judge_et_new_data(reports, silence, &read))
}

fn judge_et_new_data(first: usize, after: usize, read: &[u8]) -> Finding {
    let bytes = String::from_utf8_lossy(read).into_owned();
    let old = MESSAGE[5..].starts_with(read);
    let whose = if old { "old" } else { "new" };
    let evidence = format!(
        "the new bytes brought {}, and recv returned the {whose} {bytes:?}",
        reports(first + after)
    );
    match (first, after) {
        (1, 0) => confirmed(evidence)
            .why("One report an arrival. The bytes come in order: the old ones first."),
        _ => refuted(evidence).why("Not one report for one arrival."),
    }
    .count("reports", first + after)
}

pub const ET_EVERY_ARRIVAL: Claim = Claim {
    id: "et-every-arrival",
    claim: "an edge is the passage from empty to not empty",
    asked: "Three sends with a wait after each, nothing read: after the first the buffer is never \
            empty. Then two sends before one wait.",
    experiment: et_every_arrival,
};

fn et_every_arrival(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    let mut apart = 0;
    for message in [b"one", b"two", b"six"] {
        t.sends(&a, message)?;
        apart += t.wait(&epoll)?.len();
    }
    t.sends(&a, b"four")?;
    t.sends(&a, b"five")?;
    let together = t.wait(&epoll)?.len() + t.wait(&epoll)?.len();
    Ok(judge_et_every_arrival(apart, together))
}

fn judge_et_every_arrival(apart: usize, together: usize) -> Finding {
    let evidence = format!(
        "three sends with a wait after each brought {}; two before one wait, {}",
        reports(apart),
        reports(together)
    );
    match apart {
        0 | 1 => confirmed(evidence).why("Only the first arrival found an empty buffer."),
        _ => refuted(evidence).why(
            "An edge is an arrival, whatever is unread. Arrivals between two waits are one \
             report: an fd is on the ready list or it is not.",
        ),
    }
    .count("reports_apart", apart)
    .count("reports_together", together)
}

pub const ET_MASKED_LOSS: Claim = Claim {
    id: "et-masked-loss",
    claim: "who reads once per edge visibly loses data",
    asked: "10 messages of 13 bytes; one recv of 5 a report, and what was read is sent back.",
    experiment: et_masked_loss,
};

fn et_masked_loss(t: &mut Trial) -> Result<Finding> {
    const MESSAGES: usize = 10;
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    let (mut replies, mut read) = (0, 0);
    let mut one_message = |t: &mut Trial| -> Result<u64> {
        let reports = t.wait(&epoll)?;
        for _ in &reports {
            let data = t.recv(&a, 5).of_call("recv")?;
            t.sys.send(&a.socket, &data, MsgFlags::MSG_NOSIGNAL)?;
            read += data.len();
            replies += 1;
        }
        Ok(reports.len() as u64)
    };
    t.sends(&a, MESSAGE)?;
    one_message(t)?;
    t.note(format!("... and {} times more the same", MESSAGES - 2));
    let unseen = t.untraced(|t| -> Result<u64> {
        let mut reports = 0;
        for _ in 2..MESSAGES {
            a.sends(MESSAGE)?;
            reports += one_message(t)?;
        }
        Ok(reports)
    })?;
    t.unseen(&a, unseen);
    t.sends(&a, MESSAGE)?;
    one_message(t)?;
    t.wait(&epoll)?;
    let sent = MESSAGES * MESSAGE.len();
    Ok(judge_et_masked_loss(MESSAGES, replies, sent, read))
}

fn judge_et_masked_loss(messages: usize, replies: usize, sent: usize, read: usize) -> Finding {
    let stranded = sent - read;
    let evidence = format!(
        "{replies} of {messages} messages had a reply; of {sent} bytes {read} were read, {stranded} \
         are stranded"
    );
    match stranded {
        0 => refuted(evidence).why("All was read: nothing is lost."),
        _ if replies < messages => confirmed(evidence).why("A message without a reply is seen."),
        _ => depends(evidence).why(
            "Each message wakes the server, so replies flow: old bytes, ever later. Only when \
             traffic stops does the loss show.",
        ),
    }
    .count("replies", replies)
    .count("read", read)
    .count("stranded", stranded)
}

pub const ET_LISTENER: Claim = Claim {
    id: "et-listener",
    claim: "one accept per wake-up is enough",
    asked: "Three connections in the queue of an ET listener; accept one, wait again. Then a \
            fourth connects; accept one, wait again.",
    experiment: et_listener,
};

fn et_listener(t: &mut Trial) -> Result<Finding> {
    let (listener, address) = t.listener()?;
    let epoll = t.epoll_of(&[&listener], IN | ET)?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(t.connects(address)?);
    }
    let first = t.wait(&epoll)?.len();
    let _a = t.sys.accept4(&listener)?;
    let waiting = t.wait(&epoll)?.len();
    clients.push(t.connects(address)?);
    let fourth = t.wait(&epoll)?.len();
    let _b = t.sys.accept4(&listener)?;
    let still = t.wait(&epoll)?.len();
    Ok(judge_et_listener(first, waiting, fourth, still))
}

fn judge_et_listener(first: usize, waiting: usize, fourth: usize, still: usize) -> Finding {
    match (first, waiting) {
        (1, 0) => refuted(match (fourth, still) {
            (0, _) => "3 clients waited, epoll reported once; B and C wait, even after D has come",
            (_, 0) => {
                "3 clients waited, epoll reported once; accepting one left two in the queue, and \
                 D's report let B in: C and D wait"
            }
            _ => "3 clients waited, epoll reported once; B and C waited until D came",
        })
        .why(
            "A client in the queue is not reported again. An ET listener is accepted from until \
             EAGAIN, and so must not block; or it stays level-triggered.",
        ),
        (1, _) => confirmed("after one accept the next client was reported, too")
            .why("Each accept was followed up."),
        _ => refuted(format!("3 clients connected: {}", reports(first)))
            .why("Their arrival went unseen."),
    }
    .count("first_reports", first)
    .count("reports_while_two_wait", waiting)
    .count("reports_at_the_fourth", fourth)
    .count("reports_after_the_fourth", still)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        assert_eq!(judge_et_once(1, 0, 8).verdict, Confirmed);
        assert_eq!(judge_et_once(1, 1, 8).verdict, Refuted);
        assert_eq!(judge_et_once(0, 0, 13).verdict, Refuted);

        assert_eq!(judge_et_new_data(1, 0, b"world").verdict, Confirmed);
        assert!(judge_et_new_data(1, 0, b"new").evidence.contains("the new"));
        assert_eq!(judge_et_new_data(0, 0, b"world").verdict, Refuted);
        assert_eq!(judge_et_new_data(1, 1, b"world").verdict, Refuted);

        assert_eq!(judge_et_every_arrival(3, 1).verdict, Refuted);
        assert_eq!(judge_et_every_arrival(1, 0).verdict, Confirmed);
    }

    #[test]
    fn losses() {
        assert_eq!(judge_et_masked_loss(10, 10, 130, 50).verdict, Depends);
        assert_eq!(judge_et_masked_loss(10, 4, 130, 20).verdict, Confirmed);
        assert_eq!(judge_et_masked_loss(10, 10, 130, 130).verdict, Refuted);

        assert_eq!(judge_et_listener(1, 0, 1, 0).verdict, Refuted);
        assert!(
            judge_et_listener(1, 0, 0, 0)
                .evidence
                .contains("even after")
        );
        assert!(judge_et_listener(1, 0, 1, 0).evidence.contains("let B in"));
        assert_eq!(judge_et_listener(1, 1, 1, 1).verdict, Confirmed);
        assert_eq!(judge_et_listener(0, 0, 0, 0).verdict, Refuted);
    }
}
