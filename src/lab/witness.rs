//! What the kernel says the server thread is doing.
//!
//! Two files of /proc answer: `task/TID/stat` has the thread's state, and
//! `task/TID/syscall` the call that it sleeps in, with the arguments
//! (proc_pid_stat(5), proc_pid_syscall(5)). The lab lets a client act only
//! when this witness says that the server sleeps: an order that no pause of
//! so-and-so many milliseconds could guarantee.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::FileExt;

use nix::libc;

use crate::trace::Call;

/// From here up stand the fds of the lab itself: the witness and the clients.
/// The server's own are numbered from 3 as in a program of its own, and with
/// 100 clients reach 104.
pub const LAB_FDS: RawFd = 200;

/// A call that waits, as /proc names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// In the call that waits for any client: `epoll_wait` without timeout, or
    /// the `accept4` of the server without multiplexing.
    ForAnyone {
        /// By its man page: `epoll_wait`.
        call: &'static str,
        /// The one that the C library has made of it: `epoll_pwait`.
        syscall: &'static str,
    },
    /// In a call for one client: `recv`, or a `send` that may sleep.
    ForOne {
        /// By its man page: `recv`.
        call: &'static str,
        /// The one that the C library has made of it: `recvfrom`.
        syscall: &'static str,
        /// Its first argument: the client that can end it.
        fd: RawFd,
    },
}

/// One look at the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// `R` running, `S` asleep, … (proc_pid_stat(5)).
    pub state: char,
    /// The call that it sleeps in, where it is one of those that wait.
    pub sleep: Option<Sleep>,
}

/// The two files, open.
#[derive(Debug)]
pub struct Witness {
    stat: File,
    /// Missing where the kernel keeps none (gVisor).
    syscall: Option<File>,
    wchan: Option<File>,
}

impl Witness {
    /// Opens the files of thread `tid` of this process, at [`LAB_FDS`] or
    /// above where the limit on open files allows it.
    pub fn open(tid: i32) -> io::Result<Witness> {
        Witness::at(&format!("/proc/self/task/{tid}"))
    }

    /// The same for the one thread of another process, a child of ours.
    pub fn of_process(pid: u32) -> io::Result<Witness> {
        Witness::at(&format!("/proc/{pid}"))
    }

    fn at(directory: &str) -> io::Result<Witness> {
        let path = |name: &str| format!("{directory}/{name}");
        Ok(Witness {
            stat: open_high(&path("stat"))?,
            syscall: open_high(&path("syscall")).ok(),
            wchan: open_high(&path("wchan")).ok(),
        })
    }

    /// Looks once. `current` is the call that the trace saw begin, for kernels
    /// that do not tell.
    pub fn look(&self, current: Option<Call>) -> io::Result<Look> {
        let state = self.state()?;
        let sleep = match &self.syscall {
            _ if state != 'S' => None,
            Some(file) => parse_syscall(&read_line(file)?).and_then(wait_in),
            None => current.as_ref().and_then(sleep_in),
        };
        Ok(Look { state, sleep })
    }

    fn state(&self) -> io::Result<char> {
        let stat = read_line(&self.stat)?;
        state_in(&stat)
            .ok_or_else(|| io::Error::other(format!("/proc/self/task/TID/stat reads {stat:?}")))
    }

    /// The kernel function in which the thread waits; `None` where the kernel
    /// does not say.
    pub fn wchan(&self) -> Option<String> {
        let wchan = read_line(self.wchan.as_ref()?).ok()?;
        (!wchan.is_empty() && wchan != "0").then_some(wchan)
    }
}

/// Opens a file and moves it up, out of the server's way.
pub fn open_high(path: &str) -> io::Result<File> {
    let file = File::open(path)?;
    match move_up(&file) {
        Ok(owned) => Ok(File::from(owned)),
        Err(_) => Ok(file), // the limit on open files is lower than that
    }
}

/// A second fd for the same file, at [`LAB_FDS`] or above (F_DUPFD, fcntl(2)).
pub fn move_up(fd: impl AsFd) -> io::Result<std::os::fd::OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, LAB_FDS)?)
}

