//! The fds that are waited for: real ones, each of which can be made readable and unreadable again.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{setsockopt, sockopt};

use crate::cost::fd_kind::FdKind;
use crate::cost::limits::OTHER_FDS;
use crate::cost::skip::Skip;
use crate::sys::loopback;
use crate::trace::{CallFailed, OfCall};

/// Connections made through one listener: well below the number of local ports that a client may use for one
/// destination (28,232 by default, `ip_local_port_range` in `ip(7)`).
const CONNECTIONS_PER_LISTENER: usize = 10_000;

/// How long a connection over loopback may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The watched fds of the largest set. They are opened first and lie low, so that `select` gets as far as it can.
#[derive(Debug)]
pub struct FdPool {
    watched: Vec<OwnedFd>,
    /// The other ends: empty for eventfds, which are written to themselves.
    peers: Vec<OwnedFd>,
}

impl FdPool {
    /// Opens as many fds as it can, up to `count`, and says what stopped it.
    pub fn open(kind: FdKind, count: usize) -> (FdPool, Option<Skip>) {
        let mut pool = FdPool {
            watched: Vec::with_capacity(count),
            peers: Vec::new(),
        };
        let opened = match kind {
            FdKind::Eventfd => pool.open_eventfds(count),
            FdKind::Tcp => pool.open_tcp(count),
        };
        let opened_before = pool.len();
        let stopped = opened.err().map(|failed| Skip::Open {
            opened: opened_before,
            call: failed.call.into_owned(),
            errno: failed
                .error
                .raw_os_error()
                .map_or(Errno::UnknownErrno, Errno::from_raw),
        });
        (pool, stopped)
    }

    fn open_eventfds(&mut self, count: usize) -> Result<(), CallFailed> {
        for _ in 0..count {
            let fd = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC);
            self.watched.push(fd.of_call("eventfd")?.into());
        }
        Ok(())
    }

    fn open_tcp(&mut self, count: usize) -> Result<(), CallFailed> {
        // The kernel hands out the lowest free fd, so the peers are moved up, out of the way of the watched ones.
        let peers_from = (count + OTHER_FDS) as i32;
        for first in (0..count).step_by(CONNECTIONS_PER_LISTENER) {
            let listener = loopback::listener()?;
            let address = listener.local_addr().of_call("getsockname")?;
            for _ in first..count.min(first + CONNECTIONS_PER_LISTENER) {
                let low = loopback::client()?;
                let peer = rustix::io::fcntl_dupfd_cloexec(&low, peers_from)
                    .of_call("fcntl(F_DUPFD_CLOEXEC)")?;
                drop(low);
                loopback::connect(&peer, address, PATIENCE)?;
                // A reset at close: otherwise thousands of connections would stay behind in TIME_WAIT (tcp(7)).
                let reset = libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                setsockopt(&peer, sockopt::Linger, &reset).of_call("setsockopt(SO_LINGER)")?;
                let (watched, _) = listener.accept().of_call("accept4")?;
                watched.set_nonblocking(true).of_call("ioctl(FIONBIO)")?;
                self.watched.push(watched.into());
                self.peers.push(peer);
            }
        }
        Ok(())
    }

    /// Fds that can be waited for; the peers of connections are not counted.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Not even one could be opened.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// The first `count` fds: the smaller sets are the beginning of the larger ones.
    pub fn first(&self, count: usize) -> &[OwnedFd] {
        &self.watched[..count.min(self.watched.len())]
    }

    /// Makes one fd readable, and returns when it is: loopback may deliver a little later.
    pub fn make_readable(&self, index: usize) -> anyhow::Result<()> {
        let watched = self.watched[index].as_fd();
        // 8 bytes for both kinds: an eventfd takes nothing else, and one read empties either.
        nix::unistd::write(self.writer(index), &1_u64.to_ne_bytes()).of_call("write")?;
        let mut pollfd = [PollFd::new(watched, PollFlags::POLLIN)];
        let ready = nix::poll::poll(&mut pollfd, PollTimeout::from(1_000_u16)).of_call("poll")?;
        anyhow::ensure!(
            ready == 1,
            "an fd that was written to did not become readable within 1 s"
        );
        Ok(())
    }

    /// Takes the 8 bytes out again.
    pub fn make_idle(&self, index: usize) -> anyhow::Result<()> {
        nix::unistd::read(&self.watched[index], &mut [0; 8]).of_call("read")?;
        Ok(())
    }

    fn writer(&self, index: usize) -> BorrowedFd<'_> {
        self.peers
            .get(index)
            .unwrap_or(&self.watched[index])
            .as_fd()
    }
}

/// Which fds of a set are ready: the middle of each of `active` equal parts. For one of N that is N / 2, which costs a
/// search as much as a random one does on average.
pub fn ready_positions(fds: usize, active: usize) -> Vec<usize> {
    // In 64 bits: for the largest sets the product passes 32.
    let middle = |part: usize| (2 * part as u64 + 1) * fds as u64 / (2 * active as u64);
    (0..active).map(|part| middle(part) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_fds_lie_in_the_middle_of_equal_parts() {
        assert_eq!(ready_positions(10, 1), [5]);
        assert_eq!(ready_positions(10, 2), [2, 7]);
        assert_eq!(ready_positions(1, 1), [0]);
        assert_eq!(ready_positions(5, 5), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn ready_positions_are_distinct_and_inside() {
        for fds in 1..60 {
            for active in 1..=fds {
                let positions = ready_positions(fds, active);
                assert!(
                    positions.windows(2).all(|pair| pair[0] < pair[1]),
                    "{fds} {active} {positions:?}"
                );
                assert!(positions.iter().all(|&position| position < fds));
            }
        }
    }

    #[test]
    fn both_kinds_become_readable_and_idle_again() {
        for kind in [FdKind::Eventfd, FdKind::Tcp] {
            let (pool, stopped) = FdPool::open(kind, 3);
            assert_eq!((pool.len(), stopped), (3, None));
            for _ in 0..2 {
                pool.make_readable(1).unwrap();
                pool.make_idle(1).unwrap();
                let mut again = [PollFd::new(pool.first(2)[1].as_fd(), PollFlags::POLLIN)];
                assert_eq!(nix::poll::poll(&mut again, PollTimeout::ZERO), Ok(0));
            }
        }
    }
}
