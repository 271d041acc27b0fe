//! Errors that are no surprise to a server.

use nix::errno::Errno;

use crate::trace::Failure;

/// Asks again where a signal came before the call had done anything
/// (EINTR, signal(7)).
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    loop {
        match call() {
            Err(e) if e.errno == Errno::EINTR => {}
            other => return other,
        }
    }
}

/// Sorts an error of recv(2) or send(2) on a connection: one that ends this
/// connection alone, or a surprise.
pub fn gone(error: Failure) -> Result<(), Failure> {
    match error.errno {
        // The peer reset the connection, or the network lost it (tcp(7)).
        Errno::ECONNRESET | Errno::EPIPE | Errno::ETIMEDOUT => Ok(()),
        Errno::ECONNABORTED | Errno::ECONNREFUSED | Errno::ENOTCONN => Ok(()),
        Errno::EHOSTUNREACH | Errno::EHOSTDOWN | Errno::ENETUNREACH => Ok(()),
        Errno::ENETDOWN | Errno::ENONET | Errno::EPROTO | Errno::ENOPROTOOPT => Ok(()),
        // The kernel has no memory for this one: the others go on.
        Errno::ENOMEM | Errno::ENOBUFS => Ok(()),
        _ => Err(error),
    }
}
