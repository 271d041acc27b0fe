//! A chat server in a process of its own: where its program comes from, and
//! how it is started and ended.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use epoll_lab::lab::witness::{Look, Sleep, Witness};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, socket};
use nix::unistd::Pid;

use crate::common::{interruptible, skip};

/// What a check comes to; the error is the complaint.
pub type Verdict<T = ()> = Result<T, String>;

/// A server to check.
#[derive(Clone)]
pub struct Program {
    /// As it is called in a complaint.
    pub name: String,
    pub path: PathBuf,
    /// What it writes is for nobody to read.
    pub quiet: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the tests check: the program that `CHAT_SERVER` names, or else the two
/// of the course, as far as they can be built here.
pub fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| match std::env::var_os("CHAT_SERVER") {
        Some(path) => vec![Program {
            name: path.to_string_lossy().into_owned(),
            // Tests run there; a bare name would be looked for in $PATH.
            path: root().join(path),
            quiet: false,
        }],
        None => [in_rust(), in_c()].into_iter().flatten().collect(),
    })
}

fn ours(name: &str, path: PathBuf) -> Program {
    Program {
        name: name.into(),
        path,
        quiet: false,
    }
}

/// The example that cargo has built. `cargo test --test chat` builds none, and
/// leaves an old one where it is.
fn in_rust() -> Option<Program> {
    const SOURCE: &str = "lessons/chat.rs";
    let test = std::env::current_exe().expect("the path of this test");
    let built = test.parent()?.parent()?.join("examples/chat");
    let changed = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    if changed(&built) < changed(&root().join(SOURCE)) {
        skip(SOURCE, "not built: cargo build --example chat");
        return None;
    }
    Some(ours(SOURCE, built))
}

fn in_c() -> Option<Program> {
    const SOURCE: &str = "lessons/chat.c";
    compile(SOURCE, &root().join(SOURCE), &["-Werror"])
}

/// Builds `source` as students are told to; `None`, and says so, where there
/// is no `cc`.
pub fn compile(name: &str, source: &Path, options: &[&str]) -> Option<Program> {
    let stem = source.file_stem().expect("a file's name");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(stem);
    // Another run of the tests may be executing the old one.
    let fresh = built.with_extension(std::process::id().to_string());
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-O2"]).args(options);
    match cc.arg("-o").arg(&fresh).arg(source).output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "cc: {name}: {told}");
        }
        Err(e) => {
            skip(name, &format!("cc does not run: {e}"));
            return None;
        }
    }
    fs::rename(&fresh, &built).expect("put the program in its place");
    Some(ours(name, built))
}

/// A server that runs. It ends with its room at the latest.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
    /// strace is the child then, and the server is in its process group.
    traced: bool,
}

impl Server {
    pub fn start(program: &Program) -> Verdict<Server> {
        Server::spawn(program, &mut Command::new(&program.path), false)
    }

    /// The same under strace, which writes its log as `-ff -o PREFIX` has it.
    pub fn start_traced(program: &Program, prefix: &str) -> Verdict<Server> {
        let mut strace = Command::new("strace");
        strace.env("LC_ALL", "C").process_group(0);
        strace.args(["-f", "-ff", "-qq", "-o", prefix]);
        Server::spawn(program, strace.arg(&program.path), true)
    }

    fn spawn(program: &Program, command: &mut Command, traced: bool) -> Verdict<Server> {
        let addr = free_addr();
        interruptible();
        command.arg(addr.to_string()).stdin(Stdio::null());
        if program.quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let child = command.spawn();
        let child = child.map_err(|e| format!("cannot start {}: {e}", program.path.display()))?;
        Ok(Server {
            child,
            addr,
            traced,
        })
    }

