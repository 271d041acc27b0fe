//! Somebody who connects to the server of a script.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};

use crate::common::lab;
use crate::common::listening::{Stream, eventually};

/// The port that the listener of process `pid` has: its fd is 3.
#[track_caller]
fn port(pid: u32) -> u16 {
    let socket = fs::read_link(format!("/proc/{pid}/fd/3")).expect("the listener");
    let socket = socket.display().to_string();
    let inode = socket.trim_matches(|c: char| !c.is_ascii_digit());
    let table = fs::read_to_string("/proc/net/tcp").expect("the list of sockets");
    let lines = table.lines().map(str::split_ascii_whitespace);
    let mut fields = lines.map(Iterator::collect::<Vec<_>>);
    let line = fields.find(|fields| fields.get(9) == Some(&inode));
    let line = line.expect("the listener is in the list");
    let (_, port) = line[1].split_once(':').expect("ADDRESS:PORT");
    u16::from_str_radix(port, 16).expect("a port")
}

#[test]
fn a_stranger_is_not_taken_for_a_client() {
    for line in ["lt --step", "blocking --step"] {
        let mut child = Command::new(lab("").get_program())
            .args(line.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the program");
        let asked = Stream::read(child.stderr.take().expect("piped"), Vec::new());
        eventually("it asks for the first step", || {
            let told = String::from_utf8_lossy(&asked.so_far()).into_owned();
            told.contains("[Enter] A connects").then_some(())
        });
        let stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, port(child.id())));
        let stranger = stranger.expect("connect");
        let address = stranger.local_addr().expect("its address");
        // At the end of the input the run goes on without asking.
        drop(child.stdin.take());
        let output = child.wait_with_output().expect("wait for the program");
        let told = String::from_utf8_lossy(&asked.so_far()).into_owned();
        let why = format!("{address} has connected to the server and is none of this run's");
        eventually("it says who", || {
            String::from_utf8_lossy(&asked.so_far())
                .contains(&why)
                .then_some(())
        });
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(!shown.contains("<A>"), "{line}: {shown}");
        drop(stranger);
    }
}
