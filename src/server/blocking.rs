//! The server without multiplexing: it accepts, and then it sleeps in recv
//! for this one client until the client hangs up. Everybody else waits.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag};

use crate::server::config::Config;
use crate::server::door::Listener;
use crate::server::errors::{gone, retry};
use crate::sys::{Socket, Sys};
use crate::trace::Failure;

/// Serves until the listener is shut down.
pub fn serve(sys: &mut Sys, config: &Config) -> Result<(), Failure> {
    let Config { addr, buffer, .. } = config;
    let mut listener = Listener::open(sys, addr, SockFlag::empty())?;
    let mut buffer = vec![0; *buffer];
    loop {
        match listener.accept(sys) {
            Ok(Some(socket)) => {
                converse(sys, &socket, &mut buffer)?;
                sys.close(socket)?;
            }
            Ok(None) if listener.is_paused() => listener.sleep(sys)?, // no fd left
            Ok(None) => {}
            // The listener has been shut down (accept(2)).
            Err(e) if e.errno == Errno::EINVAL => return listener.close(sys),
            Err(e) => return Err(e),
        }
    }
}

/// Serves one client to the end. recv returns when this client sends or hangs
/// up; that another one is waiting does not wake it.
fn converse(sys: &mut Sys, socket: &Socket, buffer: &mut [u8]) -> Result<(), Failure> {
    loop {
        let result = match retry(|| sys.recv(socket, buffer)) {
            Ok(0) => return Ok(()), // the peer has hung up
            Ok(n) => send_all(sys, socket, &buffer[..n]),
            Err(e) => Err(e),
        };
        if let Err(e) = result {
            return gone(e);
        }
    }
}

/// send may take less than all, and sleeps while the kernel has no room.
fn send_all(sys: &mut Sys, socket: &Socket, mut data: &[u8]) -> Result<(), Failure> {
    while !data.is_empty() {
        let taken = retry(|| sys.send(socket, data, MsgFlags::MSG_NOSIGNAL))?;
        data = &data[taken..];
    }
    Ok(())
}
