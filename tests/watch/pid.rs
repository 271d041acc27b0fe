//! A running program: looked at, followed, let go, and unharmed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::listening::{Stream, eventually};
use crate::common::{Output, epoll_lab, run};
use crate::servers::server;

/// A server that runs by itself. It ends with the test.
struct Running {
    child: Child,
    port: u16,
}

impl Running {
    fn start(path: &Path) -> Running {
        // Without what was open in whoever has started the tests, such as a
        // lock: the listener's number is to be 3.
        let without = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec \"$0\"";
        let child = Command::new("sh")
            .args(["-c", without])
            .arg(path)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        let port = until("it listens", || listening_port(child.id()));
        Running { child, port }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connect");
        let limit = Some(Duration::from_secs(20));
        stream.set_read_timeout(limit).expect("a limit");
        stream
    }

    /// It still serves.
    #[track_caller]
    fn serves(&self) {
        echo(&mut self.connect(), b"are you there?");
    }

    fn calls(&self) -> String {
        let path = format!("/proc/{}/syscall", self.child.id());
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn echo(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).expect("send");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("the echo");
    assert_eq!(back, text);
}

fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = is_so() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// From /proc/PID/net/tcp and its fds.
fn listening_port(process: u32) -> Option<u16> {
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    let fds = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let sockets: Vec<String> = fds
        .filter_map(|fd| {
            Some(
                std::fs::read_link(fd.ok()?.path())
                    .ok()?
                    .display()
                    .to_string(),
            )
        })
        .collect();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let ours = sockets.contains(&format!("socket:[{}]", fields[9]));
        let port = u16::from_str_radix(fields[1].rsplit_once(':')?.1, 16).ok()?;
        (fields[3] == "0A" && ours).then_some(port)
    })
}

/// The watcher, once it has attached.
struct Watcher {
    child: Child,
    out: Stream,
}

impl Watcher {
    fn attach(server: &Running) -> Watcher {
        let mut child = epoll_lab(["watch", "--pid", &server.pid()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watcher starts");
        let out = Stream::read(child.stdout.take().expect("piped"), Vec::new());
        let watcher = Watcher { child, out };
        watcher.says("its calls, until Ctrl-C:");
        let status = format!("/proc/{}/status", server.child.id());
        until("it is traced", || {
            let status = std::fs::read_to_string(&status).ok()?;
            (!status.contains("TracerPid:\t0\n")).then_some(())
        });
        // Its sleep has been taken up again.
        until("it sleeps", || server.calls().contains(' ').then_some(()));
        watcher
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.out.so_far()).into_owned()
    }

    /// Waits until it has said so; one that never does fails the test.
    #[track_caller]
    fn says(&self, text: &str) {
        eventually(text, || self.said().contains(text).then_some(()));
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("kill");
    }

    /// Ctrl-C, and all that it says.
    fn end(mut self) -> (i32, String) {
        self.signal(Signal::SIGINT);
        let status = eventually("it ends after SIGINT", || {
            self.child.try_wait().expect("wait for it")
        });
        let said = String::from_utf8_lossy(&self.out.join()).into_owned();
        (status.code().unwrap_or(-1), said)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Of one that has ended already the number may be another's by now.
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[test]
fn a_program_is_followed_and_left_unharmed() {
    let Some(path) = server("lt") else { return };
    let server = Running::start(&path);
    for _ in 0..3 {
        let watcher = Watcher::attach(&server);
        let mut client = server.connect();
        echo(&mut client, b"HELLOworld123");
        watcher.says("recv(5<A>, \"123\", 5) = 3");
        drop(client);
        watcher.says("A has hung up");
        let (status, said) = watcher.end();
        assert_eq!(status, 130, "{said}");
        let words: Vec<&str> = said.split_whitespace().collect();
        assert!(
            words.join(" ").ends_with("was let go, and runs on."),
            "{said}"
        );
        // A server that ends when epoll_wait fails has not ended.
        server.serves();
    }
}

/// Killed while the server is at work, or on its way into `epoll_wait`: a
/// server that ends when its wait fails has not ended.
#[test]
fn a_watcher_that_is_killed_leaves_it_unharmed() {
    let Some(path) = server("lt") else { return };
    let server = Running::start(&path);
    let mut client = server.connect();
    for round in 0..20 {
        let mut watcher = epoll_lab(["watch", "--pid", &server.pid()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watcher starts");
        let status = format!("/proc/{}/status", server.child.id());
        let traced = || {
            let status = std::fs::read_to_string(&status).expect("its status");
            !status.contains("TracerPid:\t0\n")
        };
        until("it is traced", || {
            echo(&mut client, b"ping");
            traced().then_some(())
        });
        for _ in 0..round {
            echo(&mut client, b"pong");
        }
        watcher.kill().expect("kill");
        watcher.wait().expect("its end");
        until("it is let go", || {
            echo(&mut client, b"and now?");
            (!traced()).then_some(())
        });
        echo(&mut client, b"and then?");
    }
    server.serves();
}

#[test]
fn a_server_that_is_stuck_already() {
    let Some(path) = server("et -DNO_NONBLOCK") else {
        return;
    };
    let server = Running::start(&path);
    let mut client = server.connect();
    echo(&mut client, b"HELLO");
    until("it sleeps in recv", || {
        server.calls().starts_with("45 ").then_some(())
    });
    let watcher = Watcher::attach(&server);
    watcher.says("recv(5<A>, ...");
    let (_, said) = watcher.end();
    assert!(said.contains("does not return"), "{said}");
    drop(client);
    server.serves();
}

#[track_caller]
fn once(server: &Running, json: bool) -> Output {
    let pid = server.pid();
    let mut args = vec!["watch", "--pid", &pid, "--once"];
    if json {
        args.extend(["--format", "json"]);
    }
    run(&mut epoll_lab(args)).ok()
}

#[test]
fn the_first_picture() {
    let Some(path) = server("et -DONE_RECV") else {
        return;
    };
    let server = Running::start(&path);
    let mut client = server.connect();
    client.write_all(b"HELLOworld123").expect("send");
    let mut back = [0; 5];
    client.read_exact(&mut back).expect("what it has read");
    until("it sleeps again", || {
        server.calls().starts_with("232 ").then_some(())
    });
    let text = once(&server, false).stdout();
    let port = server.port;
    assert!(text.contains("epoll_wait(4)"), "{text}");
    let own = client.local_addr().expect("an address").port();
    let row = text.lines().find(|line| line.contains("connection"));
    let row = row.unwrap_or_else(|| panic!("no connection in {text}"));
    let words: Vec<&str> = row.split_ascii_whitespace().collect();
    let (pid, connection) = (server.pid(), [format!(":{port}"), format!(":{own}")]);
    let expected = [
        &pid,
        "4",
        "5",
        "connection",
        &*connection[0],
        "from",
        &*connection[1],
        "EPOLLIN",
        "edge",
        "8",
    ];
    assert_eq!(words, expected);
    let lines = once(&server, true).json();
    let interest: Vec<_> = lines.of("interest").collect();
    assert_eq!(interest.len(), 2);
    assert_eq!(
        (&interest[1]["trigger"], &interest[1]["unread"]),
        (&"edge".into(), &8.into())
    );
    assert_eq!(lines.of("thread").count(), 1);
}

#[test]
fn nobody_to_be_watched() {
    let output = run(&mut epoll_lab(["watch", "--pid", "2147483647"]));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    assert!(
        output.stderr().contains("there is no process 2147483647"),
        "{}",
        output.told()
    );
}
