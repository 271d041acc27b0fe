//! The textbook's echo server, as it stands in print: right as long as nothing
//! goes wrong. It is run by the claim `textbook-server`, in a process of its
//! own; beside it stands ours, [`crate::server::epoll`].
//!
//! In print it is C. Its habits are kept: an accept is not looked at, `send`
//! is taken to send all, and what fails is told with perror and ends the
//! program.

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::process::ExitCode;

use anyhow::Result;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp, EpollTimeout};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv, send};

use crate::claims::child::say;
use crate::trace::OfCall;

/// Which of the two that textbooks print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// Level-triggered, blocking sockets, one recv a report.
    Level,
    /// Edge-triggered, O_NONBLOCK, recv until EAGAIN.
    Edge,
}

/// Serves until something fails.
#[expect(deprecated, reason = "the textbook's numbers may be -1")]
pub fn serve(edition: Edition) -> Result<ExitCode> {
    let (interest, flags) = match edition {
        Edition::Level => (EpollFlags::EPOLLIN, SockFlag::empty()),
        Edition::Edge => (
            EpollFlags::EPOLLIN | EpollFlags::EPOLLET,
            SockFlag::SOCK_NONBLOCK,
        ),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).of_call("bind")?;
    say(&listener.local_addr().of_call("getsockname")?.to_string())?;
    let epoll = Epoll::new(EpollCreateFlags::empty()).of_call("epoll_create1")?;
    let event = EpollEvent::new(EpollFlags::EPOLLIN, listener.as_raw_fd() as u64);
    epoll.add(&listener, event).of_call("epoll_ctl(ADD)")?;

    let mut events = [EpollEvent::empty(); 64];
    loop {
        let ready = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(errno) => return perror("epoll_wait", errno),
        };
        for event in &events[..ready] {
            let fd = event.data() as RawFd;
            if fd == listener.as_raw_fd() {
                let connection = accept4(fd, flags).unwrap_or(-1);
                let mut event = EpollEvent::new(interest, connection as u64);
                let (epfd, add) = (epoll.0.as_raw_fd(), EpollOp::EpollCtlAdd);
                if let Err(errno) = nix::sys::epoll::epoll_ctl(epfd, add, connection, &mut event) {
                    return perror("epoll_ctl", errno);
                }
            } else if let Err(errno) = echo(fd, edition) {
                return perror("recv", errno);
            }
        }
    }
}

/// Sends back what there is to read: once, or until EAGAIN.
fn echo(fd: RawFd, edition: Edition) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    loop {
        match recv(fd, &mut buffer, MsgFlags::empty()) {
            Ok(0) => {
                let _ = nix::unistd::close(fd);
                return Ok(());
            }
            Ok(n) => {
                let _ = send(fd, &buffer[..n], MsgFlags::empty());
            }
            Err(Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
        }
        if edition == Edition::Level {
            return Ok(());
        }
    }
}

fn perror(call: &str, errno: Errno) -> Result<ExitCode> {
    say(&format!("{call}: {}", crate::trace::errno_name(errno)))?;
    Ok(ExitCode::FAILURE)
}
