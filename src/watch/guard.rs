//! A watcher that may be killed: who traces is not whom one kills.
//!
//! When a tracer dies, the kernel wakes each thread that it had stopped, as
//! for a signal (`__ptrace_unlink` in kernel/ptrace.c). A thread that was
//! about to enter `epoll_wait`, or whose sleep our stop had ended, then gets
//! EINTR, with no signal in sight; many a server ends on that. Nothing that a
//! tracer has prepared can change it, so the tracer must not die: it is a
//! child in a process group of its own, and lets go when its parent is gone.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, bail};
use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getpid, getppid};

use crate::trace::OfCall;

/// In the tracer's environment: its parent's number.
const PARENT: &str = "EPOLL_LAB_GUARDED_BY";

const NAME: &CStr = c"epoll-lab";

/// What ends the watching, from the terminal or from somebody else.
pub const ENDING: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// True in the child. From here on a SIGTERM tells it that its parent has
/// died.
pub fn is_tracer() -> Result<bool> {
    let Some(named) = std::env::var_os(PARENT) else {
        return Ok(false);
    };
    let parent = getppid();
    if named != OsStr::new(&parent.to_string()) {
        bail!("its parent has ended"); // before we have begun
    }
    set_pdeathsig(Signal::SIGTERM).context("prctl(PR_SET_PDEATHSIG)")?;
    // For ps and top: it was started as /proc/self/exe.
    set_name(NAME).context("prctl(PR_SET_NAME)")?;
    if getppid() != parent {
        bail!("its parent has ended"); // before it could be told
    }
    Ok(true)
}

/// Starts this program once more as the tracer, hands on the signals that end
/// it, and gives its exit status.
pub fn run() -> Result<ExitCode> {
    let signals = SigSet::from_iter(ENDING);
    signals.thread_block().context("cannot block SIGINT")?;
    // PR_SET_PDEATHSIG is about the thread that forks: this one stays.
    let mut tracer = Command::new("/proc/self/exe")
        .arg0(OsStr::from_bytes(NAME.to_bytes()))
        .args(std::env::args_os().skip(1))
        .env(PARENT, getpid().to_string())
        // Whoever kills our group, as a shell's kill -9 %1 does, spares it.
        .process_group(0)
        .spawn()
        .of_call("execve(/proc/self/exe)")?;
    let pid = Pid::from_raw(tracer.id() as i32);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while let Ok(signal) = signals.wait() {
                // Gone: then this process is about to end as well.
                let _ = kill(pid, signal);
            }
        })
        .of_call("pthread_create")?;
    let status = tracer.wait().context("waitpid")?;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(ExitCode::from(code as u8)),
        (None, signal) => {
            let number = signal.unwrap_or(0);
            let name = Signal::try_from(number).map_or("a signal", Signal::as_str);
            bail!("the tracer was killed by {name}")
        }
    }
}