/// Reads a file of /proc afresh; its content is made when offset 0 is read.
pub fn read(file: &File) -> io::Result<String> {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        match file.read_at(&mut part, text.len() as u64)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            n => text.extend_from_slice(&part[..n]),
        }
    }
}

/// The same of the one line that a file of /proc has, as far as it is of
/// interest: one call, for what is read at every look.
fn read_line(file: &File) -> io::Result<String> {
    let mut line = [0; 256];
    let length = file.read_at(&mut line, 0)?;
    Ok(String::from_utf8_lossy(&line[..length]).into_owned())
}

/// The fields of a thread's stat behind its name, which may itself hold a
/// parenthesis: `TID (name) S …`.
pub fn behind_name(stat: &str) -> Option<&str> {
    Some(stat.rsplit_once(") ")?.1)
}

/// The thread's state.
pub fn state_in(stat: &str) -> Option<char> {
    behind_name(stat)?.chars().next()
}

/// Number and arguments of the call that a thread is in: `NUMBER ARG0 ARG1 …`,
/// or `running`; -1 outside of one.
pub fn parse_syscall(line: &str) -> Option<(i64, [u64; 6])> {
    let mut fields = line.split_ascii_whitespace();
    let number = fields.next()?.parse().ok()?;
    let mut args = [0; 6];
    for (arg, field) in args.iter_mut().zip(fields) {
        *arg = u64::from_str_radix(field.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, args))
}

fn wait_in((number, args): (i64, [u64; 6])) -> Option<Sleep> {
    // The kernel's int is 32 bits wide, the register 64.
    let for_ever = |index: usize| args[index] as i32 == -1;
    let fd = args[0] as RawFd;
    match number {
        #[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "arm"))]
        libc::SYS_epoll_wait if for_ever(3) => for_anyone("epoll_wait", "epoll_wait"),
        libc::SYS_epoll_pwait if for_ever(3) => for_anyone("epoll_wait", "epoll_pwait"),
        #[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "arm"))]
        libc::SYS_poll if for_ever(2) => for_anyone("poll", "poll"),
        // A null pointer for the time: for ever.
        libc::SYS_ppoll if args[2] == 0 => for_anyone("poll", "ppoll"),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select if args[4] == 0 => for_anyone("select", "select"),
        libc::SYS_pselect6 if args[4] == 0 => for_anyone("select", "pselect6"),
        libc::SYS_accept4 => for_anyone("accept4", "accept4"),
        libc::SYS_recvfrom => for_one("recv", "recvfrom", fd),
        libc::SYS_sendto => for_one("send", "sendto", fd),
        _ => None,
    }
}

fn for_anyone(call: &'static str, syscall: &'static str) -> Option<Sleep> {
    Some(Sleep::ForAnyone { call, syscall })
}

fn for_one(call: &'static str, syscall: &'static str, fd: RawFd) -> Option<Sleep> {
    Some(Sleep::ForOne { call, syscall, fd })
}

/// The same from the trace's own point of view.
fn sleep_in(call: &Call) -> Option<Sleep> {
    let (name, syscall) = (call.name(), call.syscall());
    match *call {
        Call::EpollWait { timeout: -1, .. } | Call::Accept4 { .. } => for_anyone(name, syscall),
        Call::Poll { timeout: -1, .. } | Call::Select { timeout: -1, .. } => {
            for_anyone(name, syscall)
        }
        Call::Recv { fd, .. } | Call::Send { fd, .. } => for_one(name, syscall, fd.raw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read() {
        let line = "232 0x4 0x7ffd 0x40 0xffffffffffffffff 0x0 0x0 0x7ffc 0x7f01\n";
        let (number, args) = parse_syscall(line).expect("a call");
        assert_eq!((number, args[0], args[3] as i32), (232, 4, -1));
        assert_eq!(parse_syscall("running\n"), None);
        let outside = parse_syscall("-1 0x7ffd 0x7f01\n");
        assert_eq!(outside.map(|(number, _)| number), Some(-1));
    }
}
