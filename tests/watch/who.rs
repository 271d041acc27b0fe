//! Which connection it is: numbers and ports are used again.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::{set_socket_linger, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketAddrV4, SocketType, bind, connect, socket};

use crate::common::{epoll_lab, run};
use crate::running::{Running, Watcher, echo, until};
use crate::servers::server;

/// A client that comes from this address. It goes with a reset, so that the
/// port is free at once.
fn from(ip: Ipv4Addr, port: u16, server: &Running) -> TcpStream {
    let socket: OwnedFd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    set_socket_reuseaddr(&socket, true).expect("SO_REUSEADDR");
    set_socket_linger(&socket, Some(std::time::Duration::ZERO)).expect("SO_LINGER");
    bind(&socket, &SocketAddrV4::new(ip, port)).expect("bind");
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, server.port);
    connect(&socket, &to).expect("connect");
    TcpStream::from(socket)
}

#[test]
fn one_port_and_three_clients() {
    let Some(path) = server("lt") else { return };
    let server = Running::start(&path);
    let watcher = Watcher::attach(&server);
    let mut first = from(Ipv4Addr::LOCALHOST, 0, &server);
    let port = first.local_addr().expect("its address").port();
    echo(&mut first, b"one");
    watcher.says("accept(3<L>) = 5<A>");
    let mut second = from(Ipv4Addr::new(127, 0, 0, 2), port, &server);
    echo(&mut second, b"two");
    watcher.says("accept(3<L>) = 6<B>");
    drop(first);
    watcher.says("close(5<A>) = 0");
    let mut third = from(Ipv4Addr::LOCALHOST, port, &server);
    echo(&mut third, b"three");
    watcher.says("accept(3<L>) = 5<C>");
    watcher.lets_go();
}

/// A registration is the open file's, and not the number's (epoll(7),
/// question 6).
#[test]
fn a_number_that_is_another_files() {
    let Some(path) = server("odd") else { return };
    let server = Running::command(&[&path.to_string_lossy(), "stale"]);
    let mut registered = server.connect();
    let mut unwatched = server.connect();
    until("it waits", || {
        server.calls().starts_with("232 ").then_some(())
    });
    unwatched.write_all(b"hello").expect("send");
    let pid = server.pid();
    let lines = run(&mut epoll_lab([
        "watch", "--pid", &pid, "--once", "--format", "json",
    ]));
    let lines = lines.ok().json();
    let of = |client: &TcpStream| {
        let own = client.local_addr().expect("its address").port();
        format!("connection :{} from :{own}", server.port)
    };
    let rows: Vec<(i64, Option<i64>, String, i64)> = lines
        .of("interest")
        .filter(|row| {
            row["what"]
                .as_str()
                .is_some_and(|what| what.starts_with("conn"))
        })
        .map(|row| {
            let number = |key: &str| row[key].as_i64();
            let what = row["what"].as_str().expect("words").to_string();
            (
                number("fd").expect("a number"),
                number("epfd"),
                what,
                number("unread").unwrap_or(-1),
            )
        })
        .collect();
    let stale = format!("{}, closed, still open as 6", of(&registered));
    let expected = [(5, Some(4), stale, 0), (5, None, of(&unwatched), 5)];
    assert_eq!(rows, expected);
    let watcher = Watcher::attach(&server);
    registered.write_all(b"hello").expect("send");
    watcher.says("epoll_wait(4) = 1 [6<B> EPOLLIN]");
    watcher.says("recv(6<B>, ");
    watcher.lets_go();
}
