//! Experiments leave no fd, no thread and no limit behind, and pass in any
//! order. All of that belongs to the process: one test, in a process of its
//! own.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use epoll_lab::claims::{self, try_out};
use nix::sys::resource::{Resource, getrlimit};

#[test]
fn nothing_is_left_in_any_order() {
    let claims: Vec<_> = claims::all().collect();
    let before = state();
    for claim in claims.iter().chain(claims.iter().rev()) {
        let tried = try_out(claim, &mut ()).expect("nobody is told");
        assert_eq!(
            at_rest(&before),
            before,
            "{}: {:?}",
            claim.id,
            tried.finding
        );
    }
}

/// Open fds, threads, and the limit on open files.
type State = (usize, usize, (u64, u64));

/// The state once it is `expected`, or what it still is after ten seconds.
///
/// A joined thread may be listed for a moment longer: the kernel wakes the
/// one who joins (`CLONE_CHILD_CLEARTID`, clone(2)) before it takes the
/// thread out of `/proc/self/task`. One that was left behind never goes.
fn at_rest(expected: &State) -> State {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now = state();
        if now == *expected || Instant::now() > deadline {
            return now;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn state() -> State {
    let count = |path| fs::read_dir(path).expect(path).count();
    (
        count("/proc/self/fd"),
        count("/proc/self/task"),
        getrlimit(Resource::RLIMIT_NOFILE).expect("getrlimit"),
    )
}
