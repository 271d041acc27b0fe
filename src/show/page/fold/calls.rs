//! What the server's calls change.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use serde_json::Value;

use crate::lab::report::verdict::plural;
use crate::show::page::board::nonzero;
use crate::show::page::fold::client::Place;
use crate::show::page::fold::{Fold, is_peer};
use crate::show::page::moment::{Kind, Moment};
use crate::trace::words::call_text;
use crate::trace::{Call, CtlOp, Fd, Name, Record, errno_text};

impl Fold {
    pub(super) fn set_up(&mut self, records: &[Record]) -> Moment {
        let mut listed = "";
        for record in records {
            self.note_new(record);
            if let (Call::EpollCtl { fd, interest, .. }, Ok(_)) = (record.call, record.result) {
                self.list.register(fd.raw, interest, false);
                self.paint_interest(fd.raw, Some(interest));
                if fd.name == Name::Listener {
                    listed = " The listener is on its interest list.";
                }
            }
        }
        let last = records.last().map(call_text).unwrap_or_default();
        self.thread("run", last);
        let say = match (self.listener, self.epoll) {
            (Some(listener), Some(epoll)) => format!(
                "The server has a listener, fd {listener}, and an epoll instance, fd {epoll}.\
                 {listed}"
            ),
            (Some(listener), None) => format!("The server has a listener, fd {listener}."),
            _ => "The server makes its sockets.".into(),
        };
        Moment::new(Kind::Setup, say).look("interest").look("L")
    }

    /// A listener or an epoll instance comes into being. The kernel gives a
    /// number again only after a close, which a trace of the set-up leaves out:
    /// Python's `selectors` tries an epoll instance as it is imported.
    fn note_new(&mut self, record: &Record) {
        match (record.call, record.result) {
            (Call::Listen { fd, .. }, Ok(_)) => {
                self.listener = Some(fd.raw);
                self.board.set("lfd", fd.raw);
                if self.epoll == self.listener {
                    (self.epoll, self.epolls) = (None, self.epolls - 1);
                    self.board.set("efd", Value::Null);
                }
            }
            (Call::EpollCreate1 | Call::EpollCreate, Ok(fd)) => {
                let again = self.epoll.replace(fd) == Some(fd);
                self.epolls += u64::from(!again);
                self.board.set("efd", fd);
                // An fd may be on the lists of several.
                self.board.set("many", nonzero(self.epolls - 1));
            }
            _ => {}
        }
    }

