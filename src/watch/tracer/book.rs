//! What the fds of the watched processes stand for.

use std::collections::HashMap;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;

use crate::trace::Name;
use crate::watch::decode::Names;
use crate::watch::proc::{self, Interest};
use crate::watch::sockets::{self, Kind};
use crate::watch::state::{Listener, Shared};

/// Asked once, and again after whatever changes it.
#[derive(Debug)]
pub struct Book {
    shared: Arc<Shared>,
    pidfds: HashMap<i32, OwnedFd>,
    names: HashMap<(i32, RawFd), Name>,
    interest: HashMap<(i32, RawFd), Vec<Interest>>,
}

impl Book {
    pub fn new(shared: Arc<Shared>) -> Book {
        Book {
            shared,
            pidfds: HashMap::new(),
            names: HashMap::new(),
            interest: HashMap::new(),
        }
    }

    /// The fds of one process.
    pub fn of(&mut self, process: i32) -> OfProcess<'_> {
        OfProcess {
            book: self,
            process,
        }
    }

    /// The last thread of the process has gone.
    pub fn ended(&mut self, process: i32) {
        self.pidfds.remove(&process);
        self.of(process).forget_all();
    }

    fn pidfd(&mut self, process: i32) -> Option<&OwnedFd> {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.pidfds.entry(process) {
            entry.insert(sockets::pidfd(process)?);
        }
        self.pidfds.get(&process)
    }
}

/// The fds of one process.
#[derive(Debug)]
pub struct OfProcess<'a> {
    book: &'a mut Book,
    process: i32,
}

impl OfProcess<'_> {
    /// The number is given again: ask anew.
    pub fn forget(&mut self, fd: RawFd) {
        self.book.names.remove(&(self.process, fd));
    }

    /// The fd is closed: no epoll instance knows it any more.
    pub fn closed(&mut self, fd: RawFd) {
        self.forget(fd);
        self.book.interest.remove(&(self.process, fd));
        for ((process, _), list) in &mut self.book.interest {
            if *process == self.process {
                list.retain(|entry| entry.fd != fd);
            }
        }
    }

    /// Another program has taken the process over.
    pub fn forget_all(&mut self) {
        let process = self.process;
        self.book.names.retain(|(of, _), _| *of != process);
        self.book.interest.retain(|(of, _), _| *of != process);
    }

    /// A change to an interest list.
    pub fn registered_as(&mut self, epfd: RawFd, fd: RawFd, entry: Option<Interest>) {
        let list = self.book.interest.entry((self.process, epfd)).or_default();
        list.retain(|known| known.fd != fd);
        list.extend(entry);
    }

    /// An epoll instance that has just been made.
    pub fn new_instance(&mut self, epfd: RawFd) {
        self.forget(epfd);
        self.book.interest.insert((self.process, epfd), Vec::new());
    }

    /// What a running process has open already.
    pub fn adopt(&mut self) {
        let process = self.process;
        for fd in sockets::listeners(process) {
            self.name(fd);
        }
        let fds = proc::fds(process);
        for fd in &fds {
            if let Name::Client(index) = self.name(*fd) {
                let nonblocking = proc::nonblocking(process, *fd);
                let mut state = self.book.shared.lock();
                let end = state.ends.entry(index).or_default();
                (end.accepted, end.nonblocking) = (true, nonblocking);
                // It was accepted before anybody looked.
                state.totals.connections.entry(index).or_default();
            }
        }
        for epfd in fds {
            if !proc::is_epoll(process, epfd) {
                continue;
            }
            let list = proc::interest(process, epfd);
            for entry in &list {
                let Some(fd) = proc::fd_of(process, entry) else {
                    continue;
                };
                let name = self.name(fd);
                self.book.shared.lock().note_interest(name, Some(*entry));
            }
            self.book.interest.insert((process, epfd), list);
        }
    }

    /// What a socket is that listens on no TCP port.
    pub fn word(&mut self, fd: RawFd) -> Option<&'static str> {
        let pidfd = self.book.pidfd(self.process)?;
        match sockets::kind(pidfd, fd) {
            Kind::Other(word) => Some(word),
            _ => None,
        }
    }

    fn ask(&mut self, fd: RawFd) -> Option<Name> {
        let process = self.process;
        let Some(inode) = proc::socket_inode(process, fd) else {
            return Some(Name::Plain);
        };
        let kind = self
            .book
            .pidfd(process)
            .map(|pidfd| sockets::kind(pidfd, fd));
        let shared = Arc::clone(&self.book.shared);
        let mut state = shared.lock();
        match kind? {
            Kind::Listener(address) => {
                let wanted = state.wanted.is_none_or(|port| port == address.port());
                if state.listener.is_none() && wanted {
                    state.listener = Some(Listener {
                        process,
                        fd,
                        inode,
                        address,
                        edge: false,
                    });
                }
                // Workers may have a socket each for the same port.
                match state.listener {
                    Some(known) if known.address.port() == address.port() => Some(Name::Listener),
                    _ => {
                        state.others.insert(address.port().to_string());
                        Some(Name::Plain)
                    }
                }
            }
            Kind::Connection(own, peer) => {
                let ours = |known: Listener| known.address.port() == own.port();
                if !state.listener.is_some_and(ours) {
                    return Some(Name::Plain);
                }
                let index = state.client_from(peer, inode);
                let end = state.ends.entry(index).or_default();
                (end.inode, end.open) = (inode, Some((process, fd)));
                Some(Name::Client(index))
            }
            // It may become either: ask again.
            Kind::Unconnected => None,
            Kind::Other(_) => Some(Name::Plain),
        }
    }
}

impl Names for OfProcess<'_> {
    fn name(&mut self, fd: RawFd) -> Name {
        if fd < 0 {
            return Name::Plain;
        }
        if let Some(name) = self.book.names.get(&(self.process, fd)) {
            return *name;
        }
        let name = self.ask(fd);
        if let Some(name) = name {
            self.book.names.insert((self.process, fd), name);
        }
        name.unwrap_or(Name::Plain)
    }

    fn registered(&mut self, epfd: RawFd, data: u64) -> Option<RawFd> {
        let key = (self.process, epfd);
        for fresh in [false, true] {
            if fresh || !self.book.interest.contains_key(&key) {
                let list = proc::interest(self.process, epfd);
                self.book.interest.insert(key, list);
            }
            let list = self.book.interest.get(&key)?;
            let mut same = list.iter().filter(|entry| entry.data == data);
            match (same.next(), same.next()) {
                (Some(entry), None) => return proc::fd_of(self.process, entry),
                (None, _) => {}
                // Several with the same data: the number, if it is one.
                (Some(_), Some(_)) => {
                    let raw = data as u32 as RawFd;
                    let fits = |entry: &&Interest| entry.data == data && entry.fd == raw;
                    return list.iter().find(fits).map(|entry| entry.fd);
                }
            }
        }
        None
    }

    fn unread(&mut self, fd: RawFd) -> Option<u64> {
        let pidfd = self.book.pidfd(self.process)?;
        sockets::unread(pidfd, fd)
    }
}
