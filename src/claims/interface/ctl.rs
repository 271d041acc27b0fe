//! epoll_create and epoll_ctl.

use std::fs::File;
use std::os::fd::AsRawFd;

use anyhow::bail;
use nix::sys::epoll::EpollEvent;

use crate::claims::prelude::*;

pub const CREATE_SIZE: Claim = Claim {
    id: "create-size",
    claim: "an epoll instance is made for a number of fds",
    asked: "epoll_create takes a size, a hint at how many fds will come; since Linux 2.6.8 it \
            has to be above 0, and is not used (epoll_create(2)). epoll_create1 has none. One \
            instance is given 150 fds, more than the 100 that textbooks pass.",
    experiment: create_size,
};

/// More than a textbook's size.
const FDS: usize = 150;

fn create_size(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.sys.epoll_create1()?;
    // The interest list tells fds apart, not files: 150 fds of one socket.
    t.note(format!("epoll_ctl(ADD), for A and {} dups of it:", FDS - 1));
    let mut dups = Vec::new();
    t.sys.epoll_ctl(&epoll, CtlOp::Add, &a.socket, IN)?;
    let mut refused = Ok(());
    while refused.is_ok() && dups.len() + 1 < FDS {
        refused = t.untraced(|t| -> Result<Result<(), Errno>> {
            let dup = t.sys.fcntl_dupfd(&a.socket, 0, Name::Other("dup of A"))?;
            let added = errno(t.sys.epoll_ctl(&epoll, CtlOp::Add, &dup, IN));
            if added.is_ok() {
                dups.push(dup);
            }
            Ok(added)
        })?;
    }
    let added = dups.len() + 1;
    t.note(match refused {
        Ok(()) => format!("added: {added}"),
        Err(errno) => format!("added: {added}, then {}", errno_name(errno)),
    });
    // No memory, or the user's limit for all instances (epoll_ctl(2)).
    if let Err(errno @ (Errno::ENOSPC | Errno::ENOMEM)) = refused {
        bail!("epoll_ctl: {} after {added} fds", errno_name(errno));
    }
    Ok(judge_create_size(added, refused))
}

fn judge_create_size(added: usize, refused: Result<(), Errno>) -> Finding {
    match refused {
        Ok(()) => refuted(format!(
            "{added} fds were added to an epoll that was given no size"
        ))
        .why("There is no size to outgrow: the interest list is a tree that grows."),
        Err(errno) => confirmed(format!(
            "{added} fds were added; the next one got {}",
            errno_name(errno)
        ))
        .why("This kernel holds an instance to a size."),
    }
    .count("added", added)
}

pub const CTL_ERRORS: Claim = Claim {
    id: "ctl-errors",
    claim: "epoll_ctl returns 0 or -1",
    asked: "ADD twice, MOD and DEL of an absent fd, a regular file, a closed fd, an epoll in \
            itself, two epolls in each other.",
    experiment: ctl_errors,
};

fn ctl_errors(t: &mut Trial) -> Result<Finding> {
    let (a, b) = (t.connection()?, t.connection()?);
    let file = File::open("/proc/self/exe").of_call("open(/proc/self/exe)")?;
    let file = t.sys.keep(file.into(), Name::Other("file"));
    let epoll = t.sys.epoll_create1()?;
    let other = t.sys.epoll_create1()?;
    let closed = free_number(&a.socket)?;

    let sys = &mut t.sys;
    let first = errno(sys.epoll_ctl(&epoll, CtlOp::Add, &a.socket, IN));
    let again = errno(sys.epoll_ctl(&epoll, CtlOp::Add, &a.socket, IN));
    let modify = errno(sys.epoll_ctl(&epoll, CtlOp::Mod, &b.socket, IN));
    let delete = errno(sys.epoll_ctl(&epoll, CtlOp::Del, &b.socket, IN));
    let regular = errno(sys.epoll_ctl(&epoll, CtlOp::Add, &file, IN));
    let event = EpollEvent::new(IN, closed as u64);
    let gone = errno(sys.epoll_ctl_raw(epoll.0.as_raw_fd(), CtlOp::Add, closed, event));
    let itself = errno(sys.epoll_ctl(&epoll, CtlOp::Add, &epoll.0, IN));
    sys.epoll_ctl(&epoll, CtlOp::Add, &other.0, IN)?;
    let circle = errno(sys.epoll_ctl(&other, CtlOp::Add, &epoll.0, IN));
    Ok(judge_ctl_errors(
        first,
        &[again, modify, delete, regular, gone, itself, circle],
    ))
}

