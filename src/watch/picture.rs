//! A running program at one moment, from /proc alone: nobody is stopped for
//! it, and nobody notices.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use nix::libc;
use serde::Serialize;

use crate::lab::report::Trigger;
use crate::lab::tcp_table::Row;
use crate::trace::words::epoll_names;
use crate::watch::proc::{self, Interest};
use crate::watch::processor::{Processor, Sys};
use crate::watch::sockets;

/// What there is to be seen.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// By process and number.
    pub threads: Vec<Thread>,
    /// The entries of all interest lists, by process, instance and fd.
    pub watched: Vec<Watched>,
    /// Connections with bytes unread that are in no interest list.
    pub unwatched: Vec<Watched>,
}

/// One thread. Serialized it is the `thread` of the JSON contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thread {
    /// Its process.
    pub process: i32,
    /// Its number.
    #[serde(rename = "tid")]
    pub thread: i32,
    /// `S` asleep, `R` running.
    pub state: char,
    /// Where it sleeps: `epoll_wait(8)`.
    pub call: String,
}

/// An fd, and who watches it. Serialized it is the `interest` of the JSON
/// contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// The process that has it open.
    pub process: i32,
    /// The epoll instance.
    #[serde(rename = "epfd")]
    pub epoll: Option<RawFd>,
    /// Its number.
    pub fd: RawFd,
    /// `listener :8080`, `connection :8080 from :40000`, `eventfd`; behind it
    /// `, closed, still open as 7`, where the number is no more what it was.
    pub what: String,
    /// `EPOLLIN|EPOLLRDHUP`.
    pub interest: String,
    /// `None`: in no interest list.
    pub trigger: Option<Trigger>,
    /// Bytes in the receive buffer; of a listener, connections in its queue.
    pub unread: Option<u64>,
}

/// Looks at a process and its children; `None` where there is none.
pub fn take(process: i32, processor: &Processor) -> Option<Picture> {
    proc::look(process)?;
    let mut picture = Picture::default();
    for process in proc::family(process) {
        let rows: BTreeMap<u64, Row> = sockets::table(process)
            .into_iter()
            .filter(|row| row.inode != 0)
            .map(|row| (row.inode, row))
            .collect();
        let threads = proc::threads(process).into_iter();
        picture.threads.extend(threads.filter_map(|thread| {
            let look = proc::look(thread)?;
            Some(Thread {
                process,
                thread,
                state: look.state,
                call: call_text(look.call, processor),
            })
        }));
        let fds = proc::fds(process);
        let mut listed = Vec::new();
        for epoll in fds
            .iter()
            .copied()
            .filter(|fd| proc::is_epoll(process, *fd))
        {
            for entry in proc::interest(process, epoll) {
                listed.push(entry.inode);
                picture
                    .watched
                    .push(watched(process, entry.fd, Some((epoll, entry)), &rows));
            }
        }
        let is_listed = |fd: &RawFd| {
            let inode = proc::socket_inode(process, *fd);
            inode.is_some_and(|inode| listed.contains(&inode))
        };
        let others = fds.into_iter().filter(|fd| !is_listed(fd));
        let others = others.map(|fd| watched(process, fd, None, &rows));
        // A listener of a server with processes is waited for by accept.
        let tells = |it: &Watched| it.unread.is_some_and(|unread| unread > 0);
        picture.unwatched.extend(others.filter(tells));
    }
    Some(picture)
}

fn watched(
    process: i32,
    fd: RawFd,
    listed: Option<(RawFd, Interest)>,
    rows: &BTreeMap<u64, Row>,
) -> Watched {
    // What is registered is the open file, whatever the number stands for now.
    let open = match &listed {
        Some((_, entry)) => proc::fd_of(process, entry),
        None => Some(fd),
    };
    let inode = match &listed {
        Some((_, entry)) => Some(entry.inode),
        None => proc::socket_inode(process, fd),
    };
    let row = inode.and_then(|inode| rows.get(&inode));
    let what = match (row, open) {
        (Some(row), _) if row.listens() => format!("listener :{}", row.local.port()),
        (Some(row), _) => {
            let (local, remote) = (row.local.port(), row.remote.port());
            format!("connection :{local} from :{remote}")
        }
        (None, Some(open)) => {
            let link = proc::link(process, open);
            let word = link.strip_prefix("anon_inode:").unwrap_or(&link);
            let word = word.split(':').next().unwrap_or_default();
            word.trim_matches(['[', ']']).to_string()
        }
        (None, None) => "file".into(),
    };
    let what = match open {
        Some(open) if open == fd => what,
        Some(open) => format!("{what}, closed, still open as {open}"),
        None => format!("{what}, closed here"),
    };
    Watched {
        process,
        epoll: listed.map(|(epoll, _)| epoll),
        fd,
        what,
        interest: match listed.map(|(_, entry)| asked_for(&entry)) {
            Some(asked) => asked,
            None => "-".into(),
        },
        trigger: listed.map(|(_, entry)| Trigger::of(entry.events)),
        unread: row.map(Row::unread),
    }
}

/// EPOLLERR and EPOLLHUP are always reported; the column beside it has
/// EPOLLET.
fn asked_for(entry: &Interest) -> String {
    let names = epoll_names(entry.events);
    let asked: Vec<&str> = names
        .into_iter()
        .filter(|name| !matches!(*name, "EPOLLERR" | "EPOLLHUP" | "EPOLLET"))
        .collect();
    match asked.is_empty() {
        true => "0".into(),
        false => asked.join("|"),
    }
}

/// `epoll_wait(8)`; the man page's name, and the first argument where that is
/// an fd.
fn call_text(call: Option<(i64, [u64; 6])>, processor: &Processor) -> String {
    let Some((number, args)) = call else {
        return "-".into();
    };
    let Some(sys) = processor.call(number) else {
        return match number {
            -1 => "-".into(),
            number => crate::watch::rest::other_name(number).into(),
        };
    };
    match sys {
        Sys::Poll | Sys::Ppoll => "poll".into(),
        Sys::Select | Sys::Pselect6 => "select".into(),
        sys if sys.is_epoll_wait() => format!("epoll_wait({})", args[0] as libc::c_int),
        Sys::Recvfrom => format!("recv({})", args[0] as libc::c_int),
        Sys::Sendto => format!("send({})", args[0] as libc::c_int),
        sys => format!("{}({})", sys.name(), args[0] as libc::c_int),
    }
}
