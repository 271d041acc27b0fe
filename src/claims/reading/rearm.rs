//! Asking again: EPOLL_CTL_MOD, EPOLL_CTL_ADD, EPOLLONESHOT.

use crate::claims::prelude::*;

pub const ET_REARM: Claim = Claim {
    id: "et-rearm",
    claim: "an event missed under ET is gone",
    asked: "Bytes are unread, their edge is past, a wait is silent. MOD with the same mask; and \
            ADD to another epoll, after the bytes had come.",
    experiment: et_rearm,
};

fn et_rearm(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    t.sends(&a, MESSAGE)?;
    t.wait(&epoll)?;
    let silent = t.wait(&epoll)?.len();
    t.sys.epoll_ctl(&epoll, CtlOp::Mod, &a.socket, IN | ET)?;
    let modified = t.wait(&epoll)?.len();
    let late = t.epoll_of(&[&a], IN | ET)?;
    let added = t.wait(&late)?.len();
    Ok(judge_et_rearm(silent, modified, added))
}

fn judge_et_rearm(silent: usize, modified: usize, added: usize) -> Finding {
    let evidence = format!(
        "{} came when the edge was past, {} came after MOD, {} after ADD",
        reports(silent),
        reports(modified),
        reports(added)
    );
    match (modified, added) {
        (0, 0) => confirmed(evidence).why("Neither call looked at what is unread."),
        _ => refuted(evidence)
            .why("MOD and ADD ask the fd afresh, so they are a way back to what was missed."),
    }
    .count("after_mod", modified)
    .count("after_add", added)
}

pub const ONESHOT: Claim = Claim {
    id: "oneshot",
    claim: "EPOLLONESHOT reports once until re-armed",
    asked: "A report; more bytes, and then a reset while the fd is disarmed; MOD.",
    experiment: oneshot,
};

fn oneshot(t: &mut Trial) -> Result<Finding> {
    let interest = IN | EpollFlags::EPOLLONESHOT;
    let mut a = t.connection()?;
    let epoll = t.epoll_of(&[&a], interest)?;
    t.sends(&a, b"HELLO")?;
    let first = t.wait(&epoll)?.len();
    t.recv(&a, 5).of_call("recv")?;
    t.sends(&a, b"world")?;
    let more = t.wait(&epoll)?.len();
    t.resets(&mut a)?;
    let reset = t.wait(&epoll)?.len();
    t.sys.epoll_ctl(&epoll, CtlOp::Mod, &a.socket, interest)?;
    let rearmed = t.wait(&epoll)?;
    let counts = [first, more, reset, rearmed.len()];
    Ok(judge_oneshot(counts, events(&rearmed)))
}

/// Reports: the first, of more bytes, of a reset, after MOD.
fn judge_oneshot(counts: [usize; 4], events: EpollFlags) -> Finding {
    let [first, more, reset, rearmed] = counts;
    match counts {
        [1, 0, 0, 1] => confirmed(format!(
            "1 report came, and then none, not even of a reset; MOD brought {}",
            short(events)
        ))
        .why(
            "After a report the mask is empty, EPOLLHUP and EPOLLERR included, until MOD asks \
                 afresh: so one thread has an fd to itself.",
        ),
        _ => refuted(format!(
            "{first} reports came at first, {more} of more bytes, {reset} of a reset, {rearmed} \
             after MOD"
        ))
        .why("The fd was reported while it was disarmed, or not when it was armed."),
    }
    .count("while_disarmed", more + reset)
    .count("after_mod", rearmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_et_rearm(0, 1, 1).verdict, Refuted);
        assert_eq!(judge_et_rearm(0, 0, 0).verdict, Confirmed);

        assert_eq!(judge_oneshot([1, 0, 0, 1], IN).verdict, Confirmed);
        assert_eq!(judge_oneshot([1, 1, 0, 1], IN).verdict, Refuted);
        assert_eq!(judge_oneshot([1, 0, 1, 1], IN).verdict, Refuted);
        assert_eq!(judge_oneshot([1, 0, 0, 0], IN).verdict, Refuted);
    }
}
