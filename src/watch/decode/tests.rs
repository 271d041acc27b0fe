//! Calls of made-up programs, on both processors.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use super::*;
use crate::trace::words::{call_text, push_report};
use crate::watch::memory::MadeUp;
use crate::watch::processor::{AARCH64, X86_64};

/// 3 is the listener, 5 is A, 6 is B; user data above 1000 are pointers.
struct Known;

impl Names for Known {
    fn name(&mut self, fd: RawFd) -> Name {
        match fd {
            3 => Name::Listener,
            5 => Name::Client(0),
            6 => Name::Client(1),
            _ => Name::Plain,
        }
    }

    fn registered(&mut self, _epfd: RawFd, data: u64) -> Option<RawFd> {
        match data {
            0x7f00 => Some(5),
            fd @ 0..1000 => Some(fd as RawFd),
            _ => None,
        }
    }

    fn unread(&mut self, _fd: RawFd) -> Option<u64> {
        Some(8)
    }
}

fn enter(sys: Sys, args: [u64; 6], memory: &MadeUp) -> Option<Entered> {
    entry(&X86_64, sys, args, memory, &mut Known)
}

fn text(sys: Sys, args: [u64; 6], result: i64, memory: &MadeUp) -> String {
    let entered = enter(sys, args, memory).expect("a call of interest");
    let record = exit(&X86_64, &entered, result, memory, &mut Known);
    let mut text = call_text(&record);
    record
        .events
        .iter()
        .for_each(|event| push_report(&mut text, event));
    text
}

#[test]
fn bytes_that_arrive() {
    let memory = MadeUp(vec![(0x100, b"HELLO".to_vec())]);
    let args = [5, 0x100, 5, 0, 0, 0];
    let line = |sys, result| text(sys, args, result, &memory);
    assert_eq!(line(Sys::Recvfrom, 5), "recv(5<A>, \"HELLO\", 5) = 5");
    assert_eq!(line(Sys::Read, 2), "read(5<A>, \"HE\", 5) = 2");
    assert_eq!(
        line(Sys::Recvfrom, -(Errno::EAGAIN as i64)),
        "recv(5<A>, buf, 5) = -1 EAGAIN"
    );
    let flags = [5, 0x100, 5, libc::MSG_DONTWAIT as u64, 0, 0];
    assert_eq!(
        text(Sys::Recvfrom, flags, 5, &memory),
        "recv(5<A>, \"HELLO\", 5, MSG_DONTWAIT) = 5"
    );
}

#[test]
fn bytes_in_several_places() {
    let vectors: Vec<u8> = [0x100u64, 3, 0x200, 4]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    let message: Vec<u8> = [0u64, 0, 0x300, 2, 0, 0, 0]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    let memory = MadeUp(vec![
        (0x100, b"abc".to_vec()),
        (0x200, b"defg".to_vec()),
        (0x300, vectors),
        (0x400, message),
    ]);
    let line = |sys, args, result| text(sys, args, result, &memory);
    assert_eq!(
        line(Sys::Writev, [6, 0x300, 2, 0, 0, 0], 7),
        "writev(6<B>, \"abcdefg\", 7) = 7"
    );
    assert_eq!(
        line(Sys::Readv, [6, 0x300, 2, 0, 0, 0], 5),
        "readv(6<B>, \"abcde\", 7) = 5"
    );
    assert_eq!(
        line(Sys::Sendmsg, [6, 0x400, 0, 0, 0, 0], 7),
        "sendmsg(6<B>, \"abcdefg\", 7) = 7"
    );
    assert_eq!(
        line(Sys::Recvmsg, [6, 0x400, 0, 0, 0, 0], 4),
        "recvmsg(6<B>, \"abcd\", 7) = 4"
    );
}

