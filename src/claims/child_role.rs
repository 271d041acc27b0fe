//! The child's side: what this program does when an experiment has started it
//! again.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::socket::{SockaddrIn, getsockname};
use nix::unistd::getppid;

use crate::claims::bend;
use crate::claims::child::{CHILD, Role, say};
use crate::claims::child_fork as fork;
use crate::claims::textbook;
use crate::claims::textbook::Edition;
use crate::claims::thread::spawn;
use crate::lab::fds::close_inherited;
use crate::server;
use crate::server::{Config, mode};
use crate::sys::Sys;
use crate::sys::journal::{Follow, Journal};
use crate::sys::open_files::Limit;
use crate::trace::{OfCall, error_text};

/// The child's side, if this process is one: `claims-child ROLE PARENT`, with
/// the limit on open files or the numbers of inherited fds.
pub fn play_if_asked(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    // Whoever is not asked may have been given any bytes.
    let arguments: Vec<String> = arguments
        .skip(1)
        .take(5)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let (role, parent, numbers) = match arguments.as_slice() {
        [child, role, parent, numbers @ ..] if child == CHILD => (role, parent, numbers),
        _ => return None,
    };
    let (role, parent) = (Role::from_name(role)?, parent.parse().ok()?);
    let numbers: Vec<u64> = numbers.iter().filter_map(|n| n.parse().ok()).collect();
    Some(play(role, parent, &numbers).unwrap_or_else(|error| {
        // Read by nobody but the parent.
        let _ = say(&error_text(&error));
        ExitCode::FAILURE
    }))
}

fn play(role: Role, parent: i32, numbers: &[u64]) -> Result<ExitCode> {
    if !role.inherits() {
        close_inherited();
    }
    // Whatever becomes of the parent, no child stays behind.
    set_pdeathsig(Signal::SIGKILL).of_call("prctl(PR_SET_PDEATHSIG)")?;
    // A parent that died before that call sends no signal any more; whoever
    // has taken its place is another process.
    if getppid().as_raw() != parent {
        bail!("process {parent}, which this one was started for, is gone");
    }
    if let (false, [files]) = (role.inherits(), numbers) {
        let (soft, hard) = (*files, *files);
        Limit { soft, hard }.set()?;
    }
    match role {
        Role::Wait => sleep_in_epoll_wait(),
        Role::TextbookLt => textbook::serve(Edition::Level),
        Role::TextbookEt => textbook::serve(Edition::Edge),
        Role::Ours => serve_ours(),
        Role::Fork => fork::fork(numbers),
        Role::SetNonblock => fork::set_nonblock(),
        Role::SignalRace => fork::signal_race(),
        Role::SignalfdParent => fork::signalfd_parent(),
        Role::SignalfdChild => fork::signalfd_child(numbers),
        Role::BentCreate => bend::create(),
        Role::BentWait => bend::wait(numbers),
    }
}

fn sleep_in_epoll_wait() -> Result<ExitCode> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).of_call("epoll_create1")?;
    let ended = epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE);
    say(&format!("{}", ended.err().map_or(0, |errno| errno as i32)))?;
    Ok(ExitCode::SUCCESS)
}

/// Says where it listens, and the first time that no fd is left.
fn serve_ours() -> Result<ExitCode> {
    let journal = Arc::new(Journal::default());
    let config = Config {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        buffer: 4096,
        mode: mode::ET_NONBLOCK,
    };
    let seen = Arc::clone(&journal);
    let server = spawn(move || {
        let mut sys = Sys::new(seen, Follow::Counts, Instant::now());
        server::epoll::serve(&mut sys, &config)
    })?;
    let (mut listening, mut full) = (false, false);
    while !server.is_finished() {
        thread::sleep(Duration::from_micros(200));
        let state = journal.lock();
        let faults = &state.totals.faults;
        if let (false, Some(fd)) = (listening, state.listener) {
            let address: SockaddrIn = getsockname(fd).of_call("getsockname")?;
            say(&address.to_string())?;
            listening = true;
        }
        if !full && faults.contains_key(&(Errno::EMFILE as i32)) {
            say("EMFILE")?;
            full = true;
        }
    }
    let ended = server.join();
    ended.map_err(|_| anyhow!("the server has panicked"))??;
    Ok(ExitCode::SUCCESS)
}
