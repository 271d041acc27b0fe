//! Errors that are no surprise to a server.

use nix::errno::Errno;

use crate::trace::Failure;

/// Asks again where a signal came before the call had done anything
/// (EINTR, signal(7)).
#[inline(always)]
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    loop {
        match call() {
            Err(e) if e.errno == Errno::EINTR => {}
            other => return other,
        }
    }
}

/// Sorts an error of recv(2) or send(2) on a connection: one that ends this
/// connection alone, or one that ends the server.
///
/// What the network says of a connection comes out of these two calls, and no
/// list of it is whole: a router of the client's can send what becomes EACCES,
/// EOPNOTSUPP or EINVAL (icmp(7), ip-route(8)). So those are listed that speak
/// of the server.
pub fn gone(error: Failure) -> Result<(), Failure> {
    match error.errno {
        // No fd, no socket, no memory of ours: a bug, in us and not in the peer.
        Errno::EBADF | Errno::ENOTSOCK | Errno::EFAULT => Err(error),
        // Reset by the peer, lost by the network, no memory for it in the
        // kernel: the others go on.
        _ => Ok(()),
    }
}
