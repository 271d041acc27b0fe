//! How a call and its outcome read: `recv(5<A>, "HELLO", 5) = 5`.
//!
//! The grammar is strace's, the names are the man pages' and ours. Every
//! format takes its words from here.

use std::fmt::{self, Write};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

use crate::trace::call::{Call, CtlOp};
use crate::trace::escape::push_quoted;
use crate::trace::failure::errno_name;
use crate::trace::name::{Fd, Name};
use crate::trace::record::Record;
use crate::trace::report::{Ready, Report};

/// Columns that a string of bytes may take in a line of text.
const DATA_WIDTH: usize = 25;

/// `EPOLLIN`, `EPOLLET`.
pub fn epoll_names(flags: EpollFlags) -> Vec<&'static str> {
    flags.iter_names().map(|(name, _)| name).collect()
}

/// `EPOLLIN`, `POLLIN`, `readfds`.
pub fn ready_names(ready: &Ready) -> Vec<&'static str> {
    match *ready {
        Ready::Epoll(events) => epoll_names(events),
        Ready::Poll(revents) => revents.iter_names().map(|(name, _)| name).collect(),
        Ready::Select { readfds, writefds } => [(readfds, "readfds"), (writefds, "writefds")]
            .into_iter()
            .filter_map(|(is_in, name)| is_in.then_some(name))
            .collect(),
    }
}

/// `MSG_DONTWAIT`, `MSG_NOSIGNAL`.
pub fn msg_names(flags: MsgFlags) -> Vec<&'static str> {
    flags.iter_names().map(|(name, _)| name).collect()
}

/// `O_RDWR`, `O_NONBLOCK`: the access mode first, as strace has it.
pub fn open_names(flags: OFlag) -> Vec<&'static str> {
    let access = match flags & OFlag::O_ACCMODE {
        OFlag::O_WRONLY => "O_WRONLY",
        OFlag::O_RDWR => "O_RDWR",
        _ => "O_RDONLY",
    };
    let others = flags.difference(OFlag::O_ACCMODE | OFlag::O_NONBLOCK);
    let nonblock = flags.contains(OFlag::O_NONBLOCK).then_some("O_NONBLOCK");
    let others = others.iter_names().map(|(name, _)| name);
    std::iter::once(access)
        .chain(nonblock)
        .chain(others)
        .collect()
}

/// Names joined as in C; `0` for no flag at all.
fn or_zero(names: &[&str]) -> String {
    match names {
        [] => "0".into(),
        names => names.join("|"),
    }
}

/// An event at the end of `text`: `[5<A> EPOLLIN]`; `[data=0x2a EPOLLIN]`
/// where the program stored something else than the fd.
pub fn push_report(text: &mut String, event: &Report) {
    let names = ready_names(&event.ready);
    // Writing to a String cannot fail.
    let _ = match event.data == event.fd.raw as u64 {
        true => write!(text, " [{} ", event.fd),
        false => write!(text, " [data={:#x} ", event.data),
    };
    match names.as_slice() {
        [one] => text.push_str(one),
        names => text.push_str(&or_zero(names)),
    }
    text.push(']');
}

/// A call that has been entered and has not returned: `recv(5<A>, ...`.
pub fn open_text(call: &Call) -> String {
    match call.fd() {
        Some(fd) => format!("{}({fd}, ...", call.name()),
        None => format!("{}(...", call.name()),
    }
}

/// A call that has failed, in short: `recv(5<A>) = -1 EAGAIN`.
pub fn failed_text(call: &Call, errno: Errno) -> String {
    let errno = errno_name(errno);
    match call.fd() {
        Some(fd) => format!("{}({fd}) = -1 {errno}", call.name()),
        None => format!("{} = -1 {errno}", call.name()),
    }
}

/// A call that has returned, with its result. The events of a wait call are
/// left to the caller: there may be many.
pub fn call_text(record: &Record) -> String {
    let mut text = String::with_capacity(80);
    push_call(&mut text, record);
    text
}

/// The same at the end of `text`.
pub fn push_call(text: &mut String, record: &Record) {
    if let Some((thread @ 2.., _)) = record.thread {
        let _ = write!(text, "[{thread}] ");
    }
    // Writing to a String cannot fail.
    let _ = push_arguments(text, record).and_then(|()| push_result(text, record));
}

