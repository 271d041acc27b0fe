//! What differs from processor to processor: the numbers of the system calls,
//! and the layout of a struct epoll_event.
//!
//! The tables of all processors are compiled everywhere, so that they can be
//! tested everywhere. syscall(2), "Architecture calling conventions".

/// A system call that says something about readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sys {
    EpollCreate,
    EpollCreate1,
    EpollCtl,
    EpollWait,
    EpollPwait,
    EpollPwait2,
    Poll,
    Ppoll,
    Select,
    Pselect6,
    Socket,
    Setsockopt,
    Bind,
    Listen,
    Accept,
    Accept4,
    Recvfrom,
    Read,
    Recvmsg,
    Readv,
    Sendto,
    Write,
    Sendmsg,
    Writev,
    Sendfile,
    Fcntl,
    Ioctl,
    Close,
    Shutdown,
    Dup2,
    Dup3,
    IoUringSetup,
    IoUringEnter,
    Exit,
    ExitGroup,
}

/// By name: the number on x86-64 and on aarch64. The newer processor has no
/// calls that another one has replaced.
type Row = (Sys, &'static str, Option<i64>, Option<i64>);

const CALLS: [Row; 35] = [
    (Sys::EpollCreate, "epoll_create", Some(213), None),
    (Sys::EpollCreate1, "epoll_create1", Some(291), Some(20)),
    (Sys::EpollCtl, "epoll_ctl", Some(233), Some(21)),
    (Sys::EpollWait, "epoll_wait", Some(232), None),
    (Sys::EpollPwait, "epoll_pwait", Some(281), Some(22)),
    (Sys::EpollPwait2, "epoll_pwait2", Some(441), Some(441)),
    (Sys::Poll, "poll", Some(7), None),
    (Sys::Ppoll, "ppoll", Some(271), Some(73)),
    (Sys::Select, "select", Some(23), None),
    (Sys::Pselect6, "pselect6", Some(270), Some(72)),
    (Sys::Socket, "socket", Some(41), Some(198)),
    (Sys::Setsockopt, "setsockopt", Some(54), Some(208)),
    (Sys::Bind, "bind", Some(49), Some(200)),
    (Sys::Listen, "listen", Some(50), Some(201)),
    (Sys::Accept, "accept", Some(43), Some(202)),
    (Sys::Accept4, "accept4", Some(288), Some(242)),
    (Sys::Recvfrom, "recvfrom", Some(45), Some(207)),
    (Sys::Read, "read", Some(0), Some(63)),
    (Sys::Recvmsg, "recvmsg", Some(47), Some(212)),
    (Sys::Readv, "readv", Some(19), Some(65)),
    (Sys::Sendto, "sendto", Some(44), Some(206)),
    (Sys::Write, "write", Some(1), Some(64)),
    (Sys::Sendmsg, "sendmsg", Some(46), Some(211)),
    (Sys::Writev, "writev", Some(20), Some(66)),
    (Sys::Sendfile, "sendfile", Some(40), Some(71)),
    (Sys::Fcntl, "fcntl", Some(72), Some(25)),
    (Sys::Ioctl, "ioctl", Some(16), Some(29)),
    (Sys::Close, "close", Some(3), Some(57)),
    (Sys::Shutdown, "shutdown", Some(48), Some(210)),
    (Sys::Dup2, "dup2", Some(33), None),
    (Sys::Dup3, "dup3", Some(292), Some(24)),
    (Sys::IoUringSetup, "io_uring_setup", Some(425), Some(425)),
    (Sys::IoUringEnter, "io_uring_enter", Some(426), Some(426)),
    (Sys::Exit, "exit", Some(60), Some(93)),
    (Sys::ExitGroup, "exit_group", Some(231), Some(94)),
];

impl Sys {
    /// As strace and /proc have it.
    pub fn name(self) -> &'static str {
        CALLS
            .iter()
            .find(|row| row.0 == self)
            .map_or("?", |row| row.1)
    }

    /// One that waits on an epoll instance; the kernel does not start it again
    /// after an interruption (signal(7)).
    pub fn is_epoll_wait(self) -> bool {
        matches!(self, Sys::EpollWait | Sys::EpollPwait | Sys::EpollPwait2)
    }
}

/// One processor.
#[derive(Debug)]
pub struct Processor {
    /// As `uname -m` has it.
    pub name: &'static str,
    /// `e_machine` of its programs (elf(5)).
    pub elf_machine: u16,
    /// restart_syscall(2): a wait with a time goes on after an interruption.
    pub restart: i64,
    /// Bytes of a struct epoll_event; `data` are the last 8. x86-64 packs it.
    pub event_size: usize,
    numbers: fn(&Row) -> Option<i64>,
}

