//! Failures of the watcher's own: none of them is told of the program.

use std::process::Command;

use crate::common::{epoll_lab, program, run};
use crate::servers::{scratch, server, source};

/// From this PTRACE_GETREGS on, the first in the set-up, the others in an act.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_tracer_that_fails_is_no_exit_of_the_program() {
    let Some(path) = server("lt") else { return };
    let shim = scratch().join("getregs_fails.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&shim);
    run(cc.arg(source("getregs_fails.c"))).ok();
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
