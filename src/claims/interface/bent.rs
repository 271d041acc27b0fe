//! What only a bad argument shows.

use anyhow::ensure;

use crate::claims::bend::{self, Said};
use crate::claims::prelude::*;

pub const CREATE_ZERO: Claim = Claim {
    id: "create-zero",
    claim: "epoll_create's size is only a hint",
    asked: "epoll_create with a size of 0, of -1, and of 1, to which three fds are then added. Rust \
            has epoll_create1 alone: a child process makes that call, and we change it on its way \
            into the kernel (ptrace).",
    experiment: create_zero,
};

fn create_zero(t: &mut Trial) -> Result<Finding> {
    let mut said = [Ok(0); 3];
    for (said, size) in said.iter_mut().zip([0, -1, 1]) {
        *said = bend::epoll_create(size)?;
        t.note(match said {
            Ok(added) => format!("a child: epoll_create({size}) made an epoll; {added} fds added"),
            Err(_) => format!("a child: epoll_create({size}) = -1 {}", outcome(said)),
        });
    }
    Ok(judge_create_zero(said))
}

/// With 0, -1 and 1: the errno, or how many of three fds were added.
fn judge_create_zero([zero, negative, one]: [Said; 3]) -> Finding {
    let how = |said: &Said| match said {
        Ok(added) => format!("made an epoll that took {added} of 3 fds"),
        Err(_) => format!("said {}", outcome(said)),
    };
    let evidence = format!(
        "epoll_create(0) {}, epoll_create(-1) {}, epoll_create(1) {}",
        how(&zero),
        how(&negative),
        how(&one)
    );
    match (zero, negative, one) {
        (Ok(3), Ok(3), Ok(3)) => confirmed(evidence).why("The size is not looked at."),
        (Err(_), Err(_), Ok(3)) => depends(evidence).why(
            "The size is not used since Linux 2.6.8, but it has to be above 0, so that a program \
             runs on older kernels, too (epoll_create(2)).",
        ),
        _ => refuted(evidence).why("The size did limit something."),
    }
    .count("fds_with_size_1", one.unwrap_or(0))
}

pub const EFAULT_KEEPS: Claim = Claim {
    id: "efault-keeps",
    claim: "what a failed epoll_wait found is lost",
    asked: "An unread byte, edge-triggered. A child process waits in our epoll, and on its way into \
            the kernel we let its `events` point nowhere (ptrace): EFAULT. Then two waits of ours.",
    experiment: efault_keeps,
};

fn efault_keeps(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | ET)?;
    t.sends(&a, b"x")?;
    let failed = bend::wait_nowhere(&epoll)?;
    t.note(format!(
        "a child: epoll_wait(..., events=0x8, ...) says {}",
        outcome(&failed)
    ));
    ensure!(
        failed == Err(Errno::EFAULT),
        "the child's wait said {}",
        outcome(&failed)
    );
    let after = [t.wait(&epoll)?.len(), t.wait(&epoll)?.len()];
    Ok(judge_efault_keeps(after))
}

/// Reports of the two waits after the one that failed.
fn judge_efault_keeps([first, second]: [usize; 2]) -> Finding {
    let evidence = format!(
        "after EFAULT the next wait brought {}, and the one after it {}",
        reports(first),
        reports(second)
    );
    match first {
        0 => confirmed(evidence).why("The edge was gone with the wait that could not tell it."),
        _ => refuted(evidence).why(
            "An event that cannot be copied out goes back to the ready list: the wait after that \
             brings it, and under EPOLLET that one alone.",
        ),
    }
    .count("reports_after_efault", first)
    .count("reports_later", second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let bad = Err(Errno::EINVAL);
        let create = |said| judge_create_zero(said).verdict;
        assert_eq!(create([bad, bad, Ok(3)]), Depends);
        assert_eq!(create([Ok(3); 3]), Confirmed);
        assert_eq!(create([bad, bad, Ok(1)]), Refuted);
        assert_eq!(create([bad, bad, bad]), Refuted);
        assert_eq!(create([bad, Ok(3), Ok(3)]), Refuted);

        assert_eq!(judge_efault_keeps([1, 0]).verdict, Refuted);
        assert_eq!(judge_efault_keeps([0, 0]).verdict, Confirmed);
    }
}