/// x86-64.
pub const X86_64: Processor = Processor {
    name: "x86_64",
    elf_machine: 62,
    restart: 219,
    event_size: 12,
    numbers: |row| row.2,
};

/// aarch64.
pub const AARCH64: Processor = Processor {
    name: "aarch64",
    elf_machine: 183,
    restart: 128,
    event_size: 16,
    numbers: |row| row.3,
};

impl Processor {
    /// The one that this program is built for, if it is one of the two.
    pub fn here() -> Option<&'static Processor> {
        match std::env::consts::ARCH {
            "x86_64" => Some(&X86_64),
            "aarch64" => Some(&AARCH64),
            _ => None,
        }
    }

    /// The call with this number, if it is one to be watched.
    pub fn call(&self, number: i64) -> Option<Sys> {
        let mut rows = CALLS.iter();
        rows.find(|row| (self.numbers)(row) == Some(number))
            .map(|row| row.0)
    }

    /// Every call to be watched, with its number.
    pub fn watched(&self) -> impl Iterator<Item = (i64, Sys)> {
        let numbers = self.numbers;
        CALLS
            .iter()
            .filter_map(move |row| Some((numbers(row)?, row.0)))
    }
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_numbers_are_those_of_the_c_library() {
        for (number, sys) in [
            (libc::SYS_epoll_create, Sys::EpollCreate),
            (libc::SYS_epoll_create1, Sys::EpollCreate1),
            (libc::SYS_epoll_ctl, Sys::EpollCtl),
            (libc::SYS_epoll_wait, Sys::EpollWait),
            (libc::SYS_epoll_pwait, Sys::EpollPwait),
            (libc::SYS_epoll_pwait2, Sys::EpollPwait2),
            (libc::SYS_poll, Sys::Poll),
            (libc::SYS_ppoll, Sys::Ppoll),
            (libc::SYS_select, Sys::Select),
            (libc::SYS_pselect6, Sys::Pselect6),
            (libc::SYS_socket, Sys::Socket),
            (libc::SYS_setsockopt, Sys::Setsockopt),
            (libc::SYS_bind, Sys::Bind),
            (libc::SYS_listen, Sys::Listen),
            (libc::SYS_accept, Sys::Accept),
            (libc::SYS_accept4, Sys::Accept4),
            (libc::SYS_recvfrom, Sys::Recvfrom),
            (libc::SYS_read, Sys::Read),
            (libc::SYS_recvmsg, Sys::Recvmsg),
            (libc::SYS_readv, Sys::Readv),
            (libc::SYS_sendto, Sys::Sendto),
            (libc::SYS_write, Sys::Write),
            (libc::SYS_sendmsg, Sys::Sendmsg),
            (libc::SYS_writev, Sys::Writev),
            (libc::SYS_sendfile, Sys::Sendfile),
            (libc::SYS_fcntl, Sys::Fcntl),
            (libc::SYS_ioctl, Sys::Ioctl),
            (libc::SYS_close, Sys::Close),
            (libc::SYS_shutdown, Sys::Shutdown),
            (libc::SYS_dup2, Sys::Dup2),
            (libc::SYS_dup3, Sys::Dup3),
            (libc::SYS_io_uring_setup, Sys::IoUringSetup),
            (libc::SYS_io_uring_enter, Sys::IoUringEnter),
            (libc::SYS_exit, Sys::Exit),
            (libc::SYS_exit_group, Sys::ExitGroup),
        ] {
            assert_eq!(X86_64.call(number), Some(sys));
        }
        assert_eq!(X86_64.restart, libc::SYS_restart_syscall);
    }

    /// asm-generic/unistd.h, which aarch64 takes its numbers from.
    #[test]
    fn the_newer_processor_has_only_the_newer_calls() {
        assert_eq!(AARCH64.call(22), Some(Sys::EpollPwait));
        assert_eq!(AARCH64.call(207), Some(Sys::Recvfrom));
        assert_eq!(AARCH64.call(242), Some(Sys::Accept4));
        let older = |sys| !AARCH64.watched().any(|(_, it)| it == sys);
        for sys in [Sys::EpollWait, Sys::Poll, Sys::Select, Sys::Dup2] {
            assert!(older(sys), "{sys:?}");
        }
        assert_eq!(AARCH64.watched().count(), CALLS.len() - 5);
        assert_eq!(X86_64.watched().count(), CALLS.len());
    }

    #[test]
    fn no_number_stands_twice() {
        for processor in [&X86_64, &AARCH64] {
            let mut numbers: Vec<i64> = processor.watched().map(|(n, _)| n).collect();
            let count = numbers.len();
            numbers.sort();
            numbers.dedup();
            assert_eq!(numbers.len(), count, "{}", processor.name);
        }
    }
}
