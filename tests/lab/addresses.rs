//! Where `--listen` listens, and where its clients come from.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrStorage, bind, connect, socket,
};

use crate::common::listening::{Listening, echo};
use crate::common::{MODES, lab, run};
use crate::listen::listen;

/// Loopback in an IPv6 address too (ipv6(7): v4-mapped).
#[test]
fn only_this_machine_reaches_a_mapped_loopback() {
    for (address, warns) in [
        ("[::ffff:127.0.0.1]:0", false),
        ("127.0.0.1:0", false),
        ("0.0.0.0:0", true),
    ] {
        let server = Listening::start(&mut lab(&format!("lt --listen {address}")));
        let told = server.interrupt().stderr();
        let warned = told.contains("can be reached from other machines");
        assert_eq!(warned, warns, "{address}: {told}");
    }
}

/// Loopback needs no word; an address that others can reach does.
#[test]
fn an_address_that_others_can_reach_is_warned_of() {
    let start = |addr: &str| Listening::start(&mut lab(&format!("lt --listen {addr}")));
    let open = start("0.0.0.0:0");
    // Before it says that it is ready, so that nobody misses it.
    assert!(open.told_so_far().contains("warning"));
    let port = open.addr.port();
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    let mut client = TcpStream::connect(loopback).expect("connect");
    echo(&mut client, b"ping");

    let closed = start("127.0.0.1:0");
    closed.answers();
    assert!(!closed.interrupt().stderr().contains("warning"));
}

/// A port that is taken: a line that names the call, the errno and a way out.
#[test]
fn a_port_that_is_taken() {
    let taken = listen("lt");
    for mode in MODES {
        let output = run(&mut lab(&format!("{mode} --listen {}", taken.addr)));
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let stderr = output.stderr();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("bind(3<L>): EADDRINUSE ("), "{stderr}");
    }
}

/// A client that connects from `from`.
fn connect_from(from: SocketAddrV4, server: SocketAddr) -> TcpStream {
    let (family, kind) = (AddressFamily::Inet, SockType::Stream);
    let socket = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).expect("socket");
    bind(socket.as_raw_fd(), &SockaddrIn::from(from)).expect("bind");
    connect(socket.as_raw_fd(), &SockaddrStorage::from(server)).expect("connect");
    TcpStream::from(socket)
}

/// Two hosts may use the same port: who waits, and whose bytes are unread, is
/// told by the whole address.
#[test]
fn one_port_of_two_addresses() {
    let server = listen("et-blocking --trace --stall 200ms");
    let mut first = server.connect();
    let to = first.peer_addr().expect("an address");
    let port = first.local_addr().expect("an address").port();
    server.shows("= 5<A>");
    let other = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), port);
    let mut second = connect_from(other, to);
    server.shows("= 6<B>");
    // Before the sleep is reported, which it is once.
    first.write_all(b"hello").expect("write");
    second.write_all(b"ping").expect("write");
    server.shows("B waits: 4 unread");
    let stdout = server.interrupt().stdout();
    let unread = |name: &str| {
        let line = stdout.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {stdout}"));
        line.split_whitespace().rev().nth(1).map(str::to_string)
    };
    assert_eq!(unread("A  ").as_deref(), Some("0"), "{stdout}");
    assert_eq!(unread("B  ").as_deref(), Some("4"), "{stdout}");
}