fn epoll_events(processor: &Processor, events: &[(u32, u64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bits, data) in events {
        bytes.extend(bits.to_ne_bytes());
        bytes.resize(bytes.len() + processor.event_size - 12, 0);
        bytes.extend(data.to_ne_bytes());
    }
    bytes
}

#[test]
fn an_epoll_event_is_read_as_the_processor_lays_it_out() {
    let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    for processor in [&X86_64, &AARCH64] {
        let bytes = epoll_events(
            processor,
            &[(1, 3), (edge.bits() as u32, 0x7f00), (1, 0xffff_0000)],
        );
        let memory = MadeUp(vec![(0x100, bytes)]);
        let args = [4, 0x100, 64, u32::MAX.into(), 0, 0];
        let entered = entry(processor, Sys::EpollPwait, args, &memory, &mut Known);
        let entered = entered.expect("a wait");
        let record = exit(processor, &entered, 3, &memory, &mut Known);
        let mut text = call_text(&record);
        record
            .events
            .iter()
            .for_each(|event| push_report(&mut text, event));
        assert_eq!(
            text,
            "epoll_wait(4) = 3 [3<L> EPOLLIN] [5<A> EPOLLIN|EPOLLET] \
             [data=0xffff0000 EPOLLIN]"
        );
        assert_eq!(record.syscall, Some("epoll_pwait"));
        let unread: Vec<_> = record.events.iter().map(|event| event.unread).collect();
        assert_eq!(unread, [None, Some(8), None], "of connections alone");
    }
}

#[test]
fn changes_of_interest() {
    let bytes = epoll_events(&X86_64, &[(0x8000_0001, 5)]);
    let memory = MadeUp(vec![(0x100, bytes)]);
    let line = |op, result| text(Sys::EpollCtl, [4, op, 5, 0x100, 0, 0], result, &memory);
    assert_eq!(line(1, 0), "epoll_ctl(4, ADD, 5<A>, EPOLLIN|EPOLLET) = 0");
    assert_eq!(line(2, 0), "epoll_ctl(4, DEL, 5<A>) = 0");
    assert_eq!(
        line(3, -2),
        "epoll_ctl(4, MOD, 5<A>, EPOLLIN|EPOLLET) = -1 ENOENT"
    );
}

#[test]
fn poll_and_select() {
    let mut bytes = Vec::new();
    for (fd, events, revents) in [(3i32, 1i16, 0i16), (5, 1, 1)] {
        bytes.extend(fd.to_ne_bytes());
        bytes.extend(events.to_ne_bytes());
        bytes.extend(revents.to_ne_bytes());
    }
    let ninety = 90u64.to_ne_bytes().to_vec();
    let memory = MadeUp(vec![
        (0x100, bytes),
        (0x200, 0b0010_0000u64.to_ne_bytes().to_vec()),
        (0x300, [ninety, 500_000u64.to_ne_bytes().to_vec()].concat()),
    ]);
    assert_eq!(
        text(Sys::Poll, [0x100, 2, u32::MAX.into(), 0, 0, 0], 1, &memory),
        "poll(nfds=2) = 1 [5<A> POLLIN]"
    );
    assert_eq!(
        text(Sys::Select, [6, 0x200, 0, 0, 0, 0], 1, &memory),
        "select(nfds=6) = 1 [5<A> readfds]"
    );
    assert_eq!(
        text(Sys::Select, [6, 0x200, 0, 0, 0x300, 0], 0, &memory),
        "select(nfds=6, 90500 ms) = 0"
    );
    assert_eq!(
        text(Sys::Pselect6, [6, 0x200, 0, 0, 0x300, 0], 0, &memory),
        "select(nfds=6, 90001 ms) = 0"
    );
}

#[test]
fn what_says_nothing_about_readiness_is_left_out() {
    let memory = MadeUp(Vec::new());
    assert_eq!(
        enter(Sys::Read, [9, 0, 1, 0, 0, 0], &memory),
        None,
        "a file"
    );
    assert_eq!(enter(Sys::Write, [9, 0, 1, 0, 0, 0], &memory), None);
    assert_eq!(enter(Sys::ExitGroup, [0; 6], &memory), None);
    let unknown = [3, 1, 999, 0, 0, 0];
    assert_eq!(enter(Sys::Setsockopt, unknown, &memory), None);
    assert!(enter(Sys::Write, [1, 0, 1, 0, 0, 0], &memory).is_some());
}

#[test]
fn sockets_and_their_flags() {
    let memory = MadeUp(vec![(0x100, 1u32.to_ne_bytes().to_vec())]);
    let line = |sys, args, result| text(sys, args, result, &memory);
    let reuse = [3, 1, libc::SO_REUSEADDR as u64, 0x100, 4, 0];
    assert_eq!(
        line(Sys::Setsockopt, reuse, 0),
        "setsockopt(3<L>, SO_REUSEADDR, 1) = 0"
    );
    assert_eq!(line(Sys::Accept, [3, 0, 0, 0, 0, 0], 9), "accept(3<L>) = 9");
    assert_eq!(
        line(Sys::Ioctl, [5, 0x5421, 0x100, 0, 0, 0], 0),
        "ioctl(5<A>, FIONBIO, [1]) = 0"
    );
    assert_eq!(
        line(Sys::Fcntl, [5, 4, 0o4002, 0, 0, 0], 0),
        "fcntl(5<A>, F_SETFL, O_RDWR|O_NONBLOCK) = 0"
    );
    assert_eq!(
        line(Sys::Shutdown, [5, 1, 0, 0, 0, 0], 0),
        "shutdown(5<A>, SHUT_WR) = 0"
    );
}
