//! The ready list of an epoll instance, derived by the rules of epoll(7).
//!
//! No call shows this list. What the kernel does tell is whether it is empty:
//! the epoll fd itself is readable as long as it is not, and the lab polls it
//! whenever the server rests.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use nix::sys::epoll::EpollFlags;

/// What is registered, and what of it is ready.
#[derive(Debug, Default)]
pub struct ReadyList {
    /// By fd: the interest, as epoll_ctl was given it.
    pub interest: BTreeMap<RawFd, EpollFlags>,
    /// In the order in which they became ready.
    pub ready: Vec<RawFd>,
}

impl ReadyList {
    /// epoll_ctl ADD or MOD: the kernel asks at once whether it is `ready`.
    pub fn register(&mut self, fd: RawFd, interest: EpollFlags, ready: bool) {
        self.interest.insert(fd, interest);
        match ready {
            true => self.push(fd),
            false => self.ready.retain(|other| *other != fd),
        }
    }

    /// epoll_ctl DEL, or the close of the last fd of its open file.
    pub fn remove(&mut self, fd: RawFd) {
        self.interest.remove(&fd);
        self.ready.retain(|other| *other != fd);
    }

    /// Bytes, an end of file or a connection have come.
    pub fn arrive(&mut self, fd: RawFd) {
        let wanted = self.interest.get(&fd);
        if wanted.is_some_and(|interest| interest.contains(EpollFlags::EPOLLIN)) {
            self.push(fd);
        }
    }

    /// Readiness is reported at its change only.
    pub fn is_edge(&self, fd: RawFd) -> bool {
        let interest = self.interest.get(&fd);
        interest.is_some_and(|interest| interest.contains(EpollFlags::EPOLLET))
    }

    /// A wait has returned with `reported`. An edge-triggered fd is off the
    /// list with its report, a level-triggered one goes to its end; what is no
    /// longer ready is found so, and dropped. True: all that was reported
    /// stood on the list.
    pub fn returned(&mut self, reported: &[RawFd], is_ready: impl Fn(RawFd) -> bool) -> bool {
        let foreseen = reported.iter().all(|fd| self.ready.contains(fd));
        self.ready
            .retain(|fd| !reported.contains(fd) && is_ready(*fd));
        for fd in reported {
            if !self.is_edge(*fd) && self.interest.contains_key(fd) {
                self.push(*fd);
            }
        }
        foreseen
    }

    /// The kernel has asked all that stand on the list whether they are still
    /// ready: a wait does so before it sleeps, a poll of the epoll fd as well.
    /// Those that are not, which are off the list now.
    pub fn ask_all(&mut self, is_ready: impl Fn(RawFd) -> bool) -> Vec<RawFd> {
        let (ready, gone) = self.ready.iter().partition(|fd| is_ready(**fd));
        self.ready = ready;
        gone
    }

    fn push(&mut self, fd: RawFd) {
        if !self.ready.contains(&fd) {
            self.ready.push(fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IN: EpollFlags = EpollFlags::EPOLLIN;
    const ET: EpollFlags = EpollFlags::EPOLLET;

    #[test]
    fn level_triggered_stays_until_a_wait_finds_nothing() {
        let mut list = ReadyList::default();
        list.register(5, IN, false);
        list.arrive(5);
        assert!(list.returned(&[5], |_| true));
        assert_eq!(list.ready, [5]);
        assert_eq!(list.ask_all(|_| false), [5]);
        assert!(list.ready.is_empty());
    }

    #[test]
    fn edge_triggered_leaves_with_its_report() {
        let mut list = ReadyList::default();
        list.register(5, IN | ET, false);
        list.arrive(5);
        list.arrive(5);
        assert_eq!(list.ready, [5]);
        assert!(list.returned(&[5], |_| true));
        assert!(list.ready.is_empty());
        list.register(5, IN | ET, true);
        assert_eq!(list.ready, [5], "EPOLL_CTL_MOD asks afresh");
    }

    #[test]
    fn what_is_not_wanted_does_not_come() {
        let mut list = ReadyList::default();
        list.arrive(5);
        list.register(5, EpollFlags::EPOLLOUT, false);
        list.arrive(5);
        assert!(list.ready.is_empty());
        list.register(5, IN, true);
        list.remove(5);
        assert!(list.ready.is_empty() && list.interest.is_empty());
        assert!(!list.returned(&[5], |_| true), "not foreseen");
    }

    #[test]
    fn level_triggered_takes_turns() {
        let mut list = ReadyList::default();
        for fd in [3, 5, 6] {
            list.register(fd, IN, true);
        }
        assert!(list.returned(&[3], |_| true));
        assert_eq!(list.ready, [5, 6, 3]);
    }
}