fn push_arguments(text: &mut String, record: &Record) -> fmt::Result {
    let name = record.call.name();
    match record.call {
        Call::Socket | Call::EpollCreate1 | Call::EpollCreate => write!(text, "{name}()"),
        Call::Setsockopt { fd, option, value } => write!(text, "{name}({fd}, {option}, {value})"),
        Call::EpollCtl {
            epfd,
            op: op @ CtlOp::Del,
            fd,
            ..
        } => write!(text, "{name}({epfd}, {}, {fd})", op.name()),
        Call::EpollCtl {
            epfd,
            op,
            fd,
            interest,
        } => {
            let interest = or_zero(&epoll_names(interest));
            write!(text, "{name}({epfd}, {}, {fd}, {interest})", op.name())
        }
        Call::EpollWait {
            epfd, timeout: -1, ..
        } => write!(text, "{name}({epfd})"),
        Call::EpollWait { epfd, timeout, .. } => write!(text, "{name}({epfd}, {timeout} ms)"),
        Call::Poll { nfds, timeout: -1 } => write!(text, "{name}(nfds={nfds})"),
        Call::Poll { nfds, timeout } => write!(text, "{name}(nfds={nfds}, {timeout} ms)"),
        Call::Select { nfds, timeout: -1 } => write!(text, "{name}(nfds={nfds})"),
        Call::Select { nfds, timeout } => write!(text, "{name}(nfds={nfds}, {timeout} ms)"),
        Call::FcntlGetfl { fd } => write!(text, "{name}({fd}, F_GETFL)"),
        Call::FcntlSetfl { fd, flags } => {
            let flags = or_zero(&open_names(flags));
            write!(text, "{name}({fd}, F_SETFL, {flags})")
        }
        Call::FcntlDupfd { fd, from } => write!(text, "{name}({fd}, F_DUPFD_CLOEXEC, {from})"),
        Call::Fionbio { fd, on } => write!(text, "{name}({fd}, FIONBIO, [{}])", u8::from(on)),
        Call::Shutdown { fd, how } => write!(text, "{name}({fd}, {how})"),
        Call::Recv { fd, length } | Call::Input { fd, length, .. } if record.result.is_err() => {
            write!(text, "{name}({fd}, buf, {length})")
        }
        // The bytes come out of a file, past the program.
        Call::Output {
            name: "sendfile",
            fd,
            length,
        } => write!(text, "{name}({fd}, {length})"),
        Call::Recv { fd, length }
        | Call::Input { fd, length, .. }
        | Call::Send { fd, length, .. }
        | Call::Output { fd, length, .. } => {
            write!(text, "{name}({fd}, ")?;
            push_quoted(text, &record.data, DATA_WIDTH);
            match record.call {
                Call::Input { flags, .. } if !flags.is_empty() => {
                    write!(text, ", {length}, {})", or_zero(&msg_names(flags)))
                }
                _ => write!(text, ", {length})"),
            }
        }
        Call::ClockNanosleep { milliseconds } => write!(text, "{name}({milliseconds} ms)"),
        Call::Bind { fd }
        | Call::Listen { fd, .. }
        | Call::Getsockname { fd }
        | Call::Connect { fd }
        | Call::Accept4 { fd }
        | Call::Accept { fd }
        | Call::Close { fd } => write!(text, "{name}({fd})"),
    }
}

fn push_result(text: &mut String, record: &Record) -> fmt::Result {
    text.push_str(" = ");
    match (record.call, record.result) {
        (_, Err(errno)) => write!(text, "-1 {}", errno_name(errno)),
        (Call::Accept4 { .. } | Call::Accept { .. }, Ok(raw)) => {
            let name = record.accepted.unwrap_or(Name::Plain);
            write!(text, "{}", Fd { raw, name })
        }
        (Call::FcntlGetfl { .. }, Ok(flags)) => {
            let names = open_names(OFlag::from_bits_retain(flags)).join("|");
            write!(text, "{flags:#x} (flags {names})")
        }
        (_, Ok(value)) => write!(text, "{value}"),
    }
}
