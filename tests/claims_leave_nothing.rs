//! Experiments leave no fd, no thread and no limit behind, and pass in any
//! order. All of that belongs to the process: one test, in a process of its
//! own.

use std::fs;

use epoll_lab::claims::{self, try_out};
use nix::sys::resource::{Resource, getrlimit};

#[test]
fn nothing_is_left_in_any_order() {
    let claims: Vec<_> = claims::all().collect();
    let before = state();
    for claim in claims.iter().chain(claims.iter().rev()) {
        let tried = try_out(claim);
        assert_eq!(state(), before, "{}: {:?}", claim.id, tried.finding);
    }
}

/// Open fds, threads, and the limit on open files.
fn state() -> (usize, usize, (u64, u64)) {
    let count = |path| fs::read_dir(path).expect(path).count();
    (
        count("/proc/self/fd"),
        count("/proc/self/task"),
        getrlimit(Resource::RLIMIT_NOFILE).expect("getrlimit"),
    )
}
