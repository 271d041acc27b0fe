//! What each of the C servers does wrong, word by word.

use crate::servers::{diagnosis, server};

/// Act by act: the word and the sentence.
#[track_caller]
pub fn says(spec: &str, told: &[(&str, &str, &str)]) {
    let Some(path) = server(spec) else { return };
    let program = path.to_string_lossy().into_owned();
    for (act, word, sentence) in told {
        let diagnosis = diagnosis(act, &[&program]);
        assert_eq!(diagnosis["verdict"], *word, "{spec}, {act}: {diagnosis}");
        assert_eq!(diagnosis["why"], *sentence, "{spec}, {act}: {diagnosis}");
    }
}

const BURST: &str = "D and E were accepted after one return of epoll_wait.";
const LEAVE: &str = "I was served, and closed when it had hung up.";
const RESET: &str = "F's reset ended F's connection alone.";

#[test]
fn level_triggered() {
    says(
        "lt",
        &[
            (
                "basic",
                "OK",
                "level-triggered, blocking sockets, one recv per report.",
            ),
            ("burst", "OK", BURST),
            ("reset", "OK", RESET),
            (
                "slow",
                "STUCK FOR A SLOW READER",
                "asleep in send(5<G>) until G reads; whoever else speaks meanwhile waits.",
            ),
            ("leave", "OK", LEAVE),
        ],
    );
}

#[test]
fn edge_triggered_as_it_should_be() {
    says(
        "et",
        &[
            (
                "basic",
                "OK",
                "edge-triggered, O_NONBLOCK, read until EAGAIN.",
            ),
            ("burst", "OK", BURST),
            ("reset", "OK", RESET),
            (
                "slow",
                "OK",
                "sends to G fell short; all came back once it read.",
            ),
            ("leave", "OK", LEAVE),
        ],
    );
}

#[test]
fn blocking_and_drained() {
    says(
        "et -DNO_NONBLOCK",
        &[
            (
                "basic",
                "STUCK",
                "asleep in recv(5<A>); A has no more to say. B starves.",
            ),
            (
                "burst",
                "STUCK",
                "asleep in recv(5<C>); C has no more to say. D and E starve.",
            ),
        ],
    );
}

#[test]
fn one_recv() {
    says(
        "et -DONE_RECV",
        &[(
            "basic",
            "STRANDED",
            "8 bytes of A unread, asleep in epoll_wait: edge-triggered reports them once.",
        )],
    );
}

#[test]
fn one_accept() {
    says(
        "et -DONE_ACCEPT",
        &[
            (
                "basic",
                "OK",
                "edge-triggered, O_NONBLOCK, read until EAGAIN.",
            ),
            (
                "burst",
                "NOT ACCEPTED",
                "E waits in the listener's queue, asleep in epoll_wait: the listener is \
                 edge-triggered, and was not accepted from until EAGAIN.",
            ),
        ],
    );
}

#[test]
fn eagain_taken_for_an_error() {
    says(
        "et -DNO_EAGAIN",
        &[(
            "basic",
            "EXITS",
            "exit(1) after recv(5<A>) = -1 EAGAIN: nothing to read at the moment is no failure.",
        )],
    );
}

#[test]
fn a_short_send_is_lost() {
    says(
        "et -DNO_KEEP",
        &[(
            "slow",
            "LOST",
            "not all that was read of G was sent back: a send took less than it was given, and \
             the rest was not sent again.",
        )],
    );
}

#[test]
fn dies_of_a_reset() {
    says(
        "et -DDIES",
        &[(
            "reset",
            "DIES OF A RESET",
            "exit(1) after recv(5<F>) = -1 ECONNRESET: one client's end is everybody's.",
        )],
    );
}

#[test]
fn epollout_always_asked_for() {
    says(
        "busy",
        &[(
            "basic",
            "BUSY",
            "epoll_wait returns again and again, and nothing comes of it: EPOLLOUT is asked for \
             A, and there is room to send.",
        )],
    );
}

#[test]
fn not_closed_at_the_end_of_file() {
    says(
        "busy -DNO_CLOSE",
        &[(
            "basic",
            "BUSY",
            "when A has hung up: epoll_wait returns again and again, and nothing comes of it. \
             recv has said that A has hung up, and its fd stays open.",
        )],
    );
}

#[test]
fn killed_by_a_signal() {
    says(
        "crash",
        &[(
            "basic",
            "CRASHED",
            "SIGSEGV after read(4<A>) = 13, while clients were connected.",
        )],
    );
}

#[test]
fn one_client_at_a_time() {
    says(
        "iterative",
        &[(
            "basic",
            "STUCK",
            "asleep in read(4<A>); A has no more to say. B starves. No wait call: one client at \
             a time.",
        )],
    );
}

#[test]
fn a_process_or_a_thread_for_each_client() {
    let ok = "a thread or process for each client, blocking sockets, recv in a loop.";
    let acts = [
        ("basic", "OK", ok),
        ("burst", "OK", "D and E were accepted after C was served."),
        ("reset", "OK", RESET),
        ("slow", "OK", "all came back once G read."),
        ("leave", "OK", LEAVE),
    ];
    says("forking", &acts);
    says("threads", &acts);
}

#[test]
fn select_and_poll() {
    says(
        "select",
        &[(
            "basic",
            "OK",
            "select, blocking sockets, one recv per report.",
        )],
    );
    says(
        "poll",
        &[
            (
                "basic",
                "OK",
                "poll, blocking sockets, one recv per report.",
            ),
            (
                "burst",
                "OK",
                "D and E were accepted after one return of poll.",
            ),
        ],
    );
}

#[test]
fn io_uring_is_not_seen() {
    let Some(path) = server("odd") else { return };
    let diagnosis = diagnosis("basic", &[&path.to_string_lossy(), "uring"]);
    assert_eq!(diagnosis["verdict"], "NOT SEEN", "{diagnosis}");
}
