//! What calls came to, in the words of a line of evidence.

use std::fmt;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::claims::trial::report::NamedEvent;
use crate::cost::figures::thousands;
use crate::trace::words::epoll_names;
use crate::trace::{Failure, errno_name};

/// The errno of a call that failed: here it is what was asked for.
pub fn errno<T>(result: Result<T, Failure>) -> Result<T, Errno> {
    result.map_err(|failure| failure.errno)
}

/// A count as people read it: `13,108`.
pub fn figure(count: usize) -> String {
    thousands(count as f64)
}

/// `no report`, `1 report`, `1,000 reports`.
pub fn reports(count: usize) -> String {
    match count {
        0 => "no report".into(),
        1 => "1 report".into(),
        _ => format!("{} reports", figure(count)),
    }
}

/// `0`, or the errno's name.
pub fn outcome<T: fmt::Display>(result: &Result<T, Errno>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(errno) => errno_name(*errno),
    }
}

/// The same of a call that returns nothing but 0.
pub fn done(result: Result<(), Errno>) -> String {
    outcome(&result.map(|()| 0))
}

/// The events of the first report; none without one.
pub fn events(reports: &[NamedEvent]) -> EpollFlags {
    reports
        .first()
        .map_or(EpollFlags::empty(), |report| report.events)
}

/// How many reports carry this.
pub fn with_data(reports: &[NamedEvent], data: u64) -> usize {
    let theirs = reports.iter().filter(|report| report.data == data);
    theirs.count()
}

/// Flags without their prefix: `IN|RDHUP`.
pub fn short(events: EpollFlags) -> String {
    let names = epoll_names(events);
    let short = names.iter().map(|name| name.trim_start_matches("EPOLL"));
    match names.is_empty() {
        true => "nothing".into(),
        false => listed(short, "|"),
    }
}

/// Several in a row, with this between them: `5 + 5 + 3`.
pub fn listed<T: ToString>(all: impl IntoIterator<Item = T>, between: &str) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(between)
}
