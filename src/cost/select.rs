//! One wait with `select(2)`.

use std::hint::black_box;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::select::{FdSet, select};

use crate::cost::limits::fits_fd_set;
use crate::cost::skip::Skip;
use crate::cost::wait::{Interest, Wait};
use crate::trace::OfCall;

/// A set of fds, waited for with `select`.
pub struct SelectWait<'fd> {
    fds: &'fd [OwnedFd],
    watched: FdSet<'fd>,
    /// The highest fd plus one: how far the kernel looks into the bitmap.
    nfds: i32,
}

impl<'fd> SelectWait<'fd> {
    /// Fails for a set with an fd of 1024 or more: an `fd_set` has no bit for it.
    pub fn new(fds: &'fd [OwnedFd]) -> Result<Self, Skip> {
        let mut watched = FdSet::new();
        let mut nfds = 0;
        for fd in fds {
            let value = fd.as_raw_fd();
            if !fits_fd_set(value) {
                return Err(Skip::FdSetSize { fd: value });
            }
            watched.insert(fd.as_fd());
            nfds = nfds.max(value + 1);
        }
        Ok(SelectWait { fds, watched, nfds })
    }
}

impl Wait for SelectWait<'_> {
    fn wait(&mut self) -> anyhow::Result<usize> {
        // The kernel overwrites the set with its answer, so it gets a copy: 128 bytes each time.
        let mut ready = self.watched;
        // It walks the bitmap up to nfds and asks every fd whose bit is set.
        let count = select(self.nfds, &mut ready, None, None, None).of_call("select")? as usize;

        // It says how many are ready, not which: test one after the other until all are found.
        let mut found = 0;
        for fd in self.fds {
            if found == count {
                break;
            }
            if ready.contains(fd.as_fd()) {
                found += 1;
                black_box(fd);
            }
        }
        Ok(found)
    }

    /// One bit in the program's own memory.
    fn set_interest(&mut self, index: usize, interest: Interest) -> anyhow::Result<()> {
        match interest {
            Interest::Off => self.watched.remove(self.fds[index].as_fd()),
            Interest::In => self.watched.insert(self.fds[index].as_fd()),
        }
        Ok(())
    }
}
