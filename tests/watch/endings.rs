//! What servers do wrong when a client hangs up, and when they have no fd left.

use serde_json::Value;

use crate::servers::{diagnosis, records, server};
use crate::verdicts::says;

/// It serves everybody, and keeps an fd for each client that has left.
#[test]
fn not_closed() {
    let closed = " recv has returned 0: then close is due.";
    let basic =
        format!("A and B have hung up, and their fds stay open, asleep in epoll_wait.{closed}");
    let leave =
        format!("H and I have hung up, and their fds stay open, asleep in epoll_wait.{closed}");
    says(
        "et -DLEAK",
        &[
            ("basic", "NOT CLOSED", &basic),
            ("leave", "NOT CLOSED", &leave),
        ],
    );
}

/// A recv that brings fewer bytes than asked for is no EAGAIN: a hang-up that
/// came with them is never met.
#[test]
fn a_short_read_taken_for_the_end() {
    says(
        "et -DSHORT_READ",
        &[
            (
                "basic",
                "OK",
                "edge-triggered, O_NONBLOCK, several recv per report. A and B were left \
                 before EAGAIN.",
            ),
            (
                "leave",
                "NOT CLOSED",
                "I has hung up, and its fd stays open, asleep in epoll_wait. No recv has met the \
                 end: edge-triggered reports it once, with the last bytes.",
            ),
        ],
    );
}

/// The end is told with the bytes: who closes at once never reads them.
#[test]
fn closed_before_it_was_read() {
    says(
        "et -DRDHUP",
        &[
            (
                "basic",
                "OK",
                "edge-triggered, O_NONBLOCK, read until EAGAIN.",
            ),
            (
                "leave",
                "UNREAD",
                "4 bytes of I never read: its fd was closed before. The end is reported while \
                 bytes wait: recv returns 0 after the last.",
            ),
        ],
    );
}

/// Who was accepted and not heard is not served.
#[test]
fn closed_at_once() {
    says(
        "lt -DEARLY",
        &[
            (
                "basic",
                "UNREAD",
                "17 bytes of A and B never read: their fds were closed before.",
            ),
            ("reset", "OK", "F's reset ended F's connection alone."),
            (
                "slow",
                "UNREAD",
                "32768 bytes of G never read: its fd was closed before.",
            ),
        ],
    );
}

#[test]
fn never_asked_again() {
    says(
        "et -DONE_SHOT",
        &[(
            "basic",
            "NOT CLOSED",
            "A and B have hung up, and their fds stay open, asleep in epoll_wait. No recv has \
             met the end: EPOLLONESHOT reports once, and not again before an EPOLL_CTL_MOD.",
        )],
    );
}

#[test]
fn sent_to_somebody_else() {
    says(
        "et -DLAST",
        &[(
            "basic",
            "LOST",
            "13 bytes of A were read, and nothing was sent back (B was sent 17 bytes, and had \
             sent 4).",
        )],
    );
}

/// The fd that accept has failed to give is waited for: the trace has the call,
/// and the verdict the failure.
#[test]
fn no_fd_left() {
    let Some(path) = server("lt") else { return };
    let command = format!("ulimit -n 6; exec {} $0", path.display());
    let told = diagnosis("basic", &["sh", "-c", &command]);
    assert_eq!(told["verdict"], "BUSY", "{told}");
    assert_eq!(
        told["why"],
        "epoll_wait returns again and again, and nothing comes of it. accept(3<L>) = -1 EMFILE.",
    );
    assert_eq!(told["lesson"], "10-a-server-you-could-ship.md");
    let lines = records(&["--acts", "basic", "--trace"], &["sh", "-c", &command]);
    let bad = |record: &&Value| record["syscall"] == "epoll_ctl" && record["errno"] == "EBADF";
    assert!(lines.of("call").find(bad).is_some(), "{lines:?}");
}