    /// A call has returned; `echo` is the send that gave back what a recv had
    /// brought.
    pub(super) fn call(&mut self, record: &Record, echo: Option<&Record>) -> Moment {
        self.note_new(record);
        self.meet(record.call.fd());
        self.thread("run", call_text(record));
        let mut moment = match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => self.wait(record),
            Call::Accept4 { .. } | Call::Accept { .. } => self.accept(record),
            Call::EpollCtl {
                op, fd, interest, ..
            } => self.ctl(record, op, fd, interest),
            Call::FcntlGetfl { fd } => says(format!("fcntl reads the flags of fd {}.", fd.raw)),
            Call::FcntlSetfl { fd, .. } => says(format!(
                "fcntl makes fd {} non-blocking: recv will never sleep.",
                fd.raw
            )),
            Call::Close { fd } => self.close(record, fd),
            // recv or read, send or write: a program has the choice.
            call => match (call.input(), call.output()) {
                (Some(fd), _) if is_peer(fd.name) => self.recv(record, fd, echo),
                (_, Some(fd)) if is_peer(fd.name) => self.send(record, fd, call.length()),
                _ => says(format!("{}.", call_text(record))),
            },
        };
        if let (Err(errno), true) = (record.result, moment.s.is_empty()) {
            moment.s = match errno {
                Errno::EINTR => "A signal came before anything was done: again.".into(),
                errno => format!("{} fails: {}.", record.call.name(), errno_text(errno)),
            };
        }
        self.open = None;
        moment.place = record.source();
        moment.look("thread")
    }

    /// recv has returned 0, and the server closes.
    pub(super) fn hung_up(&mut self, recv: &Record, close: &Record) -> Moment {
        let mut moment = self.call(recv, None);
        let Some(fd) = close.call.fd() else {
            return moment;
        };
        let closed = self.close(close, fd);
        moment.s += &format!(" {}", closed.s);
        moment.w.extend(closed.w);
        self.board.set("call2", call_text(close));
        moment
    }

    fn accept(&mut self, record: &Record) -> Moment {
        let call = record.call.name();
        let (Ok(fd), Some(name)) = (record.result, record.accepted) else {
            return says(match record.result {
                Err(Errno::EAGAIN) => format!("{call} finds nobody in the queue."),
                Err(Errno::EINVAL) => format!("{call} fails: the listener is shut down."),
                _ => String::new(),
            })
            .look("L");
        };
        self.queue.retain(|other| *other != name);
        self.fds.insert(fd, name);
        let client = self.client(name);
        client.fd = Some(fd);
        client.place = Place::Open;
        says(format!(
            "{call} takes {name}'s connection out of the queue. It is fd {fd}."
        ))
        .look("L")
        .look(spot(name))
    }

    fn ctl(&mut self, record: &Record, op: CtlOp, fd: Fd, interest: EpollFlags) -> Moment {
        if record.result.is_err() {
            return says("");
        }
        let raw = fd.raw;
        let how = match interest.contains(EpollFlags::EPOLLET) {
            true => "edge-triggered",
            false => "level-triggered",
        };
        let say = match op {
            CtlOp::Add => {
                format!("epoll_ctl puts fd {raw} on the interest list, {how}.")
            }
            CtlOp::Mod if interest.is_empty() => {
                format!("epoll_ctl silences fd {raw}: nothing of it will be reported.")
            }
            CtlOp::Mod if interest.contains(EpollFlags::EPOLLOUT) => {
                format!("epoll_ctl: of fd {raw} the server now wants to know when it may send.")
            }
            CtlOp::Mod => {
                format!("epoll_ctl asks for fd {raw} anew, and the kernel looks at once.")
            }
            CtlOp::Del => format!("epoll_ctl takes fd {raw} off the interest list."),
        };
        match op {
            CtlOp::Del => {
                self.list.remove(raw);
                self.paint_interest(raw, None);
            }
            CtlOp::Add | CtlOp::Mod => {
                let ready = interest.contains(EpollFlags::EPOLLIN) && self.is_readable(raw);
                self.list.register(raw, interest, ready);
                self.paint_interest(raw, Some(interest));
            }
        }
        let mut moment = says(say).look("interest");
        if self.rules && self.list.ready.contains(&raw) && op == CtlOp::Add {
            moment.s += " It is ready already.";
            moment = moment.look("ready");
        }
        moment
    }

    fn close(&mut self, record: &Record, fd: Fd) -> Moment {
        let raw = fd.raw;
        let watched = self.list.interest.contains_key(&raw);
        self.list.remove(raw);
        self.fds.remove(&raw);
        if watched {
            self.paint_interest(raw, None);
        }
        match fd.name {
            Name::Listener => {
                self.listener = None;
                self.board.set("lfd", Value::Null);
                says("close: the listener is gone.").look("L")
            }
            Name::Plain if Some(raw) == self.epoll => {
                self.epoll = None;
                self.board.set("efd", Value::Null);
                says("close: the epoll instance is gone.").look("interest")
            }
            name if is_peer(name) => {
                if record.thread.is_some() {
                    // Another process may have it open still.
                    return says(format!("{}.", call_text(record))).look(spot(name));
                }
                self.buffer(None);
                let lost = record.unread.unwrap_or(0);
                self.measure(name, record.unread);
                let client = self.client(name);
                client.place = Place::Closed;
                client.lost = lost;
                let off = match watched && self.rules {
                    true => format!(", and the kernel takes fd {raw} off the interest list"),
                    false => String::new(),
                };
                let rest = match lost {
                    0 => ".".into(),
                    lost => format!(". {} of {name} are lost.", plural(lost, "byte")),
                };
                says(format!("close{off}{rest}"))
                    .look("interest")
                    .look(spot(name))
            }
            _ => says(format!("{}.", call_text(record))),
        }
    }
}

pub(super) fn says(say: impl Into<String>) -> Moment {
    Moment::new(Kind::Call, say)
}

/// Where a name is drawn.
pub(super) fn spot(name: Name) -> String {
    match name {
        Name::Listener => "L".into(),
        name => format!("sock-{name}"),
    }
}
