//! The check by strace: not what the server says, but how it comes by it.

use std::collections::BTreeMap;

use super::room::Room;
use super::server::{Program, Server, Verdict};
use crate::common::strace::{Log, Logged};

/// The largest buffer that a recv may have.
const BUFFER: i64 = 5;

/// A connection, as its calls show it.
#[derive(Default)]
struct Connection {
    nonblocking: bool,
    edge_triggered: bool,
    /// It brought bytes, so there may be more.
    last_recv: Option<String>,
    eagain: u32,
}

/// O_NONBLOCK and EPOLLET, no buffer above 5 bytes, and no wait before each
/// connection that was read has said EAGAIN, end of file or an error.
pub fn what_strace_sees(program: &Program) -> Verdict {
    let log = Log::new();
    let server = Server::start_traced(program, &log.prefix())?;
    let mut room = Room::of(server, 3)?;
    room.tells(1, b"exactly 10\n")?;
    room.tells(2, b"abc\n")?;
    room.tells(3, b"abcd\n")?;
    room.says(1, b"one\ntwo and a")?;
    room.others_hear(1, b"1: one\n")?;
    room.says(1, b" half\n")?;
    room.others_hear(1, b"1: two and a half\n")?;
    room.leave()?;
    room.server.end_traced()?;

    let mut connections = 0;
    for thread in log.threads() {
        connections += check(&thread)?;
    }
    match connections {
        0 => Err("strace sees no accept4 and no recv".into()),
        _ => Ok(()),
    }
}

/// One thread's calls; how many connections it had.
fn check(calls: &[Logged]) -> Verdict<usize> {
    let mut open: BTreeMap<i64, Connection> = BTreeMap::new();
    let mut closed = 0;
    for call in calls {
        let fd = call.args.first().and_then(|arg| arg.parse().ok());
        let told = told(call);
        match call.syscall.as_str() {
            "accept" | "accept4" => {
                if let Some(fd @ 0..) = call.result {
                    let connection = Connection {
                        nonblocking: says(call, "SOCK_NONBLOCK"),
                        ..Connection::default()
                    };
                    open.insert(fd, connection);
                }
            }
            "epoll_ctl" if call.args.len() > 3 => {
                let connection = call.args[2].parse().ok().and_then(|fd| open.get_mut(&fd));
                let Some(connection) = connection else {
                    continue;
                };
                connection.edge_triggered |= call.args[3].contains("EPOLLET");
                if !connection.edge_triggered {
                    return Err(format!("without EPOLLET: {told}"));
                }
            }
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
                // With timeout 0 it only looks, and may come back to the rest.
                let sleeps = call.args.get(3).is_none_or(|timeout| timeout != "0");
                let left = open.values().find_map(|open| open.last_recv.as_ref());
                if let Some(last) = left.filter(|_| sleeps) {
                    return Err(format!("not drained: {last}\n  and then:    {told}"));
                }
            }
            name => {
                let Some(connection) = fd.and_then(|fd| open.get_mut(&fd)) else {
                    continue;
                };
                match name {
                    "fcntl" if says(call, "F_SETFL") && call.result == Some(0) => {
                        connection.nonblocking = says(call, "O_NONBLOCK");
                    }
                    "ioctl" if says(call, "FIONBIO") && call.result == Some(0) => {
                        connection.nonblocking = !says(call, "[0]");
                    }
                    "recvfrom" | "read" if !connection.nonblocking => {
                        return Err(format!("without O_NONBLOCK: {told}"));
                    }
                    "recvfrom" | "read" => {
                        if call.int(2) > BUFFER {
                            return Err(format!("a buffer of more than {BUFFER} bytes: {told}"));
                        }
                        connection.eagain += u32::from(call.errno.as_deref() == Some("EAGAIN"));
                        connection.last_recv = (call.result > Some(0)).then_some(told);
                    }
                    "recvmsg" | "recvmmsg" | "readv" => {
                        return Err(format!("recv or read, please: {told}"));
                    }
                    "close" => {
                        let connection = fd.and_then(|fd| open.remove(&fd));
                        if connection.is_some_and(|connection| connection.eagain == 0) {
                            return Err(format!("never read until EAGAIN: {told}"));
                        }
                        closed += 1;
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(closed)
}

/// Whether a flag or a request stands among the arguments.
fn says(call: &Logged, word: &str) -> bool {
    call.args.iter().any(|arg| arg.contains(word))
}

/// The call as strace writes it.
fn told(call: &Logged) -> String {
    let result = call.result.map_or("?".into(), |result| result.to_string());
    let errno = call.errno.as_deref().unwrap_or_default();
    let (name, args) = (&call.syscall, call.args.join(", "));
    format!("{name}({args}) = {result} {errno}")
        .trim_end()
        .into()
}
