//! The script runs on one processor.
//!
//! A FIN wakes whoever waits for the socket twice, once for the change of
//! state and once for the readable end of file (`tcp_fin` and `tcp_data_queue`
//! in the kernel's net/ipv4/tcp_input.c). A server on another processor can
//! just manage to return from epoll_wait between the two, and edge-triggered
//! that makes two reports of one hang-up: once in some ten thousand. On the
//! processor that handles the segment nobody runs in between.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps this thread, and those it starts, on the processor where it is, until
/// it is dropped.
#[derive(Debug)]
pub struct OneCpu {
    before: Option<CpuSet>,
}

impl OneCpu {
    /// Where the kernel does not allow it (sched_setaffinity(2)), all stays as
    /// it is.
    pub fn hold() -> OneCpu {
        let this_thread = Pid::from_raw(0);
        let before = sched_getaffinity(this_thread).ok();
        let mut one = CpuSet::new();
        let held = sched_getcpu()
            .and_then(|cpu| one.set(cpu))
            .and_then(|()| sched_setaffinity(this_thread, &one));
        OneCpu {
            before: before.filter(|_| held.is_ok()),
        }
    }
}

impl Drop for OneCpu {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // What was allowed before is allowed again.
            let _ = sched_setaffinity(Pid::from_raw(0), before);
        }
    }
}
