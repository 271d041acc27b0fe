//! The calls that wait: epoll, poll and select, and the one that waits for
//! nothing but the clock.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollTimeout};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp};
#[expect(deprecated, reason = "see Sys::epoll_ctl_raw")]
use nix::sys::epoll::{epoll_ctl, epoll_wait};
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};
use rustix::thread::{ClockId, NanosleepRelativeResult, Timespec, clock_nanosleep_relative};

use crate::sys::observer::Observer;
use crate::sys::{Sys, nothing};
use crate::trace::{Call, CtlOp, Failure, Fd, Name, Ready, Report, WaitCost};

impl Sys {
    /// epoll_create1(2) with EPOLL_CLOEXEC.
    #[track_caller]
    pub fn epoll_create1(&mut self) -> Result<Epoll, Failure> {
        let call = Call::EpollCreate1;
        self.enter(call);
        let result = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC);
        let number = result.as_ref().map(|epoll| epoll.0.as_raw_fd());
        self.leave(number.map_err(|errno| *errno), nothing)?;
        result.map_err(|errno| Failure { call, errno })
    }

    /// epoll_ctl(2). The fd's number is what comes back in the event's `data`.
    #[track_caller]
    pub fn epoll_ctl(
        &mut self,
        epoll: &Epoll,
        op: CtlOp,
        fd: &impl AsFd,
        interest: EpollFlags,
    ) -> Result<(), Failure> {
        let raw = fd.as_fd().as_raw_fd();
        let event = EpollEvent::new(interest, raw as u64);
        self.epoll_ctl_raw(epoll.0.as_raw_fd(), op, raw, event)
    }

    /// epoll_ctl(2) with bare numbers, which may be closed, and with `data` of
    /// one's own.
    #[expect(deprecated, reason = "nix's other way takes open fds only")]
    #[track_caller]
    pub fn epoll_ctl_raw(
        &mut self,
        epfd: RawFd,
        op: CtlOp,
        fd: RawFd,
        mut event: EpollEvent,
    ) -> Result<(), Failure> {
        let interest = event.events();
        let (number, epoll) = (fd, epfd);
        let (epfd, fd) = (self.observer.fd(epfd), self.observer.fd(fd));
        #[rustfmt::skip]
        self.enter(Call::EpollCtl { epfd, op, fd, interest });
        let result = match op {
            CtlOp::Add => epoll_ctl(epoll, EpollOp::EpollCtlAdd, number, &mut event),
            CtlOp::Mod => epoll_ctl(epoll, EpollOp::EpollCtlMod, number, &mut event),
            CtlOp::Del => epoll_ctl(epoll, EpollOp::EpollCtlDel, number, None),
        };
        self.leave_unit(result)
    }

    /// epoll_wait(2): fills `events` and says how many. `timeout` of `None`
    /// waits until something is ready.
    #[track_caller]
    pub fn epoll_wait(
        &mut self,
        epoll: &Epoll,
        events: &mut [EpollEvent],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        self.epoll_wait_raw(epoll.0.as_raw_fd(), events, timeout)
    }

    /// epoll_wait(2) with a bare number, which may be closed, or no epoll.
    #[expect(deprecated, reason = "nix's other way takes open epoll fds only")]
    #[track_caller]
    pub fn epoll_wait_raw(
        &mut self,
        epoll: RawFd,
        events: &mut [EpollEvent],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let epfd = self.observer.fd(epoll);
        let timeout = milliseconds(timeout);
        let maxevents = events.len();
        #[rustfmt::skip]
        self.enter(Call::EpollWait { epfd, maxevents, timeout });
        let result = epoll_wait(epoll, events, timeout as isize);
        let ready = &events[..result.unwrap_or(0)];
        let returned = self.leave(result.map(|n| n as i32), |sys, record| {
            for event in ready {
                let data = event.data();
                let report = sys.event(data as RawFd, Ready::Epoll(event.events()));
                record.events.push(Report { data, ..report });
            }
            record.cost = WaitCost {
                bytes_out: size_of_val(ready) as u64,
                asked: ready.len() as u64, // the ready list, and no other fd
                ..WaitCost::default()
            };
        })?;
        Ok(returned as usize)
    }

    /// poll(2): sets `revents`, and says for how many fds.
    #[track_caller]
    pub fn poll(
        &mut self,
        fds: &mut [PollFd<'_>],
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let (nfds, timeout) = (fds.len(), milliseconds(timeout));
        self.enter(Call::Poll { nfds, timeout });
        let until = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::NONE);
        let result = nix::poll::poll(fds, until);
        let returned = self.leave(result, |sys, record| {
            let ready = fds.iter().filter_map(|fd| {
                let revents = fd.revents().filter(|revents| !revents.is_empty())?;
                Some(sys.event(fd.as_fd().as_raw_fd(), Ready::Poll(revents)))
            });
            record.events.extend(ready);
            record.cost = WaitCost {
                handed: nfds as u64,
                bytes_in: size_of_val(fds) as u64,
                bytes_out: (nfds * size_of::<libc::c_short>()) as u64, // revents
                asked: nfds as u64,
                tested: 0,
            };
        })?;
        Ok(returned as usize)
    }

    /// select(2) without exceptfds: takes the fds that are not ready out of the
    /// sets, and says how many are left in both. `nfds` is the highest fd + 1.
    #[track_caller]
    pub fn select<'fd>(
        &mut self,
        nfds: RawFd,
        readfds: &mut FdSet<'fd>,
        writefds: &mut FdSet<'fd>,
        timeout: Option<Duration>,
    ) -> Result<usize, Failure> {
        let timeout = milliseconds(timeout);
        let asked = readfds.fds(None).count() + writefds.fds(None).count();
        let call = Call::Select {
            nfds: nfds as usize,
            timeout,
        };
        self.enter(call);
        let mut until = (timeout >= 0).then(|| TimeVal::milliseconds(timeout.into()));
        let result = select(nfds, &mut *readfds, &mut *writefds, None, until.as_mut());
        let returned = self.leave(result, |sys, record| {
            // After an error the sets are as they were (select(2)).
            if result.is_ok() {
                record.events.extend(left_in(sys, readfds, writefds));
            }
            // The kernel copies whole longs, of both sets, both ways.
            let bits = libc::c_long::BITS as usize;
            let set = (nfds as usize).div_ceil(bits) * size_of::<libc::c_long>();
            record.cost = WaitCost {
                handed: asked as u64,
                bytes_in: 2 * set as u64,
                bytes_out: 2 * set as u64,
                asked: asked as u64,
                tested: 0,
            };
        })?;
        Ok(returned as usize)
    }

    /// The program has tested so many fds to find the ones that are ready
    /// after the wait that has just returned. No call: it is counted only.
    pub fn tested(&mut self, fds: usize) {
        self.record.cost.tested = fds as u64;
    }

    /// clock_nanosleep(2), for a server that can do nothing better for a while.
    #[track_caller]
    pub fn clock_nanosleep(&mut self, pause: Duration) -> Result<(), Failure> {
        let milliseconds = pause.as_millis() as u64;
        self.enter(Call::ClockNanosleep { milliseconds });
        // std's sleep would go on after a signal without a word.
        let time = Timespec::try_from(pause).unwrap_or_default();
        let result = match clock_nanosleep_relative(ClockId::Monotonic, &time) {
            NanosleepRelativeResult::Ok => Ok(()),
            NanosleepRelativeResult::Interrupted(_) => Err(Errno::EINTR),
            NanosleepRelativeResult::Err(errno) => Err(Errno::from_raw(errno.raw_os_error())),
        };
        self.leave_unit(result)
    }

    /// close(2) of an epoll instance.
    #[track_caller]
    pub fn close_epoll(&mut self, epoll: Epoll) -> Result<(), Failure> {
        self.enter(Call::Close { fd: plain(&epoll) });
        let result = nix::unistd::close(epoll.0);
        self.leave_unit(result)
    }
}

/// The fds that select has left in its sets.
fn left_in(observer: &Observer, readfds: &FdSet<'_>, writefds: &FdSet<'_>) -> Vec<Report> {
    let ready = |readfds, writefds| Ready::Select { readfds, writefds };
    let readable = readfds
        .fds(None)
        .map(|fd| (fd.as_raw_fd(), ready(true, false)));
    let writable = writefds
        .fds(None)
        .map(|fd| (fd.as_raw_fd(), ready(false, true)));
    // No server asks for both at once.
    let mut left: Vec<(RawFd, Ready)> = readable.chain(writable).collect();
    left.sort_by_key(|(fd, _)| *fd);
    let event = |(fd, ready)| observer.event(fd, ready);
    left.into_iter().map(event).collect()
}

fn plain(epoll: &Epoll) -> Fd {
    let raw = epoll.0.as_raw_fd();
    let name = Name::Plain;
    Fd { raw, name }
}

/// A timeout in whole milliseconds, rounded up; -1 is for ever.
fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(timeout) => timeout
            .as_micros()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(i32::MAX),
    }
}
