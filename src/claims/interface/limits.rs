//! Where the interest list lives, and what it can hold.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::select::FdSet;

use crate::claims::prelude::*;
use crate::cost::limits::fits_fd_set;

pub const INTEREST_LIST: Claim = Claim {
    id: "interest-list",
    claim: "epoll keeps the interest list in the kernel",
    asked: "The kernel's own list, /proc/self/fdinfo/EPFD, one `tfd:` line an fd: empty, after \
            three ADDs, after a DEL.",
    experiment: interest_list,
};

fn interest_list(t: &mut Trial) -> Result<Finding> {
    let conns = [t.connection()?, t.connection()?, t.connection()?];
    let epoll = t.sys.epoll_create1()?;
    let length = |t: &mut Trial| -> Result<usize> {
        let path = format!("/proc/self/fdinfo/{}", epoll.0.as_raw_fd());
        let text = fs::read_to_string(&path).context(path.clone())?;
        let lines = text.lines().filter_map(|line| line.strip_prefix("tfd:"));
        let mut numbers: Vec<&str> = lines
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        // The kernel's order is that of addresses; ours does not vary.
        numbers.sort_unstable();
        let list = match numbers.is_empty() {
            true => "no tfd:".into(),
            false => format!("tfd: {}", numbers.join(", ")),
        };
        t.note(format!("{path}: {list}"));
        Ok(numbers.len())
    };
    let mut lengths = vec![length(t)?];
    for conn in &conns {
        t.sys.epoll_ctl(&epoll, CtlOp::Add, &conn.socket, IN)?;
    }
    lengths.push(length(t)?);
    t.sys.epoll_ctl(&epoll, CtlOp::Del, &conns[0].socket, IN)?;
    lengths.push(length(t)?);
    Ok(judge_interest_list(&[0, conns.len(), 2], &lengths))
}

fn judge_interest_list(expected: &[usize], found: &[usize]) -> Finding {
    let lengths = listed(found, ", then ");
    let evidence = format!("the kernel's own list had {lengths} fds");
    match expected == found {
        true => confirmed(evidence)
            .why("epoll_ctl changes a list in the kernel; epoll_wait has no argument for fds."),
        false => refuted(evidence).why("The kernel's list is not what epoll_ctl made it."),
    }
    .count("listed", found.iter().max().copied().unwrap_or(0))
}

pub const NO_MMAP: Claim = Claim {
    id: "no-mmap",
    claim: "epoll shares memory with the program",
    asked: "Mappings of the eventpoll file in /proc/self/maps; bytes of events that a wait for \
            three ready fds copies out.",
    experiment: no_mmap,
};

fn no_mmap(t: &mut Trial) -> Result<Finding> {
    let conns = [t.connection()?, t.connection()?, t.connection()?];
    for conn in &conns {
        t.sends(conn, b"x")?;
    }
    let epoll = t.epoll_of(&conns.each_ref(), IN)?;
    let events = t.wait(&epoll)?.len();
    let maps = fs::read_to_string("/proc/self/maps").of_call("read(/proc/self/maps)")?;
    let shared = maps.lines().filter(|line| line.contains("eventpoll"));
    let mappings = shared.count();
    t.note(format!(
        "/proc/self/maps: {mappings} lines with [eventpoll]"
    ));
    let bytes = events * size_of::<nix::libc::epoll_event>();
    Ok(judge_no_mmap(mappings, events, bytes))
}

fn judge_no_mmap(mappings: usize, events: usize, bytes: usize) -> Finding {
    let evidence = format!(
        "{mappings} mappings of an epoll were found; {events} events were copied out, {bytes} bytes"
    );
    match mappings {
        0 => refuted(evidence).why(
            "A myth. What epoll saves is the copy of all fds at every call; each ready event \
             is copied out.",
        ),
        _ => confirmed(evidence).why("This kernel does map the eventpoll file."),
    }
    .count("mappings", mappings)
    .count("bytes_copied", bytes)
}

pub const FD_LIMIT: Claim = Claim {
    id: "fd-limit",
    claim: "epoll has no limit on fds but the process's own",
    asked: "A connection whose fd is 1024 or above, with a byte to read: does an fd_set have a \
            bit for it, do poll and epoll report it? And what limits all epolls of a user \
            together, /proc/sys/fs/epoll/max_user_watches.",
    experiment: fd_limit,
};

/// The first fd that an fd_set has no bit for.
const BEYOND: i32 = 1024;

