//! Socket options.

/// The socket options that the servers set.
#[derive(Clone, Copy, Debug)]
pub enum SockOpt {
    /// Bind although connections of an earlier run are in TIME_WAIT (socket(7)).
    ReuseAddr,
    /// Send small segments at once; accepted sockets inherit it (tcp(7)).
    /// Without it Nagle's algorithm holds back the 3 bytes of 5 + 5 + 3.
    NoDelay,
    /// The size of the send buffer in bytes, which the kernel doubles (socket(7)).
    SndBuf(i32),
    /// The same of the receive buffer; accepted sockets inherit it.
    RcvBuf(i32),
}

impl SockOpt {
    /// The constant's name.
    pub fn name(self) -> &'static str {
        match self {
            SockOpt::ReuseAddr => "SO_REUSEADDR",
            SockOpt::NoDelay => "TCP_NODELAY",
            SockOpt::SndBuf(_) => "SO_SNDBUF",
            SockOpt::RcvBuf(_) => "SO_RCVBUF",
        }
    }

    /// What it is set to; 1 switches it on.
    pub fn value(self) -> i32 {
        match self {
            SockOpt::ReuseAddr | SockOpt::NoDelay => 1,
            SockOpt::SndBuf(size) | SockOpt::RcvBuf(size) => size,
        }
    }
}
