//! What a forked child shares with its parent. The child here is this program
//! again, with the fds inherited under the numbers that they have: to the
//! kernel that is what fork does.

use std::os::fd::AsRawFd;
use std::process::Stdio;

use nix::fcntl::OFlag;

use crate::claims::child::{Child, OF_THE_CHILD, Role, duplicate};
use crate::claims::prelude::*;

pub const FORK_SHARES: Claim = Claim {
    id: "fork-shares",
    claim: "a forked child has an epoll of its own",
    asked: "A child process inherits the epoll and A. It adds an eventfd of its own: is that \
            reported here? It takes A off the list: what does our MOD say? A is back, with \
            EPOLLET, and a byte comes: the child waits, then we.",
    experiment: fork_shares,
};

/// What the two processes saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Forked {
    /// Reports here of the fd that the child has added.
    of_childs: usize,
    /// Our MOD after the child's DEL.
    modify: Result<(), Errno>,
    /// Reports of one arrival: to the child, to us.
    edge: [usize; 2],
}

fn fork_shares(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN)?;
    let mut child = Child::inheriting(Role::Fork, &[&epoll.0, &a], Stdio::piped())?;
    child.expect("added")?;
    t.note("the child: ADD of an eventfd of its own, written");
    let of_childs = with_data(&t.wait(&epoll)?, OF_THE_CHILD);
    child.go()?;
    child.expect("deleted")?;
    t.note("the child: closes the eventfd; DEL of A");
    let modify = errno(t.sys.epoll_ctl(&epoll, CtlOp::Mod, &a.socket, IN | ET));
    // Where the child's DEL took nothing off our list, it is there still.
    let _ = errno(t.sys.epoll_ctl(&epoll, CtlOp::Add, &a.socket, IN | ET));
    t.sends(&a, b"x")?;
    child.go()?;
    let childs = child.line()?.context("the child has died")?;
    let childs = childs.parse().context("the child's answer")?;
    t.note(format!("the child: epoll_wait = {childs}"));
    let ours = t.wait(&epoll)?.len();
    Ok(judge_fork_shares(Forked {
        of_childs,
        modify,
        edge: [childs, ours],
    }))
}

fn judge_fork_shares(forked: Forked) -> Finding {
    let [childs, ours] = forked.edge;
    let modify = done(forked.modify);
    let evidence = format!(
        "the child's ADD brought us {}, and after its DEL our MOD said {modify}; of one edge it got \
         {}, and we got {}",
        reports(forked.of_childs),
        reports(childs),
        reports(ours)
    );
    match (forked.of_childs, forked.modify) {
        (0, Ok(())) => confirmed(evidence).why("What the child did changed nothing here."),
        (1.., Err(Errno::ENOENT)) => refuted(evidence).why(
            "fork copies numbers, not files: both have one interest list and one ready list. What \
             one adds the other is told, what one deletes is gone, and an edge goes to whoever \
             waits first.",
        ),
        _ => depends(evidence).why("Some of it is shared, and some is not."),
    }
    .count("reports_of_the_childs_fd", forked.of_childs)
    .count("edge_child", childs)
    .count("edge_parent", ours)
}

pub const NONBLOCK_SHARED: Claim = Claim {
    id: "nonblock-shared",
    claim: "accept, dup and fork hand O_NONBLOCK on",
    asked: "F_GETFL of a socket accepted from a listener with O_NONBLOCK. Then the flag is set \
            through a dup, and another time by a child process: does our fd have it?",
    experiment: nonblock_shared,
};

fn nonblock_shared(t: &mut Trial) -> Result<Finding> {
    let nonblocking = |flags: OFlag| flags.contains(OFlag::O_NONBLOCK);
    let (listener, address) = t.listener()?;
    let _client = t.connects(address)?;
    let accepted = t.sys.accept4(&listener)?;
    let by_accept = nonblocking(t.sys.fcntl_getfl(&accepted)?);

    let dup = t
        .sys
        .fcntl_dupfd(&accepted, 0, t.sys.name(accepted.as_raw_fd()))?;
    let flags = t.sys.fcntl_getfl(&dup)?;
    t.sys.fcntl_setfl(&dup, flags | OFlag::O_NONBLOCK)?;
    let by_dup = nonblocking(t.sys.fcntl_getfl(&accepted)?);

    t.sys.fcntl_setfl(&accepted, flags - OFlag::O_NONBLOCK)?;
    let stdin = duplicate(&accepted)?;
    let mut child = Child::inheriting(Role::SetNonblock, &[], stdin)?;
    child.expect("set")?;
    t.note("a child process: fcntl(F_SETFL, O_NONBLOCK) on the fd that it inherited");
    let by_child = nonblocking(t.sys.fcntl_getfl(&accepted)?);
    Ok(judge_nonblock_shared([by_accept, by_dup, by_child]))
}

/// Whether our fd has the flag: by accept4, by a dup's, by a child's.
fn judge_nonblock_shared(has: [bool; 3]) -> Finding {
    let [accept, dup, fork] = has.map(|has| if has { "had" } else { "did not have" });
    let evidence = format!(
        "the accepted socket {accept} the listener's flag; our fd {dup} the flag that was set by a \
         dup, and {fork} the one that was set in a child"
    );
    match has {
        [true, true, true] => confirmed(evidence).why("All three hand the flag on."),
        [false, true, true] => depends(evidence).why(
            "The flag is the open file's: whoever has another fd of that file changes ours. \
             accept4 makes a new file, and on Linux takes no flag from the listener.",
        ),
        [_, false, false] => refuted(evidence).why("dup and fork give a number of its own flags."),
        _ => depends(evidence).why("One of the two hands it on, and the other does not."),
    }
    .count("by_accept", has[0])
    .count("by_dup", has[1])
    .count("by_child", has[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let forked = |of_childs, modify, edge| {
            let forked = Forked {
                of_childs,
                modify,
                edge,
            };
            judge_fork_shares(forked).verdict
        };
        assert_eq!(forked(1, Err(Errno::ENOENT), [1, 0]), Refuted);
        assert_eq!(forked(0, Ok(()), [1, 1]), Confirmed);
        assert_eq!(forked(1, Ok(()), [1, 1]), Depends);

        assert_eq!(judge_nonblock_shared([false, true, true]).verdict, Depends);
        assert_eq!(judge_nonblock_shared([true; 3]).verdict, Confirmed);
        assert_eq!(judge_nonblock_shared([false; 3]).verdict, Refuted);
    }
}