fn fd_limit(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    t.sends(&a, b"x")?;
    let high = t
        .sys
        .fcntl_dupfd(&a.socket, BEYOND, Name::Other("dup of A"))?;
    let raw = high.as_raw_fd();
    let in_fd_set = fits_fd_set(raw);
    t.note(format!("an fd_set ends with fd {}", BEYOND - 1));
    let mut asked = [PollFd::new(high.as_fd(), PollFlags::POLLIN)];
    let polled = errno(t.sys.poll(&mut asked, Some(Duration::ZERO)));
    let epoll = t.epoll_of(&[&high], IN)?;
    let waited = t.wait(&epoll)?.len();
    let path = "/proc/sys/fs/epoll/max_user_watches";
    let watches = fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    t.note(format!(
        "{path}: {}",
        watches.map_or("not there".into(), |count: u64| count.to_string())
    ));
    let taken = [usize::from(in_fd_set), polled.unwrap_or(0), waited];
    Ok(judge_fd_limit(raw, taken, watches))
}

/// `reported`: by select, poll and epoll.
fn judge_fd_limit(fd: i32, reported: [usize; 3], watches: Option<u64>) -> Finding {
    let [select, poll, epoll] = reported.map(|count| if count > 0 { "yes" } else { "no" });
    let fds = format!("fd {fd}: select {select}, poll {poll}, epoll {epoll}");
    match (epoll, watches) {
        ("yes", Some(watches)) => depends(format!(
            "epoll takes fd {fd}, select {}; a user may have {} watches",
            if select == "yes" { "does, too" } else { "does not" },
            millions(watches)
        ))
            .why(
                "RLIMIT_NOFILE limits the process, and max_user_watches all that the epolls of \
                 one user watch together. select's limit is the fd's value: a set of one is enough.",
            )
            .count("max_user_watches", watches),
        ("yes", None) => confirmed(fds).why("No limit beside RLIMIT_NOFILE was to be found."),
        _ => refuted(fds).why("epoll does not take the fd."),
    }
    .count("fd", fd)
}

fn millions(watches: u64) -> String {
    match watches {
        1_000_000.. => format!("{:.1} million", watches as f64 / 1e6),
        _ => watches.to_string(),
    }
}

pub const REGULAR_FILE: Claim = Claim {
    id: "regular-file",
    claim: "a regular file can be waited for like a socket",
    asked: "ADD of a regular file; poll and select on the same file.",
    experiment: regular_file,
};

fn regular_file(t: &mut Trial) -> Result<Finding> {
    let file = File::open("/proc/self/exe").of_call("open(/proc/self/exe)")?;
    let file = t.sys.keep(file.into(), Name::Other("file"));
    let epoll = t.sys.epoll_create1()?;
    let added = errno(t.sys.epoll_ctl(&epoll, CtlOp::Add, &file, IN));
    let mut asked = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    let polled = errno(t.sys.poll(&mut asked, Some(Duration::ZERO)));
    let (mut readfds, mut writefds) = (FdSet::new(), FdSet::new());
    readfds.insert(file.as_fd());
    let nfds = file.as_raw_fd() + 1;
    let now = Some(Duration::ZERO);
    let selected = errno(t.sys.select(nfds, &mut readfds, &mut writefds, now));
    Ok(judge_regular_file(added, polled, selected))
}

fn judge_regular_file(
    added: Result<(), Errno>,
    polled: Result<usize, Errno>,
    selected: Result<usize, Errno>,
) -> Finding {
    let ready = |result: &Result<usize, Errno>| match result {
        Ok(1..) => "ready".into(),
        other => outcome(other),
    };
    let evidence = format!(
        "epoll_ctl said {}, poll said {}, select said {}",
        outcome(&added.map(|()| "added")),
        ready(&polled),
        ready(&selected)
    );
    match added {
        Ok(()) => confirmed(evidence).why("This kernel can tell epoll about a file."),
        Err(_) => refuted(evidence).why(
            "A file on a disk has no moment of getting ready: poll and select call it always \
             ready, though read may sleep for the disk; epoll refuses.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(
            judge_interest_list(&[0, 3, 2], &[0, 3, 2]).verdict,
            Confirmed
        );
        assert_eq!(judge_interest_list(&[0, 3, 2], &[0, 3, 3]).verdict, Refuted);

        assert_eq!(judge_no_mmap(0, 3, 36).verdict, Refuted);
        assert_eq!(judge_no_mmap(1, 3, 36).verdict, Confirmed);

        assert_eq!(judge_fd_limit(1024, [0, 1, 1], Some(9)).verdict, Depends);
        assert_eq!(judge_fd_limit(1024, [0, 1, 1], None).verdict, Confirmed);
        assert_eq!(judge_fd_limit(1024, [1, 1, 0], Some(9)).verdict, Refuted);

        let refused = judge_regular_file(Err(Errno::EPERM), Ok(1), Ok(1));
        assert_eq!(refused.verdict, Refuted);
        assert_eq!(
            refused.evidence,
            "epoll_ctl said EPERM, poll said ready, select said ready"
        );
        assert_eq!(judge_regular_file(Ok(()), Ok(0), Ok(1)).verdict, Confirmed);
    }
}
