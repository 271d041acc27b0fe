//! One wait with `poll(2)`.

use std::hint::black_box;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::cost::wait::{Interest, Wait};
use crate::trace::OfCall;

/// A set of fds, waited for with `poll`.
pub struct PollWait<'fd> {
    watched: Vec<PollFd<'fd>>,
}

impl<'fd> PollWait<'fd> {
    /// Asks of each whether it is readable.
    pub fn new(fds: &'fd [OwnedFd]) -> Self {
        PollWait {
            watched: fds
                .iter()
                .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN))
                .collect(),
        }
    }
}

impl Wait for PollWait<'_> {
    fn wait(&mut self) -> anyhow::Result<usize> {
        // The whole array goes into the kernel, 8 bytes an fd; it asks every fd and writes each one's revents.
        let count = poll(&mut self.watched, PollTimeout::NONE).of_call("poll")? as usize;

        // It says how many are ready, not which: test one after the other until all are found.
        let mut found = 0;
        for pollfd in &self.watched {
            if found == count {
                break;
            }
            if pollfd.any() == Some(true) {
                found += 1;
                black_box(pollfd);
            }
        }
        Ok(found)
    }

    /// One field in the program's own memory.
    fn set_interest(&mut self, index: usize, interest: Interest) -> anyhow::Result<()> {
        self.watched[index].set_events(match interest {
            Interest::Off => PollFlags::empty(),
            Interest::In => PollFlags::POLLIN,
        });
        Ok(())
    }
}
