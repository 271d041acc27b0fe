//! A server in one terminal, nc in the others.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::listening::Listening;
use crate::common::skip;
use crate::common::terminal::{Terminal, listen, meant, present, prompt};
use crate::common::{Output, run};

/// Whether nc does what `lines` want of it: OpenBSD's has `-N`, not all have.
pub fn nc_is_there(lines: &[&str]) -> bool {
    let line = lines
        .iter()
        .find(|line| line.contains("nc "))
        .unwrap_or(&"nc");
    if !present(line, &["nc"]) {
        return false;
    }
    let help = run(&mut prompt("nc -h"));
    let known = !line.contains("nc -N") || help.told().contains("-N");
    if !known {
        skip(&format!("`{line}`"), "this nc has no -N");
    }
    known
}

/// nc in a terminal of its own, connected to `server`.
pub fn nc(server: &Listening) -> Terminal {
    Terminal::open(&in_terminal("nc 127.0.0.1 9999", server))
}

pub fn in_terminal(line: &str, server: &Listening) -> String {
    meant(line, server.addr.port(), server.pid())
}

/// What `line` prints in a terminal beside the server's.
#[track_caller]
pub fn beside(line: &str, server: &Listening) -> Output {
    run(&mut prompt(&in_terminal(line, server)))
}

/// README.md, lesson 1, teaching.md: the second client gets no answer until the
/// first one leaves, and the trace says why.
fn second_waits(line: &str, accepted: [&str; 2], why: &str) {
    let server = listen(line);
    let mut first = nc(&server);
    server.shows(accepted[0]);
    let mut second = nc(&server);
    server.shows(accepted[1]);
    first.types("HELLOworld123\n");
    first.shows("HELLOworld123\n");
    second.types("ping\n");
    server.shows("    /proc: state S, in recvfrom, fd ");
    server.shows(why);
    assert_eq!(second.so_far(), "", "the first one is still there");
    first.ctrl_c();
    second.shows("ping\n");
    let stdout = server.interrupt().stdout();
    // Enter is a byte: 14 of them.
    assert!(stdout.contains(", \"123\\n\", 5) = 4"), "{stdout}");
    assert!(stdout.contains("\n=> "), "the summary: {stdout}");
}

pub fn the_second_waits_in_the_backlog(lines: &[&str]) {
    if nc_is_there(lines) {
        let accepted = ["accept4(3<L>) = 4<A>", ""];
        second_waits(lines[0], accepted, "one in the backlog waits");
    }
}

pub fn the_second_waits_unread(lines: &[&str]) {
    if nc_is_there(lines) {
        let accepted = ["accept4(3<L>) = 5<A>", "accept4(3<L>) = 6<B>"];
        second_waits(lines[0], accepted, "B waits");
    }
}

/// Lesson 7: a client that does not read keeps nobody waiting, and what does not
/// fit into its queue is held up.
pub fn an_echo_held_up(lines: &[&str]) {
    let [serve, flood, ping, queues] = lines[..] else {
        panic!("four terminals: {lines:?}");
    };
    if !nc_is_there(lines) || !present(queues, &["ss"]) {
        return;
    }
    assert!(flood.contains("sleep 30"), "{flood}");
    let name = format!("go-{}", std::process::id());
    let go = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It reads when the test says so, instead of after a while.
    let until = format!("until [ -e '{}' ]; do sleep 0.1; done", go.display());
    let flood = flood.replace("sleep 30", &until);
    // An nc that cannot get rid of what it has read may also stop sending, and
    // early: on a busy machine it does so one time in ten.
    let (server, flood) = (0..10)
        .find_map(|_| {
            let server = listen(serve);
            let flood = Terminal::open(&in_terminal(&flood, &server));
            let held_up = " held up\n    epoll_ctl(4, MOD, 5<A>, EPOLLOUT) = 0\n";
            let patience = Instant::now() + Duration::from_secs(5);
            while !server.so_far().contains(held_up) && Instant::now() < patience {
                thread::sleep(Duration::from_millis(5));
            }
            let is = server.so_far().contains(held_up);
            is.then_some((server, flood))
        })
        .expect("it is held up in the end");
    assert_eq!(beside(ping, &server).ok().stdout(), "hi\n");
    let queued = beside(queues, &server).ok().stdout();
    let row = queued.lines().nth(1).unwrap_or_default();
    let echo = row.split_whitespace().nth(2).map(str::parse::<u64>);
    assert!(matches!(echo, Some(Ok(1..))), "Send-Q: {queued}");
    fs::write(&go, "").expect("say that it may read");
    flood.shows("8000000\n");
    fs::remove_file(&go).expect("it is there");
    server.shows("A has hung up: closed");
    let stdout = server.interrupt().stdout();
    let freed = stdout.split(" held up\n").nth(1).unwrap_or_default();
    assert!(
        freed.contains("epoll_wait(4) = 1 [5<A> EPOLLOUT]"),
        "{stdout}"
    );
    assert!(
        stdout.contains("=> 2 clients: 8000003 bytes received, 8000003 sent back"),
        "{stdout}"
    );
}

/// Lesson 10: one client sends without a pause. By `lt` another is answered at
/// once, by `et-nonblock` when the first one happens to be empty; then a
/// handful of reports are for very many recv calls.
pub fn a_client_that_never_stops(lines: &[&str]) {
    let [serve, flood, ping] = lines[..] else {
        panic!("three terminals: {lines:?}");
    };
    if !nc_is_there(&[ping]) {
        return;
    }
    for mode in ["et-nonblock", "lt"] {
        let server = listen(&serve.replace("et-nonblock", mode));
        let flood = Terminal::open(&in_terminal(flood, &server));
        let pinged = Terminal::open(&in_terminal(ping, &server));
        if mode == "et-nonblock" {
            // How long it takes is different each time.
            thread::sleep(Duration::from_secs(2));
            flood.ctrl_c();
        }
        pinged.shows("ping\n");
        let stdout = server.interrupt().stdout();
        let rows = stdout.lines().filter(|line| line.starts_with(['A', 'B']));
        let counts = rows.map(|row| {
            let mut columns = row.split_whitespace().skip(1);
            let mut count = || columns.next().and_then(|word| word.parse::<u64>().ok());
            let (reports, _, recv) = (count(), count(), count());
            (recv.expect("recv calls"), reports.expect("reports"))
        });
        let (recv, reports) = counts.max().expect("a row for each");
        match mode {
            "lt" => assert!(recv <= reports + 1, "one recv a report: {stdout}"),
            _ => assert!(recv > 100 * reports, "drained: {stdout}"),
        }
    }
}
