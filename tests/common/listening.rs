//! The program with `--listen`, and real clients for it.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{LIMIT, Output};

/// A listening program. It ends with the test at the latest.
pub struct Listening {
    child: Child,
    pub addr: SocketAddr,
    command: String,
    unread: Option<ChildStdout>,
    stdout: Stream,
    stderr: Stream,
}

/// What a program writes, read by a thread as it comes.
#[derive(Default)]
pub struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    /// Reads on `from`; what was read before is `first`.
    pub fn read(mut from: impl Read + Send + 'static, first: Vec<u8>) -> Stream {
        let bytes = Arc::new(Mutex::new(first));
        let seen = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut part = [0; 65536];
            while let Ok(n @ 1..) = from.read(&mut part) {
                seen.lock()
                    .expect("the stream")
                    .extend_from_slice(&part[..n]);
            }
        });
        let reader = Some(reader);
        Stream { bytes, reader }
    }

    pub fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("the stream").clone()
    }

    /// All of it.
    pub fn join(&mut self) -> Vec<u8> {
        let reader = self.reader.take().expect("somebody reads it");
        reader.join().expect("the reader");
        self.so_far()
    }
}

impl Listening {
    /// Starts `command`, which is to have `--listen` with port 0, and waits
    /// until it says where it listens.
    #[track_caller]
    pub fn start(command: &mut Command) -> Listening {
        let mut server = Listening::start_unread(command);
        let out = server.unread.take().expect("not read yet");
        server.stdout = Stream::read(out, Vec::new());
        server
    }

    /// The same, and nobody reads its standard output.
    #[track_caller]
    pub fn start_unread(command: &mut Command) -> Listening {
        let told = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {told}: {e}"));
        let unread = child.stdout.take();
        let mut err = BufReader::new(child.stderr.take().expect("piped"));
        // A warning may come first.
        let mut lines = String::new();
        while !lines.contains("listening on") {
            let read = err.read_line(&mut lines).expect("read stderr");
            assert!(read > 0, "does not say where it listens: {lines:?}\n{told}");
        }
        let addr = lines
            .lines()
            .last()
            .expect("a line")
            .strip_prefix("epoll-lab: listening on ")
            .and_then(|rest| rest.trim_end().strip_suffix(", Ctrl-C ends"))
            .and_then(|addr| addr.parse().ok())
            .unwrap_or_else(|| panic!("does not say where it listens: {lines:?}\n{told}"));

        let stderr = Stream::read(err, lines.into_bytes());
        Listening {
            child,
            addr,
            command: told,
            unread,
            stdout: Stream::default(),
            stderr,
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// What stands on standard output so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// What stands on standard error so far.
    pub fn told_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    /// Waits until `text` stands on standard output.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        eventually(text, || self.so_far().contains(text).then_some(()));
    }

    /// A client. It gives up rather than wait for ever.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("connect");
        stream.set_read_timeout(Some(LIMIT)).expect("SO_RCVTIMEO");
        stream.set_write_timeout(Some(LIMIT)).expect("SO_SNDTIMEO");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
    }

    /// A new client gets its answer, and the end of the connection.
    #[track_caller]
    pub fn answers(&self) {
        let mut client = self.connect();
        echo(&mut client, b"are you there?");
        hang_up(client);
    }

    /// How many fds the program has open.
    pub fn fds(&self) -> usize {
        let fds = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("list the fds");
        fds.count()
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_ascii_whitespace().next());
        kib.and_then(|kib| kib.parse().ok()).expect("VmRSS in KiB")
    }

    /// Ctrl-C, and what is left then.
    #[track_caller]
    pub fn interrupt(self) -> Output {
        kill(self.pid(), Signal::SIGINT).expect("send SIGINT");
        self.end()
    }

    /// It ends, and what is left then.
    #[track_caller]
    pub fn end(mut self) -> Output {
        let status = eventually("the program ends", || {
            self.child.try_wait().expect("wait for the program")
        });
        let (stdout, stderr) = (self.stdout.join(), self.stderr.join());
        let command = std::mem::take(&mut self.command);
        Output {
            status,
            stdout,
            stderr,
            command,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Of one that has ended already the number may be another's by now.
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends `message`, and the same comes back.
#[track_caller]
pub fn echo(client: &mut TcpStream, message: &[u8]) {
    client.write_all(message).expect("send");
    let mut back = vec![0; message.len()];
    client.read_exact(&mut back).expect("receive");
    assert_eq!(back, message, "the echo");
}

/// Hangs up, and the server does the same.
#[track_caller]
pub fn hang_up(mut client: TcpStream) {
    client.shutdown(Shutdown::Write).expect("shutdown");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("read to the end");
    assert_eq!(rest, b"", "nothing more comes");
}

/// Ends the connection with a reset instead of a hang-up.
pub fn reset(client: TcpStream) {
    let linger = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    nix::sys::socket::setsockopt(&client, nix::sys::socket::sockopt::Linger, &linger)
        .expect("SO_LINGER");
}

/// Writes as much of `data` as the kernel takes, until it has taken nothing
/// for a good while.
pub fn send_until_full(client: &mut TcpStream, data: &[u8]) -> usize {
    // Not O_NONBLOCK: that would be the reader's too, on a clone of the socket.
    let patience = Duration::from_millis(500);
    client
        .set_write_timeout(Some(patience))
        .expect("SO_SNDTIMEO");
    let mut sent = 0;
    while sent < data.len() {
        match client.write(&data[sent..]) {
            Ok(n) => sent += n,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => panic!("write: {e}"),
        }
    }
    client.set_write_timeout(Some(LIMIT)).expect("SO_SNDTIMEO");
    sent
}

/// What `ask` gives at last; for what another process brings about.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
