//! Lesson 11: a chat server of one's own, which is here the lesson's solution.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::clients::nc_is_there;
use crate::common::listening::eventually;
use crate::common::markdown::{blocks, root};
use crate::common::run;
use crate::common::strace;
use crate::common::terminal::{Terminal, meant, present, prompt};

/// What the lesson builds and starts, at a port of its own.
struct Session {
    directory: PathBuf,
    port: u16,
}

impl Session {
    /// Builds it as `cc` says.
    #[track_caller]
    fn new(name: &str, cc: &str) -> Session {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).expect("make a directory");
        fs::copy(root().join("lessons/chat.c"), directory.join("chat.c")).expect("copy chat.c");
        run(prompt(cc).current_dir(&directory)).ok();
        let free = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = free.local_addr().expect("the port").port();
        Session { directory, port }
    }

    /// `line` in a terminal, in which files are named by their path.
    fn line(&self, line: &str) -> String {
        let mut line = meant(line, self.port, nix::unistd::getpid());
        let path = |name| self.directory.join(name).display().to_string();
        for (name, file) in [("./chat ", "chat"), (" chat.log ", "chat.log")] {
            line = line.replace(name, &format!(" {} ", path(file)));
        }
        line.replace(" heard", &format!(" {}", path("heard")))
            .replace(" stopped", &format!(" {}", path("stopped")))
    }

    fn open(&self, line: &str) -> Terminal {
        Terminal::open(&self.line(line))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("chat.log")).unwrap_or_default()
    }

    /// Waits until `text` stands in the log so many times.
    #[track_caller]
    fn logs(&self, text: &str, times: usize) {
        eventually(text, || {
            (self.log().matches(text).count() == times).then_some(())
        });
    }

    /// Waits until the server listens and has not accepted anybody.
    #[track_caller]
    fn listens(&self) {
        let socket = format!("0100007F:{:04X} 00000000:0000 0A", self.port);
        eventually("it listens", || {
            let sockets = fs::read_to_string("/proc/net/tcp").expect("the list of sockets");
            sockets.contains(&socket).then_some(())
        });
    }

    /// Whether bytes are still on their way to a client that was disconnected.
    fn sends_to_one_let_go(&self) -> bool {
        const FIN_WAIT1: &str = "04";
        let server = format!("0100007F:{:04X}", self.port);
        let sockets = fs::read_to_string("/proc/net/tcp").expect("the list of sockets");
        sockets.lines().any(|socket| {
            let columns: Vec<&str> = socket.split_whitespace().collect();
            columns[1] == server && columns[3] == FIN_WAIT1
        })
    }
}

/// strace's log as the lesson shortens it.
fn shortened(log: &str) -> Vec<String> {
    let calls = log
        .lines()
        .skip_while(|line| !line.starts_with("epoll_ctl("));
    let words = calls.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let shorter = words.map(|mut words| {
        if let Some(data) = words.iter().position(|word| word.starts_with("data={")) {
            // `data={u32=3, u64=3}}`, and what follows it.
            let end = words[data + 1].trim_start_matches(|char: char| char != '}');
            words.splice(data..data + 2, ["...", end]);
        }
        let line = words.join(" ").replace("... }}", "...}");
        let line = line.split(" (Resource").next().unwrap_or_default();
        match line.split_once(", 0x") {
            Some((call, rest)) => {
                let rest = rest.split_once(',').map_or("", |(_, rest)| rest);
                format!("{call}, buf,{rest}")
            }
            None => line.to_string(),
        }
    });
    shorter.collect()
}

/// Two talk, and strace writes down what the lesson shows.
pub fn the_log_of_a_talk(lines: &[&str]) {
    let [cc, serve, nc] = lines[..] else {
        panic!("three lines: {lines:?}");
    };
    if !strace::is_there(&format!("`{serve}`")) || !present(cc, &["cc"]) || !nc_is_there(&[nc]) {
        return;
    }
    let session = Session::new("chat-talk", cc);
    let _ = fs::remove_file(session.directory.join("chat.log"));
    let _server = session.open(serve);
    session.listens();
    session.logs("epoll_ctl(4, EPOLL_CTL_ADD, 3, ", 1);
    let mut first = session.open(nc);
    session.logs(" = -1 EAGAIN", 1);
    let mut second = session.open(nc);
    session.logs(" = -1 EAGAIN", 2);
    first.types("HELLOworld12\n");
    second.shows("1: HELLOworld12\n");
    session.logs(" = -1 EAGAIN", 3);
    second.types("ping\n");
    first.shows("2: ping\n");
    session.logs(" = -1 EAGAIN", 4);
    first.ctrl_c();
    session.logs("\nclose(5) ", 1);

    let lesson = fs::read_to_string(root().join("lessons/11-your-own-server.md")).expect("read");
    let blocks = blocks(&lesson);
    let shown = blocks
        .iter()
        .find(|block| block.lines[0].starts_with("epoll_ctl("));
    let shown = &shown.expect("the log in the lesson").lines;
    let logged = shortened(&session.log());
    assert_eq!(logged[..shown.len()], shown[..], "the log and the lesson");
}

