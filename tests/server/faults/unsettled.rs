//! A server that does not come to rest: after ten seconds the program ends and
//! says what it has waited for.

use std::thread;

use crate::common::run;
use crate::common::strace::{is_there, strace};

/// A call that is not made although it seems to succeed, and what is missing
/// then. The clients' writes are counted with those to standard output.
const MISSING: [(&str, &[&str], &str); 5] = [
    (
        "lt",
        &["epoll_ctl:retval=0:when=1"],
        "A was not accepted within 10 s; the server is in epoll_wait",
    ),
    (
        "lt",
        &["epoll_ctl:retval=0:when=2"],
        "what A did has not woken the server within 10 s; the server is in epoll_wait",
    ),
    (
        "lt",
        &["sendto:retval=5:when=1"],
        "only 8 of 13 bytes that were sent to A arrived within 10 s; the server is in epoll_wait",
    ),
    (
        "et-nonblock",
        &["recvfrom:error=ECONNRESET:when=2", "close:retval=0:when=1"],
        "A was not told that its connection is closed within 10 s; the server is in epoll_wait; \
         the last failure: recv(5<A>): ECONNRESET (Connection reset by peer)",
    ),
    (
        "et-blocking --stall 0s",
        &["write:retval=4:when=3"],
        "what B sent has not reached the server within 10 s; the server is in recv",
    ),
];

#[test]
fn what_is_missing_is_told() {
    if !is_there("what_is_missing_is_told") {
        return;
    }
    thread::scope(|scope| {
        for (line, faults, missing) in MISSING {
            scope.spawn(move || {
                let faults = faults.iter().map(|fault| format!("inject={fault}"));
                let faults: Vec<String> = faults.collect();
                let mut options = vec!["-o", "/dev/null"];
                for fault in &faults {
                    options.extend(["-e", fault]);
                }
                let output = run(&mut strace(&options, line.split(' ')));
                assert_eq!(output.shell_status(), 1, "{}", output.told());
                let told = format!("epoll-lab: {missing}\n");
                assert_eq!(output.stderr(), told, "{}", output.told());
            });
        }
    });
}

/// Asleep or not when it is given up: a wait ends, an accept4 fails, and again.
#[test]
fn a_call_that_goes_on_failing_is_named() {
    if !is_there("a_call_that_goes_on_failing_is_named") {
        return;
    }
    let faults = ["-o", "/dev/null", "-e", "inject=accept4:error=EPERM"];
    let output = run(&mut strace(&faults, ["lt"]));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    let named = "; the last failure: accept4(3<L>): EPERM (Operation not permitted)\n";
    assert!(output.stderr().ends_with(named), "{}", output.told());
}
