//! How fast the loop is, beside the same loop in C. It prints ratios and
//! asserts nothing about them: they are this machine's.
//!
//! `cargo test --release --test speed -- --ignored --nocapture`; with
//! `EPOLL_LAB_BEFORE=path` another build of the program is measured as well.
//! Each round runs every server once, so that whatever else the machine does
//! falls on all of them; a ratio is taken within a round, and the median of all
//! rounds is printed.

#[path = "../common/mod.rs"]
mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes that are echoed, five at a time.
const BYTES: usize = 1 << 20;
/// Bytes that the client sends before it reads so many.
const PART: usize = 4096;
const ROUNDS: usize = 9;

/// What one megabyte has cost.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    /// The CPU time of the thread that serves.
    server: Duration,
    /// The CPU time of all threads.
    all: Duration,
    /// How much of the process's CPU time the kernel has spent, from 0 to 1:
    /// another loop that makes the same calls spends that as well.
    in_kernel: f64,
}

/// A server that has been started, and where it listens.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The C loop says its port on standard output, ours on standard error.
    fn start(command: &mut Command, says_port: impl Fn(&str) -> Option<u16>) -> Server {
        let child = command.spawn().expect("start the server");
        let mut server = Server { child, port: 0 };
        let pipes = (server.child.stderr.take(), server.child.stdout.take());
        let mut says: Box<dyn BufRead> = match pipes {
            (Some(stderr), _) => Box::new(BufReader::new(stderr)),
            (None, Some(stdout)) => Box::new(BufReader::new(stdout)),
            (None, None) => panic!("nothing is piped"),
        };
        let mut line = String::new();
        while says.read_line(&mut line).expect("read") > 0 {
            if let Some(port) = says_port(&line) {
                server.port = port;
                return server;
            }
            line.clear();
        }
        panic!("does not say where it listens: {command:?}");
    }

    /// In C, with the calls of `mode`.
    fn in_c(program: &Path, mode: &str) -> Server {
        let mut command = Command::new(program);
        let command = command.arg(mode).stdout(Stdio::piped());
        Server::start(command, |line| line.trim().parse().ok())
    }

    /// `program`, which is epoll-lab, with its trace in a file if there is one.
    fn ours(program: &Path, args: &str) -> Server {
        let trace = std::env::temp_dir().join(format!("epoll-lab-speed-{}", std::process::id()));
        let mut command = Command::new(program);
        command
            .args(args.split(' '))
            .args(["--listen", "127.0.0.1:0"]);
        command.stdout(File::create(&trace).expect("a file for the trace"));
        let server = Server::start(command.stderr(Stdio::piped()), |line| {
            let (_, rest) = line.split_once("listening on 127.0.0.1:")?;
            rest.split(',').next()?.parse().ok()
        });
        let _ = fs::remove_file(&trace);
        server
    }

    /// Nanoseconds on a CPU, of each thread, by name (proc_pid_schedstat(5)).
    fn on_cpu(&self) -> Vec<(String, u64)> {
        let tasks = format!("/proc/{}/task", self.child.id());
        let tasks = fs::read_dir(tasks).expect("its threads").flatten();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        tasks
            .map(|task| {
                let name = read(task.path().join("comm")).trim().to_string();
                let spent = read(task.path().join("schedstat"));
                let spent = spent.split(' ').next().and_then(|ns| ns.parse().ok());
                (name, spent.unwrap_or(0))
            })
            .collect()
    }

    /// Clock ticks in the program and in the kernel so far
    /// (proc_pid_stat(5), utime and stime).
    fn ticks(&self) -> [f64; 2] {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("its times");
        let (_, after_name) = stat.rsplit_once(") ").expect("a name in brackets");
        let fields: Vec<&str> = after_name.split(' ').collect();
        [fields[11], fields[12]].map(|ticks| ticks.parse().expect("a number"))
    }

    /// Echoes a megabyte, and ends it.
    fn measure(mut self) -> Cost {
        let mut client = TcpStream::connect(("127.0.0.1", self.port)).expect("connect");
        client.set_nodelay(true).expect("TCP_NODELAY");
        let (sent, mut received) = ([b'x'; PART], [0; PART]);
        let mut echo = || {
            client.write_all(&sent).expect("send");
            client.read_exact(&mut received).expect("recv");
        };
        echo(); // it is accepted, and everything has been touched once
        let (before, [user, kernel]) = (self.on_cpu(), self.ticks());
        let began = Instant::now();
        (0..BYTES / PART).for_each(|_| echo());
        let wall = began.elapsed();
        let (after, [user_after, kernel_after]) = (self.on_cpu(), self.ticks());
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");

        let total = |threads: &[(String, u64)], all: bool| -> u64 {
            let alone = threads.len() == 1;
            let threads = threads.iter();
            let counted = threads.filter(|(name, _)| all || alone || name == "server");
            counted.map(|(_, spent)| spent).sum()
        };
        let between = |all| Duration::from_nanos(total(&after, all) - total(&before, all));
        let (server, all) = (between(false), between(true));
        let (user, kernel) = (user_after - user, kernel_after - kernel);
        let in_kernel = kernel / (user + kernel);
        Cost {
            wall,
            server,
            all,
            in_kernel,
        }
    }
}

