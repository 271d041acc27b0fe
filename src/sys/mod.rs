//! The server's system calls: one method each, named as the man page names it,
//! each traced at its entry and at its return.
//!
//! At entry a call is put where the lab can see it ([`State::current`](crate::sys::journal::State::current)), so
//! that a call which does not return shows; at its return it is counted, and
//! sent on as a [`Record`] where somebody follows the trace. Both happen here,
//! for all calls alike; the calls themselves stand in `socket` and `wait`.

pub mod journal;
pub mod loopback;
mod observer;
pub mod open_files;
mod option;
mod owned;
mod socket;
mod wait;

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use crate::sys::journal::{Follow, Journal};
use crate::sys::observer::Observer;
pub use crate::sys::option::SockOpt;
pub use crate::sys::owned::Socket;
use crate::trace::{Call, Failure, Fd, Name, Record};

/// The server thread's way into the kernel.
#[derive(Debug)]
pub struct Sys {
    journal: Arc<Journal>,
    observer: Observer,
    /// The call that was entered last.
    record: Record,
    /// It has returned, and nobody knows of it yet; see [`Journal::enter`].
    pending: bool,
    accepted: u32,
}

impl Sys {
    /// Calls are counted in `journal`, and kept there for the lab where it
    /// follows. Times count from `began`.
    pub fn new(journal: Arc<Journal>, follow: Follow, began: Instant) -> Sys {
        Sys {
            journal,
            observer: Observer::new(follow, began),
            record: Record::default(),
            pending: false,
            accepted: 0,
        }
    }

    /// The first half of every trace: the call is about to be made. Whoever
    /// makes it is `#[track_caller]`, so that its line is the server's.
    #[inline(always)]
    #[track_caller]
    fn enter(&mut self, call: Call) {
        self.make_known(Some(call));
        self.record.renew(call);
        self.record.line = Some(Location::caller());
        self.record.start_ns = self.observer.now_ns();
    }

    /// The second half: the call has returned, and `look` says what it
    /// brought. The next entry makes it known.
    #[inline(always)]
    fn leave(
        &mut self,
        result: nix::Result<i32>,
        look: impl FnOnce(&Observer, &mut Record),
    ) -> Result<i32, Failure> {
        self.record.end_ns = self.observer.now_ns();
        self.record.result = result;
        look(&self.observer, &mut self.record);
        self.pending = true;
        result.map_err(|errno| Failure {
            call: self.record.call,
            errno,
        })
    }

    /// The same for a call that brings nothing but success.
    fn leave_unit(&mut self, result: nix::Result<()>) -> Result<(), Failure> {
        self.leave(result.map(|()| 0), nothing).map(drop)
    }

    /// Makes the last return known at once, where the next entry may be long
    /// in coming.
    pub fn publish(&mut self) {
        self.make_known(None);
    }

    #[inline]
    fn make_known(&mut self, call: Option<Call>) {
        let returned = self.pending.then_some(&mut self.record);
        self.journal.enter(call, returned, self.observer.follow);
        self.pending = false;
    }

    /// Takes in an fd that was opened elsewhere, under a name for the trace.
    pub fn keep(&mut self, owned: OwnedFd, name: Name) -> Socket {
        let socket = Socket::new(owned);
        self.observer.learn(&socket, name);
        socket
    }

    #[inline]
    fn fd(&self, socket: &Socket) -> Fd {
        self.observer.fd(socket.as_raw_fd())
    }

    /// What an fd stands for.
    pub fn name(&self, raw: RawFd) -> Name {
        self.observer.fd(raw).name
    }

    /// Whether the calls from here on are kept, or counted only.
    pub fn follow(&mut self, follow: Follow) {
        self.publish();
        self.observer.follow = follow;
    }
}

impl Drop for Sys {
    /// Makes the last return known.
    fn drop(&mut self) {
        self.publish();
    }
}

/// For a call that brings nothing but its result.
fn nothing(_: &Observer, _: &mut Record) {}
