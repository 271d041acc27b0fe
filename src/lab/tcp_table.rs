//! The kernel's own table of TCP connections, /proc/net/tcp (proc_net(5)).
//!
//! On a busy machine a segment that a client has sent may still be under way
//! when the server is seen asleep. The table tells: it has the bytes that wait
//! in a socket's receive queue, whether or not the server has accepted the
//! connection or ever asks.
//!
//! One row of it is asked for by itself, where the kernel has a way to
//! ([`inet_diag`](crate::lab::inet_diag)).

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::lab::inet_diag::InetDiag;
use crate::lab::witness;

/// The server's end of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerEnd {
    /// The client's address: two hosts may connect from the same port.
    client: SocketAddr,
    /// Bytes that have arrived and that no recv has taken.
    pub unread: u64,
    /// The client's FIN has arrived.
    pub fin: bool,
}

impl ServerEnd {
    fn new(client: SocketAddr, state: u8, rx_queue: u64) -> ServerEnd {
        let fin = state == CLOSE_WAIT;
        // The kernel counts the FIN as one byte of the sequence.
        let unread = rx_queue.saturating_sub(u64::from(fin));
        ServerEnd {
            client,
            unread,
            fin,
        }
    }

    /// Its other end is this one. A scope (ipv6(7)) stands in no table.
    pub fn is_of(&self, client: SocketAddr) -> bool {
        (self.client.ip(), self.client.port()) == (client.ip(), client.port())
    }
}

/// The table, open.
#[derive(Debug)]
pub struct TcpTable {
    whole: File,
    /// Missing where the kernel answers no such questions (gVisor).
    one: Option<InetDiag>,
}

/// States of include/net/tcp_states.h.
const ESTABLISHED: u8 = 1;
const SYN_RECV: u8 = 3;
pub(super) const CLOSE_WAIT: u8 = 8;
pub(super) const LISTEN: u8 = 10;

impl TcpTable {
    /// Opens the table of this process's network namespace that connections
    /// to `server` stand in.
    pub fn open(server: &SocketAddr) -> io::Result<TcpTable> {
        let path = match server {
            SocketAddr::V4(_) => "/proc/self/net/tcp",
            SocketAddr::V6(_) => "/proc/self/net/tcp6",
        };
        Ok(TcpTable {
            whole: witness::open_high(path)?,
            one: InetDiag::open().ok(),
        })
    }

    /// The server's end of the connection between these two. `None`: there is
    /// none yet, or none any more.
    pub fn server_end(
        &self,
        server: SocketAddr,
        client: SocketAddr,
    ) -> io::Result<Option<ServerEnd>> {
        if let Some(one) = &self.one
            && let Ok(found) = one.ask(server, client)
        {
            let found = found.filter(|found| ![SYN_RECV, LISTEN].contains(&found.state));
            return Ok(
                found.map(|found| ServerEnd::new(client, found.state, found.rx_queue.into()))
            );
        }
        let mut ends = self.server_ends(server)?.into_iter();
        Ok(ends.find(|end| end.is_of(client)))
    }

    /// The server's ends of all connections to the address that it listens
    /// on; another program may listen on the same port of another address.
    pub fn server_ends(&self, server: SocketAddr) -> io::Result<Vec<ServerEnd>> {
        let table = witness::read(&self.whole)?;
        let is_here = |local: SocketAddr| {
            let any = server.ip().is_unspecified();
            local.port() == server.port() && (any || local.ip() == server.ip())
        };
        Ok(rows(&table)
            .filter(|row| is_here(row.local) && row.remote.port() != 0)
            .filter(|row| row.state != SYN_RECV)
            .map(|row| row.end())
            .collect())
    }
}

/// A row of /proc/net/tcp or tcp6 (proc_net_tcp(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its own address.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// From tcp_states.h.
    state: u8,
    /// Bytes unread; of a listener, connections that wait to be accepted.
    rx_queue: u64,
    /// 0 where the connection has not been accepted, or is not open any more.
    pub inode: u64,
}

impl Row {
    fn end(&self) -> ServerEnd {
        ServerEnd::new(self.remote, self.state, self.rx_queue)
    }

    /// Bytes that have arrived and that no recv has taken.
    pub fn unread(&self) -> u64 {
        self.end().unread
    }

    /// Both ends may still send.
    pub fn established(&self) -> bool {
        self.state == ESTABLISHED
    }

    /// The peer has hung up, and whoever has accepted it has not closed it.
    pub fn is_left_open(&self) -> bool {
        self.state == CLOSE_WAIT && self.inode != 0
    }

    /// A socket that takes connections in.
    pub fn listens(&self) -> bool {
        self.state == LISTEN
    }
}

/// The rows of such a file.
pub fn rows(table: &str) -> impl Iterator<Item = Row> {
    table.lines().skip(1).filter_map(parse_row)
}

/// `sl local_address rem_address st tx_queue:rx_queue …`, numbers in hex; the
/// tenth is the inode, in decimal.
fn parse_row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    Some(Row {
        local: address(fields.next()?)?,
        remote: address(fields.next()?)?,
        state: u8::from_str_radix(fields.next()?, 16).ok()?,
        rx_queue: u64::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok()?,
        inode: fields.nth(4)?.parse().ok()?,
    })
}

/// `0100007F:1F90`: the address in words of the machine's own byte order, the
/// port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let word = u32::from_str_radix(ip.get(8 * index..8 * index + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = if ip.len() == 8 {
        IpAddr::from(word(0)?)
    } else {
        let words = [word(0)?, word(1)?, word(2)?, word(3)?];
        let bytes: [u8; 16] = words.concat().try_into().ok()?;
        IpAddr::from(bytes)
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_row_has_both_addresses() {
        let row = "   0: 0100007F:1F90 0200007F:A0FA 01 00000000:00000004 00:00000000 \
            00000000     0        0 23456 1 0000000000000000 20 4 30 10 -1";
        let row = parse_row(row).unwrap();
        assert_eq!(row.local, "127.0.0.1:8080".parse().unwrap());
        assert!(row.end().is_of("127.0.0.2:41210".parse().unwrap()));
        assert!(!row.end().is_of("127.0.0.3:41210".parse().unwrap()));
        assert_eq!((row.unread(), row.inode), (4, 23456));
        assert!(row.established() && !row.listens());
    }

    #[test]
    fn a_fin_is_no_byte_to_be_read() {
        let row = "   1: 0100007F:270F 0100007F:9C40 08 00000000:00000009 00:00000000 \
            00000000     0        0 23456 1 0000000000000000 20 4 30 10 -1";
        let row = parse_row(row).unwrap();
        assert_eq!(row.unread(), 8, "the ninth is the FIN");
        assert!(row.is_left_open() && !row.established());
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn both_versions_of_ip() {
        let loopback = "00000000000000000000000001000000:0050";
        assert_eq!(address(loopback), "[::1]:80".parse().ok());
        let mapped = "0000000000000000FFFF00000100007F:0050";
        assert_eq!(address(mapped), "[::ffff:127.0.0.1]:80".parse().ok());
        assert_eq!(address("01:0050"), None);
    }
}