    fn child(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// What the kernel says of the server's (first) thread.
    fn look(&self) -> io::Result<Look> {
        let child = self.child.id();
        let pid = match self.traced {
            false => child,
            true => {
                let children = fs::read_to_string(format!("/proc/{child}/task/{child}/children"))?;
                children.trim().parse().map_err(io::Error::other)?
            }
        };
        Witness::of_process(pid)?.look(None)
    }

    fn sleeps(&self) -> bool {
        self.look().is_ok_and(|look| look.state == 'S')
    }

    /// What there is to say of the server when a client waits for it in vain.
    pub fn state(&mut self) -> String {
        // One that is about to end, or to sleep, has a moment to do so.
        let began = Instant::now();
        while self.lives() && !self.sleeps() && began.elapsed() < PATIENCE_ASLEEP {
            thread::sleep(Duration::from_millis(2));
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            return format!("the server has ended: {status}");
        }
        match self.look().map(|look| (look.state, look.sleep)) {
            Ok((_, Some(Sleep::ForAnyone { call, .. }))) => format!("the server sleeps in {call}"),
            Ok((_, Some(Sleep::ForOne { call, fd, .. }))) => {
                format!("the server sleeps in {call}, on fd {fd}")
            }
            Ok(('S', None)) => "the server sleeps, but in no epoll_wait, recv or send".into(),
            Ok(('R', _)) => "the server is running".into(),
            Ok((state, _)) => format!("the server is in state {state}"),
            Err(e) => format!("the kernel does not say what the server does: {e}"),
        }
    }

    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops the server, as Ctrl-Z does, and returns when it has stopped.
    pub fn stop(&mut self) -> Verdict {
        assert!(!self.traced, "strace would be stopped");
        let _ = kill(self.child(), Signal::SIGSTOP);
        let has_stopped = |server: &Server| {
            let look = server.look().ok()?;
            (look.state == 'T').then_some(())
        };
        self.eventually("it stops at SIGSTOP", has_stopped)
    }

    /// Lets it go on. What it slept in has been interrupted (EINTR).
    pub fn go_on(&self) {
        let _ = kill(self.child(), Signal::SIGCONT);
    }

    /// What `ask` gives at last; it is asked again and again.
    pub fn eventually<T>(&mut self, what: &str, ask: impl Fn(&Server) -> Option<T>) -> Verdict<T> {
        let mut vigil = Vigil::new();
        loop {
            if let Some(answer) = ask(self) {
                return Ok(answer);
            }
            if !self.lives() || vigil.is_vain(self) {
                return Err(format!("never: {what}; {}", self.state()));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the server and leaves strace the time to write its log.
    pub fn end_traced(mut self) -> Verdict {
        assert!(self.traced);
        // strace itself does not take it: it waits for the server to end.
        let _ = killpg(self.child(), Signal::SIGTERM);
        let vigil = Vigil::new();
        while self.lives() {
            if vigil.began.elapsed() > PATIENCE {
                return Err("never: the server ends at SIGTERM".into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// How long a server may be busy with one thing. Nothing here takes anywhere
/// near as long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may sleep while something is due: what would wake it has long
/// been there.
const PATIENCE_ASLEEP: Duration = Duration::from_secs(2);

/// How often it must be seen asleep besides: a machine that stands still for
/// a while lets everybody sleep.
const LOOKS_ASLEEP: u32 = 10;

/// Waiting for a server, which ends in a complaint or in what was waited for.
/// That time has passed is never a reason to be content.
pub struct Vigil {
    began: Instant,
    seen_awake: Instant,
    looks_asleep: u32,
}

impl Vigil {
    pub fn new() -> Vigil {
        let now = Instant::now();
        Vigil {
            began: now,
            seen_awake: now,
            looks_asleep: 0,
        }
    }

    /// Whether there is no more to be expected. To be asked often.
    pub fn is_vain(&mut self, server: &Server) -> bool {
        self.looks_asleep += 1;
        if !server.sleeps() {
            self.seen_awake = Instant::now();
            self.looks_asleep = 0;
        }
        let asleep_long = self.seen_awake.elapsed() > PATIENCE_ASLEEP;
        self.began.elapsed() > PATIENCE || asleep_long && self.looks_asleep >= LOOKS_ASLEEP
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.lives() {
            let _ = match self.traced {
                true => killpg(self.child(), Signal::SIGKILL),
                false => kill(self.child(), Signal::SIGKILL),
            };
            let _ = self.child.wait();
        }
    }
}

/// An address that nobody listens on, nor will: it lies below the ports that
/// the kernel hands out by itself, and each is tried once in this process.
fn free_addr() -> SocketAddr {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const PORTS: u16 = 20_000;
    let start = (std::process::id() * 211 % u32::from(PORTS)) as u16;
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        assert!(tried < PORTS, "no port is free");
        let addr = SocketAddr::from(([127, 0, 0, 1], FIRST + (start + tried) % PORTS));
        let SocketAddr::V4(v4) = addr else {
            unreachable!("it is IPv4");
        };
        // Without SO_REUSEADDR: a server under test may not set it either.
        let flags = SockFlag::SOCK_CLOEXEC;
        let probe = socket(AddressFamily::Inet, SockType::Stream, flags, None).expect("socket");
        let probe_fd = std::os::fd::AsRawFd::as_raw_fd(&probe);
        if bind(probe_fd, &SockaddrIn::from(v4)).is_ok() {
            return addr;
        }
    }
}
