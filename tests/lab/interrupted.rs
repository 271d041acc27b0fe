//! Ctrl-C while clients talk: one moment is summed up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::common::lab;
use crate::common::listening::Listening;

/// Talks until the server has gone.
fn talk(mut client: TcpStream) {
    let mut back = [0; 4096];
    for length in (1..40).cycle() {
        let sent = client.write_all(&[b'x'; 40][..length]);
        if sent.is_err() || matches!(client.read(&mut back), Ok(0) | Err(_)) {
            return;
        }
    }
}

/// What is counted has been printed; and bytes that have come just now, for
/// which the server is about to wake, are not stranded.
#[test]
fn in_the_middle_of_traffic() {
    for round in 0..8 {
        let command = ["et-nonblock", "lt"][round % 2];
        let line = format!("{command} --listen 127.0.0.1:0 --trace --format json");
        let server = Listening::start(&mut lab(&line));
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let client = server.connect();
                thread::spawn(move || talk(client))
            })
            .collect();
        thread::sleep(Duration::from_millis(10 + 15 * round as u64));
        let output = server.interrupt();
        let lines = output.json();
        let summary = lines.summary();
        let printed = lines.calls("recv").count();
        assert_eq!(summary["totals"]["recv"], printed, "{}", output.command);
        assert_eq!(summary["stranded"], 0, "{}", output.command);
        for client in clients {
            client.join().expect("a client");
        }
    }
}