/// The C loop, compiled; `None` where there is no compiler.
fn compiled(directory: &Path) -> Option<PathBuf> {
    let program = directory.join("loop");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/speed/loop.c");
    let mut cc = Command::new("cc");
    let cc = cc.args(["-O2", "-o"]).arg(&program).arg(source);
    cc.status()
        .is_ok_and(|status| status.success())
        .then_some(program)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of the rounds' ratios.
fn ratio(costs: &[Cost], to: &[Cost], what: impl Fn(&Cost) -> Duration) -> f64 {
    let pairs = costs.iter().zip(to);
    median(
        pairs
            .map(|(a, b)| what(a).as_secs_f64() / what(b).as_secs_f64())
            .collect(),
    )
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn a_megabyte_echoed_beside_c() {
    let directory = std::env::temp_dir().join(format!("epoll-lab-c-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let c = compiled(&directory);
    let mut builds = vec![("this build", PathBuf::from(common::program()))];
    builds.extend(std::env::var_os("EPOLL_LAB_BEFORE").map(|path| ("before", path.into())));

    for (mode, in_c) in [("lt", "lt"), ("et-nonblock", "et")] {
        let ways = [
            mode.to_string(),
            format!("{mode} --trace"),
            format!("{mode} --trace --format json"),
        ];
        let mut c_costs = Vec::new();
        let mut costs = vec![[const { Vec::new() }; 3]; builds.len()];
        for _ in 0..ROUNDS {
            c_costs.extend(
                c.iter()
                    .map(|program| Server::in_c(program, in_c).measure()),
            );
            for ((_, program), costs) in builds.iter().zip(&mut costs) {
                for (way, costs) in ways.iter().zip(costs) {
                    costs.push(Server::ours(program, way).measure());
                }
            }
        }
        for ((build, _), [untraced, text, json]) in builds.iter().zip(&costs) {
            let each = |what: fn(&Cost) -> Duration| {
                let of = |costs| ratio(costs, untraced, what);
                format!("text {:.2}, json {:.2}", of(text), of(json))
            };
            if !c_costs.is_empty() {
                let server = ratio(untraced, &c_costs, |cost| cost.server);
                println!("{mode}, {build}: server's thread / C {server:.2}");
                let in_kernel = median(c_costs.iter().map(|cost| cost.in_kernel).collect());
                println!("  of C's time, in the kernel     {in_kernel:.2}");
                let json = ratio(json, &c_costs, |cost| cost.all);
                println!("  json / C, all threads {json:.2}");
            }
            println!(
                "  traced / untraced, wall        {}",
                each(|cost| cost.wall)
            );
            println!("  traced / untraced, all threads {}", each(|cost| cost.all));
            println!(
                "  traced / untraced, server's    {}",
                each(|cost| cost.server)
            );
        }
    }
    let _ = fs::remove_dir_all(directory);
}
