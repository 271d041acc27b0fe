//! TCP over loopback, by calls that no trace shows: what the measurement and
//! the experiments connect their clients with.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::trace::{CallFailed, OfCall};

/// Connections that may wait for accept(2); the kernel takes
/// net.core.somaxconn if that is less (listen(2)).
const BACKLOG: i32 = 128;

/// A listener that blocks, on a port that is free.
///
/// # Errors
///
/// The call that failed: socket(2), setsockopt(2), bind(2) or listen(2).
pub fn listener() -> Result<TcpListener, CallFailed> {
    let socket = socket(SocketFlags::CLOEXEC)?;
    sockopt::set_socket_reuseaddr(&socket, true).of_call("setsockopt(SO_REUSEADDR)")?;
    let any_port = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    rustix::net::bind(&socket, &any_port).of_call("bind")?;
    rustix::net::listen(&socket, BACKLOG).of_call("listen")?;
    Ok(TcpListener::from(socket))
}

/// A client's socket, not connected; no call on it blocks.
///
/// # Errors
///
/// What socket(2) fails with.
pub fn client() -> Result<OwnedFd, CallFailed> {
    socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
}

fn socket(flags: SocketFlags) -> Result<OwnedFd, CallFailed> {
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    rustix::net::socket_with(family, kind, flags, None).of_call("socket")
}

/// Connects a client's socket; over when the handshake is done.
///
/// A listener whose queue is full answers no SYN, and connect(2) would ask
/// again for minutes: after `patience` it is an error, ETIMEDOUT.
///
/// # Errors
///
/// What connect(2) fails with, at once or in the end.
pub fn connect(socket: &OwnedFd, to: SocketAddr, patience: Duration) -> Result<(), CallFailed> {
    match rustix::net::connect(socket, &to) {
        Err(Errno::INPROGRESS) => {}
        done => return done.of_call("connect"),
    }
    // A socket is writable when its handshake is over, and has an error if it
    // failed (connect(2)).
    let mut asked = [PollFd::new(socket, PollFlags::OUT)];
    let patience = Timespec {
        tv_sec: patience.as_secs() as i64,
        tv_nsec: patience.subsec_nanos().into(),
    };
    match poll(&mut asked, Some(&patience)).of_call("poll")? {
        0 => Err(Errno::TIMEDOUT).of_call("connect"),
        _ => sockopt::socket_error(socket)
            .of_call("getsockopt(SO_ERROR)")?
            .of_call("connect"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_client_is_connected_or_refused() {
        let patience = Duration::from_secs(10);
        let listener = listener().unwrap();
        let address = listener.local_addr().unwrap();
        let one = client().unwrap();
        connect(&one, address, patience).unwrap();
        let (_, peer) = listener.accept().unwrap();
        assert_eq!(TcpStream::from(one).local_addr().unwrap(), peer);

        drop(listener);
        let refused = connect(&client().unwrap(), address, patience).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "connect: ECONNREFUSED (Connection refused)"
        );
    }
}
