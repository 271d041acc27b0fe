//! Programs that cannot be watched, or not in this way: each in one sentence
//! that says what to do instead.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::trace::escape::shell_word;
use crate::trace::{Call, errno_text};
use crate::watch::processor::Processor;
use crate::watch::sleeper::Sleeper;
use crate::watch::state::{End, State};

/// Bits of a mode (chmod(2)).
const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const EXECUTABLE: u32 = 0o111;

/// Why it is not watched.
#[derive(Debug, Error)]
pub enum Odd {
    /// What was typed cannot be started.
    #[error("{0}")]
    Unusable(String),
    /// It was started, and cannot be watched.
    #[error("{0}")]
    Unwatchable(String),
}

impl Odd {
    /// The exit status: 2 for wrong usage.
    pub fn status(&self) -> u8 {
        match self {
            Odd::Unusable(_) => 2,
            Odd::Unwatchable(_) => 1,
        }
    }
}

/// Finds a program as a shell would, and looks at what it is.
pub fn find(name: &OsStr, processor: &Processor) -> Result<PathBuf, Odd> {
    let told = shell_word(name.as_bytes());
    let path = match name.as_bytes().contains(&b'/') {
        true => PathBuf::from(name),
        false => in_path(name).ok_or_else(|| {
            let here = match Path::new(name).exists() {
                true => format!(" (for the one in this directory: ./{told})"),
                false => String::new(),
            };
            Odd::Unusable(format!("{told}: no such command in PATH{here}"))
        })?,
    };
    let unusable = |what: String| Err(Odd::Unusable(format!("{told}: {what}")));
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(error) => return unusable(crate::trace::io_error_text(&error)),
    };
    let mode = meta.permissions().mode();
    if meta.is_dir() {
        return unusable("is a directory, not a program".into());
    }
    if mode & EXECUTABLE == 0 {
        return unusable(format!(
            "is not executable: chmod +x {told}, or name what runs it (python3 {told})"
        ));
    }
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let other_user = mode & SETUID != 0 && meta.uid() != user.as_raw();
    if other_user || mode & SETGID != 0 && meta.gid() != group.as_raw() {
        return Err(Odd::Unwatchable(format!(
            "{told} is setuid or setgid: watched, it would run without these rights (execve(2)); \
             watch a copy of it, or the running program with --pid, as root"
        )));
    }
    what_it_is(&path, &told, processor)?;
    Ok(path)
}

fn in_path(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|directory| directory.join(name));
    let is_program = |path: &PathBuf| {
        let meta = fs::metadata(path);
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & EXECUTABLE != 0)
    };
    candidates.into_iter().find(is_program)
}

/// An ELF file for this processor, or a script that names its interpreter.
fn what_it_is(path: &Path, told: &str, processor: &Processor) -> Result<(), Odd> {
    const CLASS: usize = 4;
    const MACHINE: usize = 18;
    let mut head = [0; 256];
    // Who may execute it and not read it is taken at his word.
    let Ok(length) = fs::File::open(path).and_then(|mut file| file.read(&mut head)) else {
        return Ok(());
    };
    let head = &head[..length];
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = String::from_utf8_lossy(line);
        let interpreter = line.split_whitespace().next().unwrap_or_default();
        return match Path::new(interpreter).exists() {
            true => Ok(()),
            false => Err(Odd::Unusable(format!(
                "{told}: its first line names {interpreter}, and there is no such program"
            ))),
        };
    }
    if !head.starts_with(b"\x7fELF") {
        return Err(Odd::Unusable(format!(
            "{told}: is neither a program nor a script that begins with #!; name what runs it \
             (epoll-lab watch -- sh {told})"
        )));
    }
    let machine = head.get(MACHINE..MACHINE + 2);
    let machine = machine.map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    match (head.get(CLASS), machine == processor.elf_machine) {
        (Some(1), _) => Err(Odd::Unwatchable(format!(
            "{told} is a 32-bit program: its system calls have other numbers; build it for \
             64 bits (cc without -m32)"
        ))),
        (_, false) => Err(Odd::Unwatchable(format!(
            "{told} is a program for another processor than {}",
            processor.name
        ))),
        _ => Ok(()),
    }
}

/// `exit(1)`, `SIGSEGV`.
pub fn end_text(end: End) -> String {
    match end {
        End::Exited(status) => format!("exit({status})"),
        End::Killed(Some(signal), _) => signal.as_str().to_string(),
        End::Killed(None, number) => format!("signal {number}"),
    }
}

/// It has ended, or gone into the background, before it listened.
pub fn ended_early(program: &str, state: &State, end: End, printed: &str) -> Odd {
    if !state.threads.is_empty() {
        return Odd::Unwatchable(format!(
            "{program} has gone into the background: start it in the foreground \
             (nginx -g 'daemon off;', redis-server --daemonize no), or watch it with --pid"
        ));
    }
    if !state.executed {
        return Odd::Unusable(format!("{program} could not be started: {printed}"));
    }
    let when = match state.listener {
        Some(_) => "as soon as it listened",
        None => "before it listened on a TCP port",
    };
    let mut why = format!("{program} has ended {when}: {}", end_text(end));
    if let Some(failed) = state.setup_failure {
        why += &format!(
            ", after {} = -1 {}",
            failed.call.name(),
            errno_text(failed.errno)
        );
        if failed.errno == nix::errno::Errno::EADDRINUSE {
            why += "; another process listens there, or a connection of before is in TIME_WAIT \
                    (SO_REUSEADDR)";
        }
    }
    if !printed.is_empty() {
        why += &format!("; its last line: {printed}");
    }
    Odd::Unwatchable(why)
}

/// It lives and does not listen.
pub fn never_listens(program: &str, state: &State, sleeper: Option<&Sleeper>) -> Odd {
    if let Some(port) = state.wanted {
        let elsewhere = match state.others.is_empty() {
            true => String::new(),
            false => format!("; it listens on {}", list(&state.others)),
        };
        return Odd::Unwatchable(format!(
            "{program} does not listen on port {port}{elsewhere}: give the right one with --port"
        ));
    }
    if !state.others.is_empty() {
        return Odd::Unwatchable(format!(
            "{program} listens on no TCP port, but on {}: let it listen on 127.0.0.1 and a port, \
             or watch it with --pid and clients of your own",
            list(&state.others)
        ));
    }
    let reads_input = |sleeper: &&Sleeper| {
        let fd = sleeper.whole.and_then(|call: Call| call.input());
        fd.is_some_and(|fd| fd.raw == 0)
    };
    let why = match sleeper {
        Some(sleeper) if reads_input(&sleeper) => {
            "it waits in read(0) for its standard input, on which nobody types here; give it what \
             it wants as an argument, or a file (sh -c './server < file')"
                .into()
        }
        Some(sleeper) => format!("it sleeps in {}; is it a server?", sleeper.asleep.call),
        None => "it is at work all the time; is it a server?".to_string(),
    };
    Odd::Unwatchable(format!("{program} listens on no TCP port: {why}"))
}

/// More than one port.
pub fn several_ports(program: &str, state: &State) -> Option<Odd> {
    let listener = state.listener.filter(|_| state.wanted.is_none())?;
    let others = state.others.iter();
    let mut ports: Vec<u16> = others.filter_map(|port| port.parse().ok()).collect();
    if ports.is_empty() {
        return None;
    }
    ports.push(listener.address.port());
    ports.sort();
    Some(Odd::Unusable(format!(
        "{program} listens on the ports {}: choose one with --port",
        list(&ports)
    )))
}

/// `A`, `A and B`, `A, B and C`.
pub fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => "nobody".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
