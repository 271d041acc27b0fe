//! What other programs say of a server while it runs.

use super::clients::{beside, nc, nc_is_there};
use crate::common::run;
use crate::common::terminal::{Terminal, listen, meant, present, prompt};

/// Lesson 4: where the thread sleeps before A sends, and after B has sent.
pub fn asleep_from_outside(lines: &[&str]) {
    let [lab, threads, sockets] = lines[..] else {
        panic!("two terminals: {lines:?}");
    };
    if !present(threads, &["ps"]) || !present(sockets, &["ss"]) {
        return;
    }
    let mut lab = Terminal::open(lab);
    let pid = lab.pid();
    let look = |line: &str| run(&mut prompt(&meant(line, 0, pid))).ok().stdout();
    let asleep = |shown: &str| {
        let server = shown.lines().find(|line| line.ends_with(" server"));
        let state = server.and_then(|line| line.split_whitespace().nth(1));
        assert!(state.is_some_and(|state| state.starts_with('S')), "{shown}");
    };
    for before in ["A connects", "B connects"] {
        lab.asks(&format!("[Enter] {before}"));
        lab.types("\n");
    }
    lab.asks("[Enter] A sends");
    asleep(&look(threads));
    lab.types("\n");
    lab.asks("[Enter] B sends");
    lab.types("\n");
    lab.asks("[Enter] A receives");
    asleep(&look(threads));
    // B's ping, in the kernel and unread.
    let queues = look(sockets);
    let four = |line: &str| line.split_whitespace().nth(1) == Some("4");
    assert!(queues.lines().any(four), "{queues}");
    lab.ctrl_c();
}

/// Lesson 6: the interest list, seen from outside.
pub fn the_interest_list(lines: &[&str]) {
    let (serve, grep) = (lines[0], lines[lines.len() - 1]);
    if !nc_is_there(lines) {
        return;
    }
    let server = listen(serve);
    let _clients = [nc(&server), nc(&server)];
    server.shows("epoll_ctl(4, ADD, 6<B>, EPOLLIN|EPOLLET) = 0");
    let shown = beside(grep, &server).ok().stdout();
    let mut interest: Vec<(&str, &str)> = Vec::new();
    for line in shown.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[0], words[2]), ("tfd:", "events:"), "{shown}");
        interest.push((words[1], words[3]));
    }
    interest.sort_unstable();
    assert_eq!(
        interest,
        [("3", "19"), ("5", "80000019"), ("6", "80000019")]
    );
}
