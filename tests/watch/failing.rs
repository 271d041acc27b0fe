//! Failures of the watcher's own: none of them is told of the program.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{epoll_lab, program, run};
use crate::running::{Running, until};
use crate::servers::{scratch, server, source};

/// Makes this request of ptrace(2) fail, where it is preloaded.
fn fails(request: &str) -> PathBuf {
    let shim = scratch().join(format!("{request}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", &format!("-DREQUEST={request}"), "-o"]);
    run(cc.arg(&shim).arg(source("ptrace_fails.c"))).ok();
    shim
}

/// It is asleep, and the tracer cannot stop it: it is not said to run on.
#[test]
fn a_program_that_cannot_be_let_go() {
    let Some(path) = server("lt") else { return };
    let server = Running::start(&path);
    let shim = fails("PTRACE_INTERRUPT");
    let mut command = epoll_lab(["watch", "--pid", &server.pid()]);
    // The first one attaches.
    command.env("LD_PRELOAD", &shim).env("FAIL_AT", "2");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let watcher = command.spawn().expect("the watcher starts");
    until("it is traced", || (server.tracer() != 0).then_some(()));
    // It goes on: the first stop is over.
    server.serves();
    until("it sleeps again", || {
        server.calls().contains(' ').then_some(())
    });
    kill(Pid::from_raw(watcher.id() as i32), Signal::SIGINT).expect("kill");
    let output = watcher.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    let pid = server.pid();
    let told = format!("epoll-lab: process {pid} could not be let go within 3 s\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("runs on"), "{said}");
}

/// From this PTRACE_GETREGS on, the first in the set-up, the others in an act.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_tracer_that_fails_is_no_exit_of_the_program() {
    let Some(path) = server("lt") else { return };
    let shim = fails("PTRACE_GETREGS");
    for at in ["1", "36", "42"] {
        let args = [
            "watch",
            "--acts",
            "basic",
            "--trace",
            "--",
            &path.to_string_lossy(),
        ];
        let mut command = epoll_lab(args);
        command.env("LD_PRELOAD", &shim).env("FAIL_AT", at);
        let output = run(&mut command);
        assert_eq!(output.shell_status(), 1, "{at}: {}", output.told());
        assert!(!output.stdout().contains("EXITS"), "{}", output.told());
        let acts = output.stdout().contains("A connects");
        assert_eq!(acts, at != "1", "{at}: {}", output.told());
        let stderr = output.stderr();
        assert_eq!(stderr.lines().count(), 1, "{}", output.told());
        assert!(
            stderr.contains("ptrace") && stderr.contains("EIO"),
            "{stderr}"
        );
    }
}

/// The helper that becomes the program, of a parent that has ended before it
/// could ask for a signal: nobody would ever wake it.
#[test]
fn a_helper_without_its_parent_does_not_stop() {
    let helper = [program(), "watch-launch", "1", "/bin/true", "true"];
    let output = run(Command::new(helper[0]).args(&helper[1..]));
    assert_eq!(output.shell_status(), 127, "{}", output.told());
    assert_eq!(output.stderr(), "/bin/true: its parent has ended\n");
}
