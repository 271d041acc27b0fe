//! The limits on fds. They belong to the whole process, so this is one test in a process of its own.

mod common;

use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};

use epoll_lab::cost::select::SelectWait;
use epoll_lab::cost::{Active, Api, FdKind, Measurement, Plan, Point, Skip, measure};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For two times 1,100 connections and what the process has open besides.
const ENOUGH: u64 = 3_000;

#[test]
fn limits() {
    // Often the soft limit is 1024.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("getrlimit");
    if hard < ENOUGH {
        let why = format!("the hard limit on open files is {hard}, and not {ENOUGH}");
        return common::skip("the limits on fds", &why);
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("setrlimit");
    select_takes_fd_1023_and_not_1024();
    select_stops_where_the_fds_pass_1023();
    the_soft_limit_is_raised_and_put_back();
    // Last: a hard limit cannot be raised again.
    a_size_beyond_the_hard_limit_is_skipped();
}

fn quick(fds: &[usize], kind: FdKind) -> Measurement {
    let plan = Plan::new(fds.to_vec(), Active::Count(1), 0, kind)
        .expect("a valid plan")
        .quick();
    measure(&plan, |_| ControlFlow::Continue(())).expect("a measurement")
}

fn one_ready(fds: usize) -> Point {
    Point {
        fds,
        active: 1,
        churn: 0,
    }
}

fn at(low: &OwnedFd, value: i32) -> OwnedFd {
    let fd = rustix::io::fcntl_dupfd_cloexec(low, value).expect("F_DUPFD_CLOEXEC");
    assert_eq!(fd.as_raw_fd(), value);
    fd
}

fn select_takes_fd_1023_and_not_1024() {
    let low: OwnedFd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)
        .expect("eventfd")
        .into();
    let last = [at(&low, 1023)];
    assert!(SelectWait::new(&last).is_ok());
    // The value counts, not the number of fds.
    let beyond = [at(&low, 1024)];
    assert_eq!(
        SelectWait::new(&beyond).err(),
        Some(Skip::FdSetSize { fd: 1024 })
    );
}

fn select_stops_where_the_fds_pass_1023() {
    for kind in [FdKind::Eventfd, FdKind::Tcp] {
        let measurement = quick(&[1_000, 1_100], kind);
        // The other ends of the connections lie above, so 1,000 fit for both kinds.
        assert!(
            measurement.cost(Api::Select, one_ready(1_000)).is_some(),
            "{kind:?}"
        );
        let stopped = measurement.outcome(Api::Select, one_ready(1_100));
        assert!(
            matches!(stopped, Some(Err(Skip::FdSetSize { fd: 1024 }))),
            "{stopped:?}"
        );
        assert!(measurement.cost(Api::Poll, one_ready(1_100)).is_some());
        assert!(measurement.cost(Api::Epoll, one_ready(1_100)).is_some());
    }
}

fn the_soft_limit_is_raised_and_put_back() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("getrlimit");
    setrlimit(Resource::RLIMIT_NOFILE, 256, hard).expect("setrlimit");
    let measurement = quick(&[400], FdKind::Eventfd);
    assert!(measurement.cost(Api::Epoll, one_ready(400)).is_some());
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE), Ok((256, hard)));
}

fn a_size_beyond_the_hard_limit_is_skipped() {
    setrlimit(Resource::RLIMIT_NOFILE, 256, 256).expect("setrlimit");
    let measurement = quick(&[10, 100, 1_000], FdKind::Tcp);
    for api in Api::ALL {
        assert!(measurement.cost(api, one_ready(10)).is_some());
        let Some(Err(skip)) = measurement.outcome(api, one_ready(1_000)) else {
            panic!("{api:?} should have been skipped");
        };
        let reason = skip.to_string();
        assert!(reason.contains("hard limit is 256"), "{reason}");
        assert!(
            reason.contains("sudo prlimit --pid $$ --nofile=2064:2064"),
            "{reason}"
        );
    }
    // The experiments move to a size that fits.
    assert_eq!(measurement.plan.experiment_size(), 10);
    // Nothing fits: a run without a figure, and no failure.
    let nothing = quick(&[5_000], FdKind::Eventfd);
    assert!(nothing.cells.iter().all(|cell| cell.outcome.is_err()));
    assert_eq!(nothing.cells.len(), 3);
}