/// Its calls, of two clients of the lab's: as in the log, and drained.
pub fn watched(lines: &[&str]) {
    const CC: &str = "cc -Wall -Wextra -O2 -o chat chat.c";
    let line = lines[0];
    if !strace::is_there(&format!("`{line}`")) || !present(line, &["cc"]) {
        return;
    }
    let session = Session::new("chat-watched", CC);
    let shown = run(&mut prompt(&session.line(line))).ok().stdout();
    let calls = [
        r#"send(6<B>, "1: HELLOworld12\n", 16) = 16"#,
        "recv(5<A>, buf, 5) = -1 EAGAIN                drained",
        r#"send(5<A>, "2: ping\n", 8) = 8"#,
        "=> basic: OK: edge-triggered, O_NONBLOCK, read until EAGAIN.",
        "=> reset: OK: F's reset ended F's connection alone.",
        "=> leave: OK: I was served, and closed when it had hung up.",
    ];
    for call in calls {
        assert!(shown.contains(call), "{call}\n{shown}");
    }
}

/// `he` and `llo` are two reports, the hang-up is a third.
pub fn a_line_in_two_pieces(lines: &[&str]) {
    const CC: &str = "cc -Wall -Wextra -O2 -o chat chat.c";
    let serve = "strace -o chat.log -e trace=epoll_wait,close ./chat 127.0.0.1:9999";
    let line = lines[0];
    if !strace::is_there(&format!("`{line}`")) || !present(line, &["cc"]) || !nc_is_there(lines) {
        return;
    }
    let session = Session::new("chat-pieces", CC);
    let _ = fs::remove_file(session.directory.join("chat.log"));
    let _server = session.open(serve);
    session.listens();
    run(&mut prompt(&session.line(line))).ok();
    // Three for its fd, and then it is closed.
    session.logs("\nclose(5) ", 1);
    session.logs("{u32=5, u64=5}", 3);
}

/// One listens and one is stopped while a third sends 400,000 lines.
pub fn a_flood(lines: &[&str]) {
    /// Of the lines, each as `3: one line more`.
    const ALL: usize = 400_000 * 17;
    const CC: &str = "cc -Wall -Wextra -O2 -o chat chat.c";
    let [stop, listen, flood, count] = lines[..] else {
        panic!("four lines: {lines:?}");
    };
    if !present(flood, &["cc"]) || !nc_is_there(&[flood]) {
        return;
    }
    // One that reads too slowly is disconnected as well: that is the rule, and a
    // busy machine may bring it about.
    let heard_all = (0..5).any(|_| {
        let session = Session::new("chat-flood", CC);
        let server = session.open("./chat 127.0.0.1:9999");
        session.listens();
        let fds = || {
            let fds = fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("list the fds");
            fds.count()
        };
        let alone = fds();
        let stopped = session.open(stop);
        eventually("the first is accepted", || {
            (fds() == alone + 1).then_some(())
        });
        let _listening = session.open(listen);
        eventually("the second is accepted", || {
            (fds() == alone + 2).then_some(())
        });
        stopped.signal(Signal::SIGSTOP);
        run(&mut prompt(&session.line(flood))).ok();
        // What `wc` counts in both files.
        let counted = || {
            let counted = run(&mut prompt(&session.line(count))).ok().stdout();
            let rows = counted.lines().map(str::trim_start);
            let bytes = rows.filter_map(|row| row.split(' ').next()?.parse().ok());
            bytes.collect::<Vec<usize>>()
        };
        let heard_all = eventually("all of it is heard, or nobody listens", || {
            let nobody = fds() == alone;
            let all = counted()[1] == ALL;
            (all || nobody).then_some(all)
        });
        assert!(fds() <= alone + 1, "the stopped one has been disconnected");
        assert_eq!(counted()[0], 0, "it is stopped");
        stopped.signal(Signal::SIGCONT);
        let got = eventually("it reads on", || {
            let got = counted()[0];
            (got > 0 && !session.sends_to_one_let_go()).then_some(got)
        });
        assert!(got < ALL, "a part: {got}");
        heard_all
    });
    assert!(heard_all, "400,000 lines");
}
