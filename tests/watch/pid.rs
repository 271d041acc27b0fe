//! A running program: looked at, followed, let go, and unharmed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::common::listening::{Stream, eventually};
use crate::common::strace;
use crate::common::{Output, epoll_lab, program, run};
use crate::foreign::{nginx_conf, present};
use crate::running::{Running, Watcher, echo, until};
use crate::servers::{scratch, server};

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
        watcher.lets_go();
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

/// Programs that everybody runs: an answer before, meanwhile and afterwards.
#[track_caller]
fn is_left_unharmed(words: &[&str], asks: &[u8], answers: &[u8]) {
    let server = Running::command(words);
    let ask = |client: &mut TcpStream| {
        client.write_all(asks).expect("send");
        let mut back = [0; 4096];
        let n = client.read(&mut back).expect("the answer");
        let told = String::from_utf8_lossy(&back[..n]);
        assert!(back[..n].starts_with(answers), "{told}");
    };
    let mut before = server.connect();
    ask(&mut before);
    // Some wake ten times a second, and may just be at work.
    eventually("a picture of it asleep", || {
        let picture = once(&server, false).stdout();
        let all = ["epoll_wait(", "connection", "listener"];
        all.iter().all(|it| picture.contains(it)).then_some(())
    });
    let watcher = Watcher::attach(&server);
    // Its children are seized one by one, while it serves.
    eventually("a connection is seen", || {
        ask(&mut server.connect());
        let said = watcher.said();
        (said.contains("accept4(") && said.contains("has hung up")).then_some(())
    });
    watcher.lets_go();
    ask(&mut server.connect());
    // Nobody has hung up on who was connected all the time.
    ask(&mut before);
}

/// Nobody has it at the moment: these programs want a number.
fn free_port() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its port").port().to_string()
}

#[test]
fn redis() {
    if present("redis-server", "--version") {
        let directory = scratch();
        let directory = directory.to_string_lossy();
        let port = free_port();
        let options = ["--port", &port, "--save", "", "--dir", &*directory];
        let words = [&["redis-server"], &options[..]].concat();
        is_left_unharmed(&words, b"PING\r\n", b"+PONG\r\n");
    }
}

#[test]
fn memcached() {
    if present("memcached", "--version") {
        let words = ["memcached", "-u", "root", "-p", &free_port(), "-U", "0"];
        is_left_unharmed(&words, b"verbosity 0\r\n", b"OK\r\n");
    }
}

#[test]
fn nginx() {
    if present("nginx", "-v") {
        let conf = nginx_conf("nginx-pid", &free_port());
        let ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        is_left_unharmed(&["nginx", "-c", &conf], ask, b"HTTP/1.1 200 OK\r\n");
    }
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

/// The shell that has started us, among others, is watched without us.
#[test]
fn a_shell_and_what_it_has_started() {
    if server("lt").is_none() {
        return;
    }
    let script = "\"$0\" watch --pid $$ & read _; kill -INT $!; wait $!; echo $?";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, program()]);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut shell = shell.expect("a shell");
    let out = Stream::read(shell.stdout.take().expect("piped"), Vec::new());
    let said = || String::from_utf8_lossy(&out.so_far()).into_owned();
    eventually("the trace", || said().contains("its calls").then_some(()));
    let mut input = shell.stdin.take().expect("piped");
    eventually("the end", || {
        let _ = input.write_all(b"\n"); // a line that it may have read already
        let status = shell.try_wait().expect("wait for it");
        status.map(|_| ())
    });
    let words: Vec<String> = said().split_whitespace().map(String::from).collect();
    let told = words.join(" ");
    assert!(told.ends_with("was let go, and runs on. 130"), "{}", said());
}

/// As in a container: the sentence names what would allow it.
#[test]
fn ptrace_is_forbidden() {
    let (Some(path), Some(without)) = (server("lt"), server("without_ptrace")) else {
        return;
    };
    let path = path.to_string_lossy();
    let server = Running::command(&[&path]);
    let attach = ["--pid".to_string(), server.pid()];
    let launch = ["--acts", "basic", &path].map(String::from);
    for flags in [&attach[..], &launch] {
        let mut command = Command::new(&without);
        command.arg(program()).arg("watch").args(flags);
        let output = run(&mut command);
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        let stderr = output.stderr();
        assert_eq!(stderr.lines().count(), 1, "{}", output.told());
        assert!(
            stderr.contains("may not be traced") && stderr.contains("--cap-add SYS_PTRACE"),
            "{}",
            output.told()
        );
    }
    server.serves();
}

/// One tracer a process (ptrace(2)): the other one is named.
#[test]
fn it_is_traced_already() {
    let Some(path) = server("lt") else { return };
    if !strace::is_there("a server that is traced already") {
        return;
    }
    let server = Running::start(&path);
    let first = Watcher::attach(&server);
    let second = run(&mut epoll_lab(["watch", "--pid", &server.pid()]));
    let named = "is traced already, by epoll-lab (process ";
    assert!(second.stderr().contains(named), "{}", second.told());
    assert_eq!(second.shell_status(), 1, "{}", second.told());
    first.lets_go();
    server.serves();

    let launch = ["watch", "--acts", "basic", "--", &*path.to_string_lossy()];
    let strace = run(strace::strace(&["-o/dev/null"], launch).stdin(Stdio::null()));
    let named = "is traced already, by strace (process ";
    assert!(strace.stderr().contains(named), "{}", strace.told());
}
