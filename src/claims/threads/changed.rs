//! What a call that sleeps makes of a change: of the interest list, and of the
//! fd that it sleeps in.

use std::io::Write;
use std::os::fd::AsRawFd;

use nix::sys::socket::{Shutdown, shutdown};

use crate::claims::prelude::*;
use crate::claims::threads::crew::Crew;
use crate::claims::threads::sleeper::Sleeper;

pub const CTL_WHILE_WAITING: Claim = Claim {
    id: "ctl-while-waiting",
    claim: "epoll_ctl counts from the next wait on",
    asked: "A thread sleeps in epoll_wait; another adds an fd that is ready. The same with an fd \
            on the list without interest, and MOD.",
    experiment: ctl_while_waiting,
};

fn ctl_while_waiting(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    t.sends(&a, b"x")?;
    let mut woken = [0; 2];
    for (woken, op) in woken.iter_mut().zip([CtlOp::Add, CtlOp::Mod]) {
        let epoll = t.sys.epoll_create1()?;
        if op == CtlOp::Mod {
            let none = EpollFlags::empty();
            t.sys.epoll_ctl(&epoll, CtlOp::Add, &a.socket, none)?;
        }
        let crew = Crew::in_one(&epoll, 1)?;
        t.note("a thread sleeps in that epoll");
        t.sys.epoll_ctl(&epoll, op, &a.socket, IN)?;
        *woken = crew.settle()?.len();
        t.note(format!("its wait has returned: {woken}"));
    }
    Ok(judge_ctl_while_waiting(woken))
}

/// Whether the sleeper returned: after ADD, after MOD.
fn judge_ctl_while_waiting([add, modify]: [usize; 2]) -> Finding {
    let evidence = format!("the sleeping wait returned {add} after ADD, and {modify} after MOD");
    match (add, modify) {
        (0, 0) => confirmed(evidence).why("The thread slept on."),
        (1, 1) => refuted(evidence)
            .why("The wait has no list of its own: who is asleep sees the list as it is now."),
        _ => depends(evidence).why("Only one of the two reached the sleeper."),
    }
    .count("after_add", add)
    .count("after_mod", modify)
}

pub const CLOSE_WAKES: Claim = Claim {
    id: "close-wakes",
    claim: "close wakes whoever waits for the fd",
    asked: "A thread sleeps in epoll_wait: the watched fd is closed; or the epoll itself. A \
            thread sleeps in recv: its fd is closed; or shut down.",
    experiment: close_wakes,
};

/// What became of the four sleepers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Closed {
    /// Woken by the close of the watched fd, of the epoll, of recv's fd.
    woken: [bool; 3],
    /// What the wait returned, once its closed epoll had something to report.
    later: nix::Result<usize>,
    /// What recv returned for the bytes that came after close.
    read: nix::Result<usize>,
    /// What recv returned at shutdown.
    shut: Option<nix::Result<usize>>,
}

fn close_wakes(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN)?;
    let crew = Crew::in_one(&epoll, 1)?;
    t.note("a thread sleeps in that epoll");
    t.sys.close(a.socket)?;
    let watched = !crew.settle()?.is_empty();
    t.note(format!("woken: {watched}"));
    drop(crew);

    let fd = t.eventfd("eventfd")?;
    let epoll = t.epoll_of(&[&fd], IN)?;
    let sleeper = Sleeper::waits(&epoll, -1)?;
    t.note("a thread sleeps in that epoll");
    t.sys.close_epoll(epoll)?;
    let itself = sleeper.settle()?;
    nix::unistd::write(&fd, &1_u64.to_ne_bytes()).of_call("write")?;
    t.note(format!("woken: {itself}; then the eventfd is written"));
    let later = sleeper.ended()?;
    t.note(format!("its wait returns {}", outcome(&later)));

    let b = t.connection()?;
    let sleeper = Sleeper::receives(&b)?;
    t.note("a thread sleeps in recv(B)");
    let peer = b.peer;
    t.sys.close(b.socket)?;
    let received = sleeper.settle()?;
    let mut client = peer.as_ref().context("no client")?;
    client.write_all(b"ping").of_call("write")?;
    t.note(format!("woken: {received}; then B's client sends \"ping\""));
    let read = sleeper.ended()?;
    t.note(format!("its recv returns {}", outcome(&read)));

    let c = t.connection()?;
    let sleeper = Sleeper::receives(&c)?;
    shutdown(c.socket.as_raw_fd(), Shutdown::Read).of_call("shutdown")?;
    sleeper.settle()?;
    let shut = sleeper.returned();
    t.note("a thread sleeps in recv(C); shutdown(C, SHUT_RD)");
    let woken = [watched, itself, received];
    Ok(judge_close_wakes(Closed {
        woken,
        later,
        read,
        shut,
    }))
}

fn judge_close_wakes(closed: Closed) -> Finding {
    let shut = match closed.shut {
        Some(shut) => format!("shutdown made recv return {}", outcome(&shut)),
        None => "not even shutdown ended recv".into(),
    };
    let woken = closed.woken.iter().filter(|woken| **woken).count();
    match woken {
        0 => refuted(format!("close woke none of 3 threads; {shut}")).why(
            "A sleeping call holds the open file, so nothing ends with the number: the closed \
             epoll still reports, the closed socket still receives. shutdown acts on the file \
             itself, and wakes.",
        ),
        3 => confirmed("close woke 3 of 3 threads").why("Each close ended the sleep."),
        _ => depends(format!("close woke {woken} of 3 threads; {shut}"))
            .why("It is not the same for a watched fd, an epoll and a socket."),
    }
    .count("woken_by_close", woken)
    .count("later_events", closed.later.unwrap_or(0))
    .count("later_bytes", closed.read.unwrap_or(0))
    .count("shutdown_wakes", closed.shut.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers() {
        assert_eq!(judge_ctl_while_waiting([1, 1]).verdict, Refuted);
        assert_eq!(judge_ctl_while_waiting([0, 0]).verdict, Confirmed);
        assert_eq!(judge_ctl_while_waiting([1, 0]).verdict, Depends);

        let closed = |woken| {
            judge_close_wakes(Closed {
                woken,
                later: Ok(1),
                read: Ok(4),
                shut: Some(Ok(0)),
            })
        };
        assert_eq!(closed([false; 3]).verdict, Refuted);
        assert_eq!(closed([true; 3]).verdict, Confirmed);
        assert_eq!(closed([true, false, false]).verdict, Depends);
        assert_eq!(closed([true; 3]).figures[1].0, "later_events");
    }
}