fn judge_ctl_errors(first: Result<(), Errno>, wrong: &[Result<(), Errno>]) -> Finding {
    let refused = wrong.iter().filter(|result| result.is_err()).count();
    let evidence = format!(
        "{refused} of {} mistakes failed; the results were {}",
        wrong.len(),
        listed(wrong.iter().copied().map(done), ", ")
    );
    match first.is_ok() && refused == wrong.len() {
        true => confirmed(evidence)
            .why("What cannot be done is -1, and each mistake has an errno of its own."),
        false => refuted(evidence).why("0 stands where the manual page promises an error."),
    }
    .count("errors", refused)
}

pub const USER_DATA: Claim = Claim {
    id: "user-data",
    claim: "what was stored in `data` comes back unchanged",
    asked: "ADD with a u64 that is no fd, then MOD with another; a report for each.",
    experiment: user_data,
};

fn user_data(t: &mut Trial) -> Result<Finding> {
    const STORED: [u64; 2] = [0xfeed_face_cafe_beef, 0x1234_5678_9abc];
    let a = t.connection()?;
    let epoll = t.sys.epoll_create1()?;
    t.sends(&a, b"x")?;
    let mut back = Vec::new();
    for (op, stored) in [CtlOp::Add, CtlOp::Mod].into_iter().zip(STORED) {
        let event = EpollEvent::new(IN, stored);
        let (epfd, fd) = (epoll.0.as_raw_fd(), a.socket.as_raw_fd());
        t.sys.epoll_ctl_raw(epfd, op, fd, event)?;
        t.note(format!("with data={stored:#x}"));
        back.extend(t.wait(&epoll)?.iter().map(|report| report.data));
    }
    Ok(judge_user_data(&STORED, &back))
}

fn judge_user_data(stored: &[u64], back: &[u64]) -> Finding {
    let list = back.iter().map(|data| format!("{data:#x}"));
    match stored == back {
        true => confirmed(format!("{} came back as stored", listed(list, " and ")))
            .why("The kernel keeps 8 bytes and never looks at them: an fd is only a habit."),
        false => refuted(format!("came back: {}", listed(list, " ")))
            .why("This kernel makes something else of `data`."),
    }
    .count(
        "unchanged",
        stored.iter().zip(back).filter(|(a, b)| a == b).count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_create_size(150, Ok(())).verdict, Refuted);
        let held = judge_create_size(100, Err(Errno::EINVAL));
        assert_eq!(held.verdict, Confirmed);
        assert_eq!(held.evidence, "100 fds were added; the next one got EINVAL");

        let wrong = [Err(Errno::EEXIST), Err(Errno::ENOENT)];
        let right = judge_ctl_errors(Ok(()), &wrong);
        assert_eq!(right.verdict, Confirmed);
        assert!(right.evidence.ends_with("were EEXIST, ENOENT"));
        let lax = judge_ctl_errors(Ok(()), &[Err(Errno::EEXIST), Ok(())]);
        assert_eq!(lax.verdict, Refuted);
        assert!(lax.evidence.starts_with("1 of 2 mistakes failed"));
        assert_eq!(judge_ctl_errors(Err(Errno::EPERM), &wrong).verdict, Refuted);

        assert_eq!(judge_user_data(&[7, 42], &[7, 42]).verdict, Confirmed);
        assert_eq!(judge_user_data(&[7, 42], &[7, 5]).verdict, Refuted);
        assert_eq!(judge_user_data(&[7, 42], &[7]).verdict, Refuted);
    }
}
