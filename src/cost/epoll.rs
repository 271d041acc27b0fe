//! One wait with `epoll(7)`.

use std::hint::black_box;
use std::os::fd::OwnedFd;

use anyhow::Context;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::cost::wait::{Interest, Wait};
use crate::trace::OfCall;

/// A set of fds, waited for with `epoll_wait`.
pub struct EpollWait<'fd> {
    fds: &'fd [OwnedFd],
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl<'fd> EpollWait<'fd> {
    /// The kernel keeps the interest list from here on: one `epoll_ctl` an fd, once, outside what is measured.
    pub fn new(fds: &'fd [OwnedFd]) -> anyhow::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
        for (index, fd) in fds.iter().enumerate() {
            epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, index as u64)).with_context(|| {
                format!("epoll_ctl(ADD) of fd {} of {} (limit: /proc/sys/fs/epoll/max_user_watches)", index + 1, fds.len())
            })?;
        }
        // Room for all, so that one wait can report all.
        Ok(EpollWait {
            fds,
            epoll,
            events: vec![EpollEvent::empty(); fds.len()],
        })
    }
}

impl Wait for EpollWait<'_> {
    fn wait(&mut self) -> anyhow::Result<usize> {
        // Nothing goes in: the kernel takes what is on its ready list, asks each of those, and copies 12 bytes out
        // for each (x86-64). Level-triggered, it puts them back on the list for the next wait.
        let count = self
            .epoll
            .wait(&mut self.events, EpollTimeout::NONE)
            .of_call("epoll_wait")?;

        // It says which are ready: nothing to search.
        let mut found = 0;
        for event in &self.events[..count] {
            found += 1;
            black_box(event.data());
        }
        Ok(found)
    }

    /// A system call: the interest list lies in the kernel.
    fn set_interest(&mut self, index: usize, interest: Interest) -> anyhow::Result<()> {
        let events = match interest {
            Interest::Off => EpollFlags::empty(),
            Interest::In => EpollFlags::EPOLLIN,
        };
        let mut event = EpollEvent::new(events, index as u64);
        let changed = self.epoll.modify(&self.fds[index], &mut event);
        Ok(changed.of_call("epoll_ctl(MOD)")?)
    }
}
