//! From numbers in registers, and what they point to, to a call as the trace
//! has it.
//!
//! No ptrace request is made here, and nothing is asked of the kernel: memory
//! and names come from whoever has them, so that all of it is tested on
//! made-up programs.

mod buffers;
mod entered;
mod waits;

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

use crate::trace::{Call, CtlOp, Fd, Name, Record};
use crate::watch::decode::buffers::{arrived, input_name, offered, option, room};
use crate::watch::decode::waits::{events, microseconds, milliseconds};
use crate::watch::memory::{Memory, u32_of};
use crate::watch::processor::{Processor, Sys};

pub use crate::watch::decode::entered::{Entered, Names};
pub use crate::watch::decode::waits::{fd_set, interest, poll_fds};

/// A call at its entry; `None` where it says nothing about readiness.
pub fn entry(
    processor: &Processor,
    sys: Sys,
    args: [u64; 6],
    memory: &dyn Memory,
    names: &mut dyn Names,
) -> Option<Entered> {
    let raw = args[0] as RawFd;
    let fd = names.fd(raw);
    let client = matches!(fd.name, Name::Client(_));
    let int = |index: usize| args[index] as i32;
    let mut data = Vec::new();
    let call = match sys {
        Sys::EpollCreate => Call::EpollCreate,
        Sys::EpollCreate1 => Call::EpollCreate1,
        Sys::EpollCtl => epoll_ctl(processor, args, memory, names)?,
        Sys::EpollWait | Sys::EpollPwait => Call::EpollWait {
            epfd: fd,
            maxevents: int(2).max(0) as usize,
            timeout: int(3),
        },
        Sys::EpollPwait2 => Call::EpollWait {
            epfd: fd,
            maxevents: int(2).max(0) as usize,
            timeout: milliseconds(memory, args[3]),
        },
        Sys::Poll => Call::Poll {
            nfds: args[1] as usize,
            timeout: int(2),
        },
        Sys::Ppoll => Call::Poll {
            nfds: args[1] as usize,
            timeout: milliseconds(memory, args[2]),
        },
        Sys::Select => Call::Select {
            nfds: int(0).max(0) as usize,
            timeout: microseconds(memory, args[4]),
        },
        Sys::Pselect6 => Call::Select {
            nfds: int(0).max(0) as usize,
            timeout: milliseconds(memory, args[4]),
        },
        Sys::Socket => Call::Socket,
        Sys::Setsockopt => Call::Setsockopt {
            fd,
            option: option(int(1), int(2))?,
            value: u32_of(&memory.read(args[3], 4)) as i32,
        },
        Sys::Bind => Call::Bind { fd },
        Sys::Listen => Call::Listen {
            fd,
            backlog: int(1),
        },
        Sys::Accept => Call::Accept { fd },
        Sys::Accept4 => Call::Accept4 { fd },
        Sys::Recvfrom if client && args[3] == 0 => Call::Recv {
            fd,
            length: args[2] as usize,
        },
        // Of standard input it is of interest that somebody waits for it.
        Sys::Recvfrom | Sys::Read | Sys::Readv | Sys::Recvmsg if client || raw == 0 => {
            Call::Input {
                name: input_name(sys),
                fd,
                length: room(sys, args, memory),
                flags: MsgFlags::from_bits_truncate(match sys {
                    Sys::Recvfrom => int(3),
                    Sys::Recvmsg => int(2),
                    _ => 0,
                }),
            }
        }
        Sys::Sendto | Sys::Write | Sys::Writev | Sys::Sendmsg if client || raw == 1 || raw == 2 => {
            data = offered(sys, args, memory);
            let length = room(sys, args, memory);
            match sys {
                Sys::Sendto => Call::Send {
                    fd,
                    length,
                    flags: MsgFlags::from_bits_truncate(int(3)),
                },
                _ => Call::Output {
                    name: sys.name(),
                    fd,
                    length,
                },
            }
        }
        Sys::Sendfile if client => Call::Output {
            name: "sendfile",
            fd,
            length: args[3] as usize,
        },
        Sys::Fcntl => match int(1) {
            libc::F_GETFL => Call::FcntlGetfl { fd },
            libc::F_SETFL => Call::FcntlSetfl {
                fd,
                flags: OFlag::from_bits_retain(int(2)),
            },
            libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => Call::FcntlDupfd { fd, from: int(2) },
            _ => return None,
        },
        Sys::Ioctl if int(1) as u32 == libc::FIONBIO as u32 => Call::Fionbio {
            fd,
            on: memory.read(args[2], 4).iter().any(|byte| *byte != 0),
        },
        Sys::Close => Call::Close { fd },
        Sys::Shutdown => Call::Shutdown {
            fd,
            how: match int(1) {
                libc::SHUT_RD => "SHUT_RD",
                libc::SHUT_WR => "SHUT_WR",
                libc::SHUT_RDWR => "SHUT_RDWR",
                _ => "?",
            },
        },
        _ => return None,
    };
    Some(Entered {
        sys,
        args,
        call,
        data,
        seq: 0,
    })
}

/// The record of a call that has returned `result`, which is minus the errno
/// where it has failed.
pub fn exit(
    processor: &Processor,
    entered: &Entered,
    result: i64,
    memory: &dyn Memory,
    names: &mut dyn Names,
) -> Record {
    let outcome = match result {
        ..0 => Err(Errno::from_raw(-result as i32)),
        value => Ok(value as i32),
    };
    let mut record = Record::new(entered.call, outcome, 0, 0);
    record.syscall = Some(entered.sys.name());
    let moved = result.max(0) as usize;
    record.data = match entered.call {
        call if call.input().is_some() => arrived(entered, moved, memory),
        _ => entered.data.clone(),
    };
    if entered.call.is_wait() && result > 0 {
        record.events = events(processor, entered, moved, memory, names);
    }
    if let Some(fd) = entered.call.input() {
        record.unread = names.unread(fd.raw);
    }
    record
}

fn epoll_ctl(
    processor: &Processor,
    args: [u64; 6],
    memory: &dyn Memory,
    names: &mut dyn Names,
) -> Option<Call> {
    let op = match args[1] as i32 {
        libc::EPOLL_CTL_ADD => CtlOp::Add,
        libc::EPOLL_CTL_MOD => CtlOp::Mod,
        libc::EPOLL_CTL_DEL => CtlOp::Del,
        _ => return None,
    };
    let asked = match op {
        CtlOp::Del => 0,
        _ => interest(processor, args, memory).map_or(0, |(events, _)| events),
    };
    Some(Call::EpollCtl {
        epfd: Fd {
            raw: args[0] as RawFd,
            name: Name::Plain,
        },
        op,
        fd: names.fd(args[2] as RawFd),
        interest: EpollFlags::from_bits_truncate(asked as i32),
    })
}

#[cfg(test)]
mod tests;
