//! What a server is started with.

use std::net::SocketAddr;

use crate::server::mode::Mode;

/// What a server is started with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where it listens; with port 0 the kernel chooses one (ip(7)).
    pub addr: SocketAddr,
    /// Size of the receive buffer, in bytes.
    pub buffer: usize,
    /// A row of the table in [`mode`](crate::server::mode), or another combination.
    pub mode: Mode,
}
