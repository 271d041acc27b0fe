//! What EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE do for several threads: each
//! combination run, and counted.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use anyhow::{Result, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv};
use rustix::io::ioctl_fionread;
use serde::Serialize;

use crate::claims::patience::until;
use crate::claims::threads::crew::Crew;
use crate::claims::trial::{ET, IN, connect_to, knock};
use crate::sys::loopback;
use crate::trace::OfCall;

/// Threads in each of the runs.
pub const THREADS: usize = 4;

/// What arrives, one after the other.
pub const ARRIVALS: usize = 2;

/// Bytes of a message: a recv takes as many.
const MESSAGE: usize = 5;

/// What the threads wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Watched {
    /// A connection: two messages arrive.
    Client,
    /// Two clients connect.
    Listener,
}

/// One combination.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// What is on the interest list.
    pub watched: Watched,
    /// Each thread has an epoll of its own; else all wait in one.
    pub own_epolls: bool,
    /// What there is beside EPOLLIN.
    pub flag: EpollFlags,
}

/// What it came to: counts only, because which thread it is is the kernel's
/// choice.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Counts {
    /// Threads asleep before each arrival.
    pub asleep: [usize; ARRIVALS],
    /// How many of them it woke.
    pub woken: [usize; ARRIVALS],
    /// Those that woke made one recv or accept4: it brought a message or a
    /// connection.
    pub got: usize,
    /// It returned EAGAIN.
    pub eagain: usize,
    /// Messages or connections that nobody took.
    pub left: usize,
    /// Threads that woke again, when all had made their call and waited.
    pub again: usize,
    /// Threads that epoll_ctl(MOD) with the same events woke then; `None`: it
    /// failed with EINVAL.
    #[serde(rename = "mod")]
    pub by_mod: Option<usize>,
}

/// All that are run, in this order.
pub fn setups() -> impl Iterator<Item = Setup> {
    let flags = [
        EpollFlags::empty(),
        ET,
        EpollFlags::EPOLLONESHOT,
        EpollFlags::EPOLLEXCLUSIVE,
    ];
    let groups = [
        (Watched::Client, false),
        (Watched::Listener, false),
        (Watched::Listener, true),
    ];
    groups.into_iter().flat_map(move |(watched, own_epolls)| {
        flags.map(|flag| Setup {
            watched,
            own_epolls,
            flag,
        })
    })
}

/// Runs one of them.
///
/// # Errors
///
/// A call that failed, or threads that do not come to rest.
pub fn run(setup: Setup) -> Result<Counts> {
    let mut scene = Scene::set(setup.watched)?;
    let interest = EpollEvent::new(IN | setup.flag, 0);
    let mut epolls = Vec::new();
    for _ in 0..if setup.own_epolls { THREADS } else { 1 } {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
        epoll.add(scene.fd(), interest).of_call("epoll_ctl(ADD)")?;
        epolls.push(epoll);
    }
    let crew = Crew::start(epolls.iter().cycle().take(THREADS))?;

    let (mut asleep, mut woken, mut awake) = ([0; ARRIVALS], [0; ARRIVALS], 0);
    for (asleep, woken) in asleep.iter_mut().zip(&mut woken) {
        *asleep = THREADS - awake;
        scene.arrives()?;
        *woken = crew.settle()?.len() - awake;
        awake += *woken;
    }
    let results = crew.act(scene.call(), scene.fd().as_raw_fd())?;
    let again = crew.go_on()?;
    let mut by_mod = Some(0);
    for epoll in &epolls {
        let mut same = interest;
        match epoll.modify(scene.fd(), &mut same) {
            // EPOLLEXCLUSIVE is for ADD alone.
            Err(Errno::EINVAL) => by_mod = None,
            done => done.of_call("epoll_ctl(MOD)")?,
        }
    }
    if by_mod.is_some() {
        by_mod = Some(crew.settle()?.len() - again);
    }
    Ok(Counts {
        asleep,
        woken,
        got: count(&results, Ok(()))?,
        eagain: count(&results, Err(Errno::EAGAIN))?,
        left: scene.left()?,
        again,
        by_mod,
    })
}

/// How many came to this; another end than these two has no place in the
/// table.
fn count(results: &[nix::Result<()>], wanted: nix::Result<()>) -> Result<usize> {
    let other = |result: &&nix::Result<()>| !matches!(result, Ok(()) | Err(Errno::EAGAIN));
    if let Some(Err(errno)) = results.iter().find(other) {
        bail!("recv or accept4: {errno}");
    }
    Ok(results.iter().filter(|result| **result == wanted).count())
}

/// A listener, or a connection, and the clients.
struct Scene {
    listener: TcpListener,
    /// What is watched, where that is a connection.
    connection: Option<TcpStream>,
    clients: Vec<TcpStream>,
}

impl Scene {
    fn set(watched: Watched) -> Result<Scene> {
        let listener = loopback::listener()?;
        let mut scene = Scene {
            listener,
            connection: None,
            clients: Vec::new(),
        };
        if watched == Watched::Client {
            let address = scene.listener.local_addr().of_call("getsockname")?;
            scene.clients.push(connect_to(address, None)?);
            scene.connection = Some(scene.listener.accept().of_call("accept4")?.0);
        }
        // Whoever comes late shall not fall asleep in accept4.
        scene
            .listener
            .set_nonblocking(true)
            .of_call("ioctl(FIONBIO)")?;
        Ok(scene)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.connection {
            Some(connection) => connection.as_fd(),
            None => self.listener.as_fd(),
        }
    }

    /// A message or a client; over when the kernel has woken whom it wakes.
    fn arrives(&mut self) -> Result<()> {
        let Some(connection) = &self.connection else {
            let address = self.listener.local_addr().of_call("getsockname")?;
            self.clients.push(knock(address)?);
            return Ok(());
        };
        // FIONREAD takes the socket's lock, which is held until all who wait
        // have been told.
        let unread = || ioctl_fionread(connection).of_call("ioctl(FIONREAD)");
        let due = unread()? + MESSAGE as u64;
        for mut client in &self.clients {
            client.write_all(&[b'x'; MESSAGE]).of_call("write")?;
        }
        until("a message", || Ok(unread()? >= due))
    }

    /// The call that takes one of them.
    fn call(&self) -> fn(RawFd) -> nix::Result<()> {
        match self.connection {
            Some(_) => receive,
            None => accept,
        }
    }

    /// Takes what is left, and counts it.
    fn left(&self) -> Result<usize> {
        let mut left = 0;
        loop {
            match self.call()(self.fd().as_raw_fd()) {
                Ok(()) => left += 1,
                Err(Errno::EAGAIN) => return Ok(left),
                Err(errno) => bail!("recv or accept4: {errno}"),
            }
        }
    }
}

fn receive(fd: RawFd) -> nix::Result<()> {
    let mut buffer = [0; MESSAGE];
    recv(fd, &mut buffer, MsgFlags::MSG_DONTWAIT).map(drop)
}

/// accept4(2), and close(2): the connection is counted, and not served.
fn accept(fd: RawFd) -> nix::Result<()> {
    let raw = accept4(fd, SockFlag::SOCK_CLOEXEC)?;
    nix::unistd::close(raw)
}
