//! Calls that fail and are no answer: the message names them.

use crate::common::{run, strace};

#[test]
fn the_call_that_failed_is_named() {
    if !strace::is_there("a limit that cannot be read") {
        return;
    }
    let inject = [
        "-e",
        "trace=prlimit64",
        "-e",
        "inject=prlimit64:error=EPERM",
    ];
    let quiet = [&inject[..], &["-o", "/dev/null"]].concat();
    let output = run(&mut strace::strace(&quiet, ["lt"]));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    assert_eq!(
        output.stderr(),
        "epoll-lab: getrlimit(RLIMIT_NOFILE): EPERM (Operation not permitted)\n"
    );
    assert_eq!(output.stdout(), "");
}

/// Ten seconds, in which nothing gets on.
#[test]
fn a_call_that_goes_on_failing_is_named() {
    if !strace::is_there("an accept4 that fails for good") {
        return;
    }
    let inject = ["-f", "-e", "inject=accept4:error=EPERM", "-o", "/dev/null"];
    let output = run(&mut strace::strace(&inject, ["lt"]));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    let named = "; the last failure: accept4(3<L>): EPERM (Operation not permitted)\n";
    assert!(output.stderr().ends_with(named), "{}", output.told());
}
