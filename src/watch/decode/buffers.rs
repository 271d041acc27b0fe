//! The bytes that a call moves, and the options that it sets.

use nix::libc;

use crate::watch::decode::entered::{Entered, KEPT};
use crate::watch::memory::Memory;
use crate::watch::processor::Sys;

pub(super) fn input_name(sys: Sys) -> &'static str {
    match sys {
        Sys::Recvfrom => "recv",
        other => other.name(),
    }
}

/// How much a call offers, or has room for.
pub(super) fn room(sys: Sys, args: [u64; 6], memory: &dyn Memory) -> usize {
    match sys {
        Sys::Readv | Sys::Writev => memory.room(args[1], args[2]),
        Sys::Recvmsg | Sys::Sendmsg => {
            let (vectors, count) = memory.message(args[1]);
            memory.room(vectors, count)
        }
        _ => args[2] as usize,
    }
}

pub(super) fn offered(sys: Sys, args: [u64; 6], memory: &dyn Memory) -> Vec<u8> {
    match sys {
        Sys::Writev => memory.gather(args[1], args[2], KEPT),
        Sys::Sendmsg => {
            let (vectors, count) = memory.message(args[1]);
            memory.gather(vectors, count, KEPT)
        }
        _ => memory.read(args[1], (args[2] as usize).min(KEPT)),
    }
}

pub(super) fn arrived(entered: &Entered, count: usize, memory: &dyn Memory) -> Vec<u8> {
    let args = entered.args;
    match entered.sys {
        Sys::Readv => memory.gather(args[1], args[2], count),
        Sys::Recvmsg => {
            let (vectors, many) = memory.message(args[1]);
            memory.gather(vectors, many, count)
        }
        _ => memory.read(args[1], count.min(KEPT)),
    }
}

/// The options that say something about readiness, or about a listener.
pub(super) fn option(level: i32, name: i32) -> Option<&'static str> {
    Some(match (level, name) {
        (libc::SOL_SOCKET, libc::SO_REUSEADDR) => "SO_REUSEADDR",
        (libc::SOL_SOCKET, libc::SO_REUSEPORT) => "SO_REUSEPORT",
        (libc::SOL_SOCKET, libc::SO_KEEPALIVE) => "SO_KEEPALIVE",
        (libc::SOL_SOCKET, libc::SO_SNDBUF) => "SO_SNDBUF",
        (libc::SOL_SOCKET, libc::SO_RCVBUF) => "SO_RCVBUF",
        (libc::SOL_SOCKET, libc::SO_RCVLOWAT) => "SO_RCVLOWAT",
        (libc::SOL_SOCKET, libc::SO_RCVTIMEO) => "SO_RCVTIMEO",
        (libc::SOL_SOCKET, libc::SO_SNDTIMEO) => "SO_SNDTIMEO",
        (libc::SOL_SOCKET, libc::SO_LINGER) => "SO_LINGER",
        (libc::IPPROTO_TCP, libc::TCP_NODELAY) => "TCP_NODELAY",
        (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT) => "TCP_DEFER_ACCEPT",
        (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY) => "IPV6_V6ONLY",
        _ => return None,
    })
}
