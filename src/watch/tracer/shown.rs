//! Which calls are shown: at once, or when it is known what they belong to.

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::trace::{Call, Fd, Name, Record};
use crate::watch::state::State;
use crate::watch::tracer::{BEFORE, Tracer};

impl Tracer {
    /// Shows a record, or keeps it until it is known what it belongs to.
    pub(super) fn keep(&mut self, process: i32, record: Record, state: &mut State) {
        let Some(listener) = state.listener else {
            // Of a running program nobody knows whether it ever will listen.
            match self.filtered {
                false if state.wanted.is_none() => state.show(record),
                false => {}
                true => self.before.push_back((process, record)),
            }
            if self.before.len() > BEFORE {
                self.before.pop_front();
            }
            return;
        };
        for (of, mut early) in std::mem::take(&mut self.before) {
            if of != listener.process {
                continue;
            }
            early.call = renamed(early.call, listener.fd, Name::Listener);
            let made_it = early.call == Call::Socket && early.result == Ok(listener.fd);
            if let Call::EpollCtl { fd, interest, .. } = early.call
                && fd.name == Name::Listener
                && let Some(listener) = &mut state.listener
            {
                listener.edge = interest.contains(EpollFlags::EPOLLET);
            }
            if made_it || is_shown(&early) {
                state.show(early);
            }
        }
        if is_shown(&record) {
            state.show(record);
        }
    }
}

/// The same call, with the name that its fd turned out to have.
pub(super) fn renamed(call: Call, raw: i32, name: Name) -> Call {
    let new = |fd: Fd| match fd.raw == raw {
        true => Fd { raw, name },
        false => fd,
    };
    match call {
        Call::Bind { fd } => Call::Bind { fd: new(fd) },
        Call::Listen { fd, backlog } => Call::Listen {
            fd: new(fd),
            backlog,
        },
        Call::Setsockopt { fd, option, value } => Call::Setsockopt {
            fd: new(fd),
            option,
            value,
        },
        Call::FcntlGetfl { fd } => Call::FcntlGetfl { fd: new(fd) },
        Call::FcntlSetfl { fd, flags } => Call::FcntlSetfl { fd: new(fd), flags },
        Call::Fionbio { fd, on } => Call::Fionbio { fd: new(fd), on },
        Call::EpollCtl {
            epfd,
            op,
            fd,
            interest,
        } => Call::EpollCtl {
            epfd,
            op,
            fd: new(fd),
            interest,
        },
        other => other,
    }
}

/// It concerns the listener, a client, or an epoll instance, and brought
/// something; or it is what the program prints.
fn is_shown(record: &Record) -> bool {
    let named = |fd: Fd| fd.name != Name::Plain;
    match record.call {
        call if call.is_wait() => match record.result {
            Ok(_) => record.events.iter().any(|event| named(event.fd)),
            Err(_) => true,
        },
        Call::EpollCreate | Call::EpollCreate1 => true,
        Call::Output { fd, .. } | Call::Send { fd, .. } => named(fd) || fd.raw == 1 || fd.raw == 2,
        // Standard input: of interest while it is waited for, and no longer.
        // No fd at all: what accept has failed to give, or what was closed. But
        // a program that closes all numbers there are means none of them.
        call => {
            let wrong = record.result == Err(Errno::EBADF) && !matches!(call, Call::Close { .. });
            wrong || call.fd().is_some_and(named)
        }
    }
}
