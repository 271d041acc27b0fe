//! The kernel's own table of TCP connections, /proc/net/tcp (proc_net(5)).
//!
//! On a busy machine a segment that a client has sent may still be under way
//! when the server is seen asleep. The table tells: it has the bytes that wait
//! in a socket's receive queue, whether or not the server has accepted the
//! connection or ever asks.

use std::fs::File;
use std::io;
use std::net::SocketAddr;

use crate::lab::witness;

/// The server's end of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerEnd {
    /// Bytes that have arrived and that no recv has taken.
    pub unread: u64,
    /// The client's FIN has arrived.
    pub fin: bool,
}

/// The table, open.
#[derive(Debug)]
pub struct TcpTable(File);

/// States of include/net/tcp_states.h.
const SYN_RECV: u8 = 3;
const CLOSE_WAIT: u8 = 8;

impl TcpTable {
    /// Opens the table of this process's network namespace that connections
    /// to `server` stand in.
    pub fn open(server: &SocketAddr) -> io::Result<TcpTable> {
        let path = match server {
            SocketAddr::V4(_) => "/proc/self/net/tcp",
            SocketAddr::V6(_) => "/proc/self/net/tcp6",
        };
        witness::open_high(path).map(TcpTable)
    }

    /// The server's ends of all connections to its port, by the client's port.
    pub fn server_ends(&self, server_port: u16) -> io::Result<Vec<(u16, ServerEnd)>> {
        let table = witness::read(&self.0)?;
        let rows = table.lines().skip(1).filter_map(parse_row);
        Ok(rows
            .filter(|row| row.local_port == server_port && row.remote_port != 0)
            .filter(|row| row.state != SYN_RECV)
            .map(|row| (row.remote_port, row.end()))
            .collect())
    }
}

struct Entry {
    local_port: u16,
    remote_port: u16,
    state: u8,
    rx_queue: u64,
}

impl Entry {
    fn end(&self) -> ServerEnd {
        let fin = self.state == CLOSE_WAIT;
        // The kernel counts the FIN as one byte of the sequence.
        let unread = self.rx_queue.saturating_sub(u64::from(fin));
        ServerEnd { unread, fin }
    }
}

/// `sl local_address rem_address st tx_queue:rx_queue …`, numbers in hex.
fn parse_row(line: &str) -> Option<Entry> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let local_port = port(fields.next()?)?;
    let remote_port = port(fields.next()?)?;
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let rx_queue = u64::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok()?;
    Some(Entry {
        local_port,
        remote_port,
        state,
        rx_queue,
    })
}
