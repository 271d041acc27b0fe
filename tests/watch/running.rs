//! Programs that run by themselves, and whoever is attached to one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::listening::{Stream, eventually};
use crate::common::{LIMIT, epoll_lab};

/// A server that runs by itself. It ends with the test.
pub struct Running {
    pub child: Child,
    pub port: u16,
}

impl Running {
    pub fn start(path: &Path) -> Running {
        Running::command(&[&path.to_string_lossy()])
    }

    pub fn command(words: &[&str]) -> Running {
        let mut server = Running::silent(words);
        server.port = until("it listens", || listening_port(server.child.id()));
        server
    }

    /// One that need not listen.
    pub fn silent(words: &[&str]) -> Running {
        // Without what was open in whoever has started the tests, such as a
        // lock: the listener's number is to be 3.
        let without = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", without])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.spawn().expect("the server starts");
        Running { child, port: 0 }
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connect");
        let limit = Some(Duration::from_secs(20));
        stream.set_read_timeout(limit).expect("a limit");
        stream
    }

    /// It still serves.
    #[track_caller]
    pub fn serves(&self) {
        echo(&mut self.connect(), b"are you there?");
    }

    /// `S` asleep, `T` and `t` stopped (proc_pid_stat(5)).
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("its state");
        let fields = stat.rsplit_once(") ").expect("a state").1;
        fields.chars().next().expect("a letter")
    }

    /// The thread that traces it; 0: nobody does.
    pub fn tracer(&self) -> i32 {
        tracer_of(self.child.id())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("kill");
    }

    pub fn calls(&self) -> String {
        let path = format!("/proc/{}/syscall", self.child.id());
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Before it is killed: some have children to end first.
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let began = Instant::now();
        while let Ok(None) = self.child.try_wait()
            && began.elapsed() < Duration::from_secs(5)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub fn echo(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).expect("send");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("the echo");
    assert_eq!(back, text);
}

pub fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
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

fn tracer_of(process: u32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("its status");
    let mut lines = status.lines();
    let tracer = lines.find_map(|line| line.strip_prefix("TracerPid:\t"));
    tracer.expect("a line").parse().expect("a number")
}

/// The watcher, once it has attached.
pub struct Watcher {
    pub child: Child,
    out: Stream,
    process: u32,
}

impl Watcher {
    pub fn attach(server: &Running) -> Watcher {
        let mut child = epoll_lab(["watch", "--pid", &server.pid()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watcher starts");
        let out = Stream::read(child.stdout.take().expect("piped"), Vec::new());
        let process = server.child.id();
        let watcher = Watcher {
            child,
            out,
            process,
        };
        watcher.says("its calls, until Ctrl-C:");
        until("it is traced", || (server.tracer() != 0).then_some(()));
        // Its sleep has been taken up again.
        until("it sleeps", || server.calls().contains(' ').then_some(()));
        watcher
    }

    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.out.so_far()).into_owned()
    }

    /// Waits until it has said so; one that never does fails the test.
    #[track_caller]
    pub fn says(&self, text: &str) {
        let began = Instant::now();
        while !self.said().contains(text) {
            assert!(began.elapsed() < LIMIT, "never: {text}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("kill");
    }

    /// Ctrl-C, and all that it says.
    pub fn end(mut self) -> (i32, String) {
        self.signal(Signal::SIGINT);
        let status = eventually("it ends after SIGINT", || {
            self.child.try_wait().expect("wait for it")
        });
        let said = String::from_utf8_lossy(&self.out.join()).into_owned();
        (status.code().unwrap_or(-1), said)
    }

    /// Ctrl-C, and the program is not followed any more.
    #[track_caller]
    pub fn lets_go(self) {
        let process = self.process;
        let (status, said) = self.end();
        assert_eq!(tracer_of(process), 0, "{said}");
        assert_eq!(status, 130, "{said}");
        let words: Vec<&str> = said.split_whitespace().collect();
        let told = words.join(" ");
        assert!(told.contains("was let go, and runs on."), "{said}");
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
