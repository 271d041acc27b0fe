//! Signals, and an epoll that waits meanwhile. A signal is its process's
//! affair: so all of it happens in child processes, which say what they saw.

use anyhow::ensure;

use crate::claims::child::{Child, Role};
use crate::claims::prelude::*;

pub const SIGNAL_RACE: Claim = Claim {
    id: "signal-race",
    claim: "unblock a signal, then wait: none is missed",
    asked: "SIGUSR1 is blocked and pending. Unblock it, then epoll_wait for 100 ms. The same with \
            the unblocking in the call that waits: ppoll on the epoll's fd, with the argument that \
            epoll_pwait has, which safe Rust lacks.",
    experiment: signal_race,
};

fn signal_race(t: &mut Trial) -> Result<Finding> {
    let [apart, together, handled] = answer(Role::SignalRace)?;
    t.note("a child process blocks SIGUSR1 and raises it: pending");
    t.note("sigprocmask(SIG_UNBLOCK), then epoll_wait(..., 100):");
    t.note(said(apart));
    t.note("pending again; ppoll(epfd, 10 s, without SIGUSR1):");
    t.note(said(together));
    t.note(format!("the handler has run {handled} times"));
    ensure!(
        handled == 2,
        "the handler has run {handled} times and not 2"
    );
    Ok(judge_signal_race(apart, together))
}

/// A result as a child says it: EINTR is -1.
fn said(result: i64) -> String {
    match result {
        -1 => "  = -1 EINTR".into(),
        result => format!("  = {result}"),
    }
}

/// What the two waits returned: 0 slept through, -1 was interrupted.
fn judge_signal_race(apart: i64, together: i64) -> Finding {
    let how = |result| match result {
        -1 => "ended it with EINTR",
        _ => "did not end it",
    };
    let evidence = format!(
        "a signal that was unblocked before the wait {}; unblocked by the call that waits, ppoll, it {}",
        how(apart),
        how(together)
    );
    match (apart, together) {
        (-1, _) => confirmed(evidence).why("The wait ended although the handler had run."),
        (_, -1) => refuted(evidence).why(
            "The handler runs between the two calls, and then the wait knows nothing of it. \
             epoll_pwait, ppoll and pselect unblock and wait in one; or a signalfd. LTP asserts \
             it: epoll_pwait01.",
        ),
        _ => refuted(evidence).why("Neither way ended the wait."),
    }
}

pub const SIGNALFD_FORK: Claim = Claim {
    id: "signalfd-fork",
    claim: "an inherited epoll tells the child's signals",
    asked: "A process has a signalfd on its epoll, and a signal pending: a report. Its child \
            inherits both: it waits; raises a signal of its own and waits, polls the signalfd, \
            waits in an epoll of its own. Then the parent waits again.",
    experiment: signalfd_fork,
};

fn signalfd_fork(t: &mut Trial) -> Result<Finding> {
    let answers = answer(Role::SignalfdParent)?;
    let [before, first, own_signal, polled, own_epoll, after, still] = answers;
    for (who, what) in [
        ("parent: a signal is pending; epoll_wait", before),
        ("child, nothing pending:      epoll_wait", first),
        ("child, a signal of its own:  epoll_wait", own_signal),
        ("child: poll of the signalfd            ", polled),
        ("child: epoll_wait, an epoll of its own ", own_epoll),
        ("parent: epoll_wait again               ", after),
        ("parent: poll of the signalfd           ", still),
    ] {
        t.note(format!("{who} = {what}"));
    }
    ensure!(
        before == 1 && still == 1,
        "the parent's signal is not there"
    );
    Ok(judge_signalfd_fork(own_signal, polled, own_epoll, after))
}

/// Reports of the child's signal, by the inherited epoll, by poll, by an epoll
/// of its own; and what is left of the parent's.
fn judge_signalfd_fork(inherited: i64, polled: i64, own: i64, parent: i64) -> Finding {
    let evidence = format!(
        "the child's signal was reported {inherited} times by the inherited epoll, {polled} by \
         poll, {own} by an epoll of its own; then the parent's own signal was \
         reported {parent} times"
    );
    match (inherited, own, parent) {
        (1, 1, _) => confirmed(evidence).why("The inherited epoll saw the child's signal."),
        (0, 1, 1) => refuted(evidence).why(
            "A signalfd is about whoever asks it, but the epoll listens where it was added: at \
             the parent.",
        ),
        (0, 1, _) => refuted(evidence).why(
            "A signalfd is about whoever asks it, but the epoll listens where it was added: at \
             the parent. And the child's wait takes the parent's event off the ready list, \
             because asked in the child there is nothing.",
        ),
        _ => depends(evidence).why("Not even an epoll of its own reports the signal."),
    }
    .count("inherited", inherited)
    .count("own_epoll", own)
    .count("parent_after", parent)
}

/// Numbers that a child says in a line.
fn answer<const N: usize>(role: Role) -> Result<[i64; N]> {
    let line = Child::start(role, None)?
        .line()?
        .context("the child has died")?;
    let numbers: Result<Vec<i64>, _> = line.split(' ').map(str::parse).collect();
    let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    numbers.with_context(|| format!("the child says: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_signal_race(0, -1).verdict, Refuted);
        assert_eq!(judge_signal_race(-1, -1).verdict, Confirmed);
        assert!(judge_signal_race(0, 0).why.contains("Neither"));

        let swallowed = judge_signalfd_fork(0, 1, 1, 0);
        assert_eq!(swallowed.verdict, Refuted);
        assert_ne!(swallowed.why, judge_signalfd_fork(0, 1, 1, 1).why);
        assert_eq!(judge_signalfd_fork(1, 1, 1, 1).verdict, Confirmed);
        assert_eq!(judge_signalfd_fork(0, 0, 0, 1).verdict, Depends);
    }
}
