//! How a call and its outcome read: `recv(5<A>, "HELLO", 5) = 5`.
//!
//! The grammar is strace's, the names are the man pages' and ours. Every
//! format takes its words from here.

use nix::fcntl::OFlag;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::MsgFlags;

use crate::escape::quote;
use crate::trace::{Call, CtlOp, Event, Fd, Name, Ready, Record, errno_text};

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

/// An event: `5<A> EPOLLIN`; `data=0x2a EPOLLIN` where the program stored
/// something else than the fd.
pub fn event_text(event: &Event) -> String {
    let names = or_zero(&ready_names(&event.ready));
    match event.data == event.fd.raw as u64 {
        true => format!("{} {names}", event.fd),
        false => format!("data={:#x} {names}", event.data),
    }
}

/// A call that has been entered and has not returned: `recv(5<A>, ...`.
pub fn open_text(call: &Call) -> String {
    match call.fd() {
        Some(fd) => format!("{}({fd}, ...", call.name()),
        None => format!("{}(...", call.name()),
    }
}

/// A call that has returned, with its result. The events of a wait call are
/// left to the caller: there may be many.
pub fn call_text(record: &Record) -> String {
    format!("{} = {}", arguments(record), result_text(record))
}

fn arguments(record: &Record) -> String {
    let name = record.call.name();
    match record.call {
        Call::Socket | Call::EpollCreate1 => format!("{name}()"),
        Call::Setsockopt { fd, option } => format!("{name}({fd}, {option})"),
        Call::EpollCtl {
            epfd,
            op: op @ CtlOp::Del,
            fd,
            ..
        } => format!("{name}({epfd}, {}, {fd})", op.name()),
        Call::EpollCtl {
            epfd,
            op,
            fd,
            interest,
        } => {
            let interest = or_zero(&epoll_names(interest));
            format!("{name}({epfd}, {}, {fd}, {interest})", op.name())
        }
        Call::EpollWait {
            epfd, timeout: -1, ..
        } => format!("{name}({epfd})"),
        Call::EpollWait { epfd, timeout, .. } => format!("{name}({epfd}, {timeout} ms)"),
        Call::Poll { nfds, timeout: -1 } => format!("{name}(nfds={nfds})"),
        Call::Poll { nfds, timeout } => format!("{name}(nfds={nfds}, {timeout} ms)"),
        Call::Select { nfds, timeout: -1 } => format!("{name}(nfds={nfds})"),
        Call::Select { nfds, timeout } => format!("{name}(nfds={nfds}, {timeout} ms)"),
        Call::FcntlGetfl { fd } => format!("{name}({fd}, F_GETFL)"),
        Call::FcntlSetfl { fd, flags } => {
            format!("{name}({fd}, F_SETFL, {})", or_zero(&open_names(flags)))
        }
        Call::FcntlDupfd { fd, from } => format!("{name}({fd}, F_DUPFD_CLOEXEC, {from})"),
        Call::Recv { fd, length } => match record.result {
            Ok(_) => format!(
                "{name}({fd}, {}, {length})",
                quote(&record.data, DATA_WIDTH)
            ),
            Err(_) => format!("{name}({fd}, buf, {length})"),
        },
        Call::Send { fd, length, .. } => {
            format!(
                "{name}({fd}, {}, {length})",
                quote(&record.data, DATA_WIDTH)
            )
        }
        Call::ClockNanosleep { milliseconds } => format!("{name}({milliseconds} ms)"),
        Call::Bind { fd } | Call::Listen { fd, .. } | Call::Accept4 { fd } | Call::Close { fd } => {
            format!("{name}({fd})")
        }
    }
}

fn result_text(record: &Record) -> String {
    match (record.call, record.result) {
        (_, Err(errno)) => format!("-1 {}", errno_text(errno)),
        (Call::Accept4 { .. }, Ok(raw)) => {
            let name = record.accepted.unwrap_or(Name::Plain);
            Fd { raw, name }.to_string()
        }
        (Call::FcntlGetfl { .. }, Ok(flags)) => {
            let names = open_names(OFlag::from_bits_retain(flags)).join("|");
            format!("{flags:#x} (flags {names})")
        }
        (_, Ok(value)) => value.to_string(),
    }
}
