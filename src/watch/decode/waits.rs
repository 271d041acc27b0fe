//! The calls that wait: what they ask for, what they bring, how long.

use std::os::fd::RawFd;

use nix::poll::PollFlags;
use nix::sys::epoll::EpollFlags;

use crate::trace::{Call, Fd, Name, Ready, Report};
use crate::watch::decode::entered::{Entered, Names};
use crate::watch::memory::{Memory, u32_of, u64_of};
use crate::watch::processor::Processor;

/// `events` and `data` of the struct epoll_event that an epoll_ctl hands over.
pub fn interest(processor: &Processor, args: [u64; 6], memory: &dyn Memory) -> Option<(u32, u64)> {
    let size = processor.event_size;
    epoll_event(processor, &memory.read(args[3], size))
}

fn epoll_event(processor: &Processor, bytes: &[u8]) -> Option<(u32, u64)> {
    let data = bytes.get(processor.event_size - 8..processor.event_size)?;
    Some((u32_of(bytes.get(..4)?), u64_of(data)))
}

pub(super) fn events(
    processor: &Processor,
    entered: &Entered,
    count: usize,
    memory: &dyn Memory,
    names: &mut dyn Names,
) -> Vec<Report> {
    let args = entered.args;
    let found: Vec<(Option<RawFd>, u64, Ready)> = match entered.call {
        Call::EpollWait {
            epfd, maxevents, ..
        } => {
            let size = processor.event_size;
            let bytes = memory.read(args[1], count.min(maxevents) * size);
            let events = bytes
                .chunks_exact(size)
                .filter_map(|event| epoll_event(processor, event));
            events
                .map(|(bits, data)| {
                    let ready = Ready::Epoll(EpollFlags::from_bits_truncate(bits as i32));
                    (names.registered(epfd.raw, data), data, ready)
                })
                .collect()
        }
        Call::Poll { nfds, .. } => poll_fds(memory, args[0], nfds)
            .into_iter()
            .filter(|(_, _, revents)| !revents.is_empty())
            .map(|(fd, _, revents)| (Some(fd), 0, Ready::Poll(revents)))
            .collect(),
        Call::Select { nfds, .. } => {
            let readable = fd_set(memory, args[1], nfds);
            let writable = fd_set(memory, args[2], nfds);
            (0..nfds as RawFd)
                .map(|fd| (fd, readable.contains(&fd), writable.contains(&fd)))
                .filter(|(_, readfds, writefds)| *readfds || *writefds)
                .map(|(fd, readfds, writefds)| (Some(fd), 0, Ready::Select { readfds, writefds }))
                .collect()
        }
        _ => Vec::new(),
    };
    found
        .into_iter()
        .map(|(raw, data, ready)| {
            let fd = raw.map(|raw| names.fd(raw));
            let connection = fd.filter(|fd| matches!(fd.name, Name::Client(_)));
            Report {
                fd: fd.unwrap_or(Fd {
                    raw: -1,
                    name: Name::Plain,
                }),
                // What a program stores is its own affair where the fd is
                // known all the same.
                data: raw.map_or(data, |raw| raw as u64),
                ready,
                unread: connection.and_then(|fd| names.unread(fd.raw)),
            }
        })
        .collect()
}

/// fd, `events` and `revents` of each struct pollfd.
pub fn poll_fds(memory: &dyn Memory, at: u64, count: usize) -> Vec<(RawFd, PollFlags, PollFlags)> {
    const MANY: usize = 1 << 14;
    let bytes = memory.read(at, count.min(MANY) * 8);
    let flags = |bytes: &[u8]| {
        let bits = bytes.try_into().map_or(0, i16::from_ne_bytes);
        PollFlags::from_bits_truncate(bits)
    };
    bytes
        .chunks_exact(8)
        .map(|one| {
            let fd = u32_of(&one[..4]) as RawFd;
            (fd, flags(&one[4..6]), flags(&one[6..]))
        })
        .collect()
}

/// The fds in an fd_set; none where the pointer is null.
pub fn fd_set(memory: &dyn Memory, at: u64, nfds: usize) -> Vec<RawFd> {
    const MANY: usize = 1 << 16;
    let nfds = nfds.min(MANY);
    let bytes = memory.read(at, nfds.div_ceil(64) * 8);
    (0..nfds)
        .filter(|fd| {
            bytes
                .get(fd / 8)
                .is_some_and(|byte| byte >> (fd % 8) & 1 == 1)
        })
        .map(|fd| fd as RawFd)
        .collect()
}

/// A struct timespec; -1 for a null pointer, which is for ever.
pub(super) fn milliseconds(memory: &dyn Memory, at: u64) -> i32 {
    time(memory, at, 1_000_000)
}

/// A struct timeval, likewise.
pub(super) fn microseconds(memory: &dyn Memory, at: u64) -> i32 {
    time(memory, at, 1000)
}

fn time(memory: &dyn Memory, at: u64, a_millisecond: u64) -> i32 {
    match (at, memory.u64_at(at), memory.u64_at(at + 8)) {
        (1.., Some(seconds), Some(part)) => {
            let whole = seconds.saturating_mul(1000);
            i32::try_from(whole + part.div_ceil(a_millisecond)).unwrap_or(i32::MAX)
        }
        _ => -1,
    }
}
