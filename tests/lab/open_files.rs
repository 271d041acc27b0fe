//! The limit on open files, where it cannot be asked for or raised.

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
