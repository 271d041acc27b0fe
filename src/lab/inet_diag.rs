//! One TCP socket, asked of the kernel by its two addresses (sock_diag(7)).
//!
//! It is the row of /proc/net/tcp without the rest of the table, which has
//! every other program's connections in it and is made anew at each reading.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto,
    socket_with,
};

use crate::lab::witness::move_up;

/// A message that asks, or answers: linux/sock_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// A message that only says what went wrong: netlink(7).
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const IPPROTO_TCP: u8 = 6;
/// Bytes of a struct nlmsghdr.
const HEADER: usize = 16;
/// Bytes of a struct inet_diag_req_v2.
const REQUEST: usize = 56;
/// Bytes of a struct inet_diag_msg.
const ANSWER: usize = 72;

/// A way to ask.
#[derive(Debug)]
pub struct InetDiag(OwnedFd);

/// What the kernel says of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// From include/net/tcp_states.h.
    pub state: u8,
    /// Bytes that no recv has taken; of a listener, connections.
    pub rx_queue: u32,
}

impl InetDiag {
    /// For the network namespace of this process.
    pub fn open() -> io::Result<InetDiag> {
        let protocol = Some(netlink::SOCK_DIAG);
        let (family, flags) = (AddressFamily::NETLINK, SocketFlags::CLOEXEC);
        let low = socket_with(family, SocketType::RAW, flags, protocol)?;
        Ok(InetDiag(move_up(low)?))
    }

    /// The socket that `local` and `remote` are the ends of; the listener at
    /// `local` where there is none. `None`: neither.
    pub fn ask(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<Option<Found>> {
        let kernel = netlink::SocketAddrNetlink::new(0, 0);
        sendto(
            &self.0,
            &request(local, remote),
            SendFlags::empty(),
            &kernel,
        )?;
        // The answer is there when sendto returns.
        let mut answer = [0; 512];
        let (length, _) = recv(&self.0, &mut answer, RecvFlags::DONTWAIT)?;
        parse(&answer[..length])
    }
}

/// A struct nlmsghdr and a struct inet_diag_req_v2 (linux/inet_diag.h).
fn request(local: SocketAddr, remote: SocketAddr) -> [u8; HEADER + REQUEST] {
    let family = match local {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let mut message = [0; HEADER + REQUEST];
    let mut at = 0;
    let mut push = |bytes: &[u8]| {
        message[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    push(&((HEADER + REQUEST) as u32).to_ne_bytes());
    push(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    push(&NLM_F_REQUEST.to_ne_bytes());
    push(&[0; 8]); // seq and pid: one question at a time
    push(&[family.as_raw() as u8, IPPROTO_TCP, 0, 0]);
    push(&u32::MAX.to_ne_bytes()); // in whatever state
    push(&local.port().to_be_bytes());
    push(&remote.port().to_be_bytes());
    push(&sixteen(local.ip()));
    push(&sixteen(remote.ip()));
    push(&[0; 4]); // on whatever interface
    push(&[0xff; 8]); // INET_DIAG_NOCOOKIE: it is not known yet
    message
}

/// The address where the kernel looks for it: one of IPv4 in the first four
/// bytes.
fn sixteen(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&ip.octets());
            bytes
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}

fn parse(answer: &[u8]) -> io::Result<Option<Found>> {
    let four = |at: usize| -> Option<[u8; 4]> { answer.get(at..at + 4)?.try_into().ok() };
    let short = || io::Error::other("a short answer from sock_diag");
    let kind = four(4).ok_or_else(short)?;
    match u16::from_ne_bytes([kind[0], kind[1]]) {
        SOCK_DIAG_BY_FAMILY if answer.len() >= HEADER + ANSWER => {
            let rx_queue = four(HEADER + 56).ok_or_else(short)?;
            Ok(Some(Found {
                state: answer[HEADER + 1],
                rx_queue: u32::from_ne_bytes(rx_queue),
            }))
        }
        NLMSG_ERROR => {
            let errno = i32::from_ne_bytes(four(HEADER).ok_or_else(short)?);
            match Errno::from_raw_os_error(-errno) {
                Errno::NOENT => Ok(None),
                errno => Err(errno.into()),
            }
        }
        _ => Err(short()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;
    use crate::lab::tcp_table::{CLOSE_WAIT, LISTEN};

    /// What the table says stands in `lab::tcp_table`, and is the same.
    #[test]
    fn bytes_an_end_and_nothing_at_all() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else {
                continue; // no IPv6
            };
            let server = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(server).unwrap();
            let address = client.local_addr().unwrap();
            let (_end, _) = listener.accept().unwrap();
            let diag = InetDiag::open().unwrap();
            let ask = |remote| diag.ask(server, remote).unwrap();
            client.write_all(b"HELLO").unwrap();
            while ask(address).unwrap().rx_queue < 5 {}
            client.shutdown(Shutdown::Write).unwrap();
            while ask(address).unwrap().state != CLOSE_WAIT {}
            // The FIN has a place in the sequence.
            assert_eq!(ask(address).unwrap().rx_queue, 6);

            let mut stranger = address;
            stranger.set_port(1);
            assert_eq!(ask(stranger).unwrap().state, LISTEN);
            drop(listener);
            assert_eq!(ask(stranger), None);
        }
    }
}
