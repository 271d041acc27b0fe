//! What /proc says of another process: its threads and where each sleeps, its
//! fds, the interest lists of its epoll instances.

use std::fs;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;

use nix::libc;
use nix::sys::epoll::EpollFlags;
use nix::unistd::{Pid, getpid, getppid};

use crate::lab::witness::{behind_name, parse_syscall, state_in};

/// The threads of a process, by number.
pub fn threads(process: i32) -> Vec<i32> {
    numbers_in(&format!("/proc/{process}/task"))
}

/// Its open fds, by number.
pub fn fds(process: i32) -> Vec<RawFd> {
    numbers_in(&format!("/proc/{process}/fd"))
}

fn numbers_in(directory: &str) -> Vec<i32> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut numbers: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort();
    numbers
}

/// A process, its children, and theirs.
pub fn family(process: i32) -> Vec<i32> {
    // It may be the shell that has started us.
    let ours = [getpid(), getppid()].map(Pid::as_raw);
    let mut family = vec![process];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        for thread in threads(parent) {
            let children = format!("/proc/{parent}/task/{thread}/children");
            let children = fs::read_to_string(children).unwrap_or_default();
            let children = children.split_ascii_whitespace();
            let children = children.filter_map(|child| child.parse::<i32>().ok());
            family.extend(children.filter(|child| !ours.contains(child)));
        }
    }
    family
}

/// A line of /proc/PID/status.
fn status_of(thread: i32, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim_start_matches(':').trim().to_string())
}

/// The process of a thread.
pub fn process_of(thread: i32) -> i32 {
    let process = status_of(thread, "Tgid").and_then(|id| id.parse().ok());
    process.unwrap_or(thread)
}

/// The name of its program, as `ps` shows it.
pub fn command_of(process: i32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(name.trim_end().to_string())
}

/// A thread of the kernel's own: no program, no fds, no system calls
/// (`PF_KTHREAD` in the flags of proc_pid_stat(5)).
pub fn is_kernel_thread(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| is_of_the_kernel(&stat))
}

fn is_of_the_kernel(stat: &str) -> bool {
    const PF_KTHREAD: u32 = 0x0020_0000;
    const FLAGS: usize = 6; // behind the name: state, ppid, pgrp, session, tty, tpgid
    let fields = behind_name(stat).unwrap_or_default();
    let flags = fields.split_ascii_whitespace().nth(FLAGS);
    let flags = flags.and_then(|flags| flags.parse().ok());
    flags.is_some_and(|flags: u32| flags & PF_KTHREAD != 0)
}

/// Who traces it already, if anybody does.
pub fn tracer_of(process: i32) -> Option<i32> {
    let tracer = status_of(process, "TracerPid")?.parse().ok()?;
    // The thread that traces it (ptrace(2)).
    (tracer != 0).then(|| process_of(tracer))
}

/// Signals without a handler that do nothing unless they have one (signal(7)).
/// SIGCONT is not among them: it has woken a stopped program.
const HARMLESS: [i32; 3] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH];

/// A signal is pending that nothing holds back, and that is not ignored.
pub fn has_signal(thread: i32) -> bool {
    let pending = mask_of(thread, "SigPnd") | mask_of(thread, "ShdPnd");
    pending & !mask_of(thread, "SigBlk") & !ignored(thread) != 0
}

/// The signal does nothing to this thread's program.
pub fn is_ignored(thread: i32, signal: i32) -> bool {
    ignored(thread) & bit(signal) != 0
}

fn ignored(thread: i32) -> u64 {
    let harmless = HARMLESS.iter().map(|signal| bit(*signal)).sum::<u64>();
    mask_of(thread, "SigIgn") | (harmless & !mask_of(thread, "SigCgt"))
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn mask_of(thread: i32, key: &str) -> u64 {
    let mask = status_of(thread, key).and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.unwrap_or(0)
}

/// One look at a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// `R` running, `S` asleep, … (proc_pid_stat(5)).
    pub state: char,
    /// Number and arguments of the call that it is in; -1 outside of one.
    /// `None` where the kernel does not say.
    pub call: Option<(i64, [u64; 6])>,
}

/// Looks at a thread; `None` when it is gone.
pub fn look(thread: i32) -> Option<Look> {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    let line = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    Some(Look {
        state: state_in(&stat)?,
        call: parse_syscall(&line),
    })
}

/// What an fd is, as /proc/PID/fd has it: `socket:[12345]`.
pub fn link(process: i32, fd: RawFd) -> String {
    let link = fs::read_link(format!("/proc/{process}/fd/{fd}"));
    link.map_or(String::new(), |path| path.to_string_lossy().into_owned())
}

/// The inode of a socket.
pub fn socket_inode(process: i32, fd: RawFd) -> Option<u64> {
    let link = link(process, fd);
    let inode = link.strip_prefix("socket:[")?.strip_suffix(']')?;
    inode.parse().ok()
}

fn inode(process: i32, fd: RawFd) -> Option<u64> {
    let meta = fs::metadata(format!("/proc/{process}/fd/{fd}"));
    Some(meta.ok()?.ino())
}

/// The fd by which the process has open what an interest list names: it is the
/// open file that was registered, and its number may be another's by now
/// (epoll(7), question 6). `None`: it is open elsewhere.
pub fn fd_of(process: i32, entry: &Interest) -> Option<RawFd> {
    let is_it = |fd: &RawFd| entry.inode == 0 || inode(process, *fd) == Some(entry.inode);
    let known = Some(entry.fd).filter(is_it);
    known.or_else(|| fds(process).into_iter().find(is_it))
}

/// Whether it is an epoll instance.
pub fn is_epoll(process: i32, fd: RawFd) -> bool {
    link(process, fd) == "anon_inode:[eventpoll]"
}

/// Whether O_NONBLOCK is set.
pub fn nonblocking(process: i32, fd: RawFd) -> Option<bool> {
    let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{fd}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
    Some(flags & libc::O_NONBLOCK != 0)
}

/// One entry of an interest list (proc_pid_fdinfo(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// As it was registered.
    pub fd: RawFd,
    /// What is asked for.
    pub events: EpollFlags,
    /// What the program stored.
    pub data: u64,
    /// Of the open file; 0: not asked for.
    pub inode: u64,
}

impl Interest {
    /// Edge-triggered.
    pub fn edge(&self) -> bool {
        self.events.contains(EpollFlags::EPOLLET)
    }

    /// Reported once, and then not before an EPOLL_CTL_MOD.
    pub fn one_shot(&self) -> bool {
        self.events.contains(EpollFlags::EPOLLONESHOT)
    }
}

/// The interest list of an epoll instance, by fd.
pub fn interest(process: i32, epfd: RawFd) -> Vec<Interest> {
    let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{epfd}"));
    parse_interest(&info.unwrap_or_default())
}

fn parse_interest(info: &str) -> Vec<Interest> {
    let entry = |line: &str| -> Option<Interest> {
        let words: Vec<&str> = line
            .split([' ', '\t', ':'])
            .filter(|word| !word.is_empty())
            .collect();
        let after = |key| {
            let at = words.iter().position(|word| *word == key)?;
            words.get(at + 1).copied()
        };
        let events = u32::from_str_radix(after("events")?, 16).ok()?;
        Some(Interest {
            fd: after("tfd")?.parse().ok()?,
            events: EpollFlags::from_bits_truncate(events as i32),
            data: u64::from_str_radix(after("data")?, 16).ok()?,
            inode: u64::from_str_radix(after("ino")?, 16).ok()?,
        })
    };
    let lines = info.lines().filter(|line| line.starts_with("tfd:"));
    let mut list: Vec<Interest> = lines.filter_map(entry).collect();
    list.sort_by_key(|entry| entry.fd);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_the_kernel() {
        let kthreadd = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 44 0 0 20 0 1 0 6 0 0";
        let shell = "812 (a) b) S 1 812 812 34816 812 4194304 2390 21 0 0 1 0 0 0 20 0 1 0";
        assert!(is_of_the_kernel(kthreadd));
        assert!(!is_of_the_kernel(shell));
        assert!(!is_of_the_kernel(""));
    }

    #[test]
    fn an_interest_list_is_read() {
        let info = "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t2061\n\
            tfd:        5 events: 80000001 data: 7f00aa  pos:0 ino:61af sdev:5\n\
            tfd:        3 events:       19 data:        3  pos:0 ino:61b0 sdev:5\n";
        let list = parse_interest(info);
        assert_eq!(list.len(), 2);
        let (listener, client) = (&list[0], &list[1]);
        assert_eq!((listener.fd, listener.data, listener.inode), (3, 3, 0x61b0));
        assert!(!listener.edge() && client.edge());
        assert_eq!(client.data, 0x7f00aa);
    }
}
