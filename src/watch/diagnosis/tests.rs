//! Verdicts are functions of what was seen: made-up sights, word by word.

mod endings;
mod well;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::judge::*;
use super::*;
use crate::lab::report::scene::{Asleep, WaitsFor};
use crate::trace::totals::Counts;
use crate::trace::{Call, Fd, Name};
use crate::watch::act::Act;
use crate::watch::sleeper::Sleeper;
use crate::watch::state::{End, Last};

const A: Name = Name::Client(0);
const B: Name = Name::Client(1);
const F: Name = Name::Client(5);
const G: Name = Name::Client(6);

/// A client that was served in full, level-triggered.
fn served(name: Name, bytes: u64) -> SeenClient {
    let mut counts = Counts::default();
    (counts.reports, counts.recv) = (1, 1);
    (counts.received, counts.echoed) = (bytes, bytes);
    SeenClient {
        name,
        said: bytes,
        back: bytes,
        intact: true,
        over: false,
        accepted: true,
        unread: 0,
        edge: Some(false),
        one_shot: false,
        watched: true,
        wants_out: false,
        nonblocking: Some(false),
        lazy: false,
        reset: false,
        left_open: false,
        short_sends: 0,
        counts,
    }
}

fn asleep(whole: Call, waits_for: WaitsFor) -> Sleeper {
    Sleeper {
        asleep: Asleep {
            call: whole.name(),
            syscall: whole.syscall(),
            fd: whole.fd(),
            waits_for,
            steps: 1,
            ready: None,
        },
        whole: Some(whole),
        thread: 1,
    }
}

fn fd(name: Name) -> Fd {
    Fd { raw: 5, name }
}

fn waits() -> Sleeper {
    let epfd = Fd {
        raw: 4,
        name: Name::Plain,
    };
    let (maxevents, timeout) = (64, -1);
    asleep(
        Call::EpollWait {
            epfd,
            maxevents,
            timeout,
        },
        WaitsFor::Anyone,
    )
}

fn receives(name: Name, waits_for: WaitsFor) -> Sleeper {
    asleep(
        Call::Recv {
            fd: fd(name),
            length: 5,
        },
        waits_for,
    )
}

/// All well: A and B, both served.
fn well() -> Seen {
    Seen {
        act: Act::Basic,
        echo: true,
        clients: vec![served(A, 13), served(B, 4)],
        sleeper: Some(waits()),
        end: None,
        restless: None,
        listener_edge: false,
        wait_call: Some("epoll_wait"),
        workers: false,
        repeats: false,
        uring: 0,
        last: None,
    }
}

fn ended(end: End, result: Result<i32, Errno>) -> Seen {
    let (fd, length) = (fd(A), 5);
    Seen {
        sleeper: None,
        end: Some(end),
        last: Some(Last {
            call: Call::Recv { fd, length },
            result,
        }),
        ..well()
    }
}

#[track_caller]
fn says(seen: &Seen, word: &str, why: &str, lesson: Option<&str>) {
    let diagnosis = judge(seen);
    assert_eq!(diagnosis.verdict.name(), word);
    assert_eq!(diagnosis.why, why);
    assert_eq!(diagnosis.lesson, lesson);
}

#[test]
fn the_program_has_ended() {
    let lesson = Some(EDGE_RIGHT);
    let sentence = "exit(1) after recv(5<A>) = -1 EAGAIN: nothing to read at the moment is no \
                    failure.";
    let seen = ended(End::Exited(1), Err(Errno::EAGAIN));
    says(&seen, "EXITS", sentence, lesson);
    let diagnosis = judge(&seen);
    assert_eq!(diagnosis.call, Some("recv"));
    assert_eq!(diagnosis.errno, Some(Errno::EAGAIN));
    assert_eq!(diagnosis.clients, [A, B]);

    let sentence = "exit(0) after recv(5<A>) = 0, while clients were connected.";
    says(
        &ended(End::Exited(0), Ok(0)),
        "EXITS",
        sentence,
        Some(TO_SHIP),
    );
    let killed = End::Killed(Some(Signal::SIGSEGV), 11);
    let sentence = "SIGSEGV after recv(5<A>) = 13, while clients were connected.";
    says(&ended(killed, Ok(13)), "CRASHED", sentence, Some(TO_SHIP));
}

#[test]
fn a_reset_kills_only_who_was_reset() {
    let mut seen = ended(End::Exited(1), Err(Errno::ECONNRESET));
    seen.act = Act::Reset;
    seen.clients = vec![served(F, 0)];
    assert_eq!(judge(&seen).verdict, Verdict::Exits, "nobody has reset yet");
    seen.clients[0].reset = true;
    let sentence = "exit(1) after recv(5<A>) = -1 ECONNRESET: one client's end is everybody's.";
    says(&seen, "DIES OF A RESET", sentence, Some(TO_SHIP));
}

#[test]
fn asleep_for_one_client() {
    let mut seen = well();
    seen.sleeper = Some(receives(A, WaitsFor::One));
    seen.clients[0].edge = Some(true);
    (seen.clients[1].back, seen.clients[1].unread) = (0, 4);
    let sentence = "asleep in recv(5<A>); A has no more to say. B starves.";
    says(&seen, "STUCK", sentence, Some(EDGE_HANGS));
    assert_eq!(judge(&seen).clients, [B]);
    // Another of its threads waits for anybody.
    seen.sleeper = Some(receives(A, WaitsFor::Anyone));
    assert_ne!(judge(&seen).verdict, Verdict::Stuck);
}

#[test]
fn bytes_that_nobody_reads() {
    let mut seen = well();
    seen.clients[0].unread = 8;
    seen.clients[0].edge = Some(true);
    let sentence = "8 bytes of A unread, asleep in epoll_wait: edge-triggered reports them once.";
    says(&seen, "STRANDED", sentence, Some(EDGE_LOSES));
    seen.clients[0].watched = false;
    let sentence = "8 bytes of A unread, asleep in epoll_wait, and nobody waits for that fd.";
    says(&seen, "UNREAD", sentence, Some(THE_API));
}

#[test]
fn nobody_accepts() {
    let mut seen = well();
    seen.clients[1].accepted = false;
    let sentence = "B waits in the listener's queue, asleep in epoll_wait.";
    says(&seen, "NOT ACCEPTED", sentence, Some(THE_API));
    seen.listener_edge = true;
    let sentence = "B waits in the listener's queue, asleep in epoll_wait: the listener is \
                    edge-triggered, and was not accepted from until EAGAIN.";
    says(&seen, "NOT ACCEPTED", sentence, Some(EDGE_RIGHT));
    // It was refused: it does not wait any more.
    seen.clients[1].over = true;
    assert_eq!(judge(&seen).verdict, Verdict::Ok);
}

#[test]
fn less_comes_back() {
    let mut seen = well();
    (seen.clients[0].back, seen.clients[0].counts.echoed) = (10, 10);
    let sentence = "3 bytes of 13 read of A were not sent back.";
    says(&seen, "LOST", sentence, Some(WRITING));
    seen.clients[0].short_sends = 1;
    let sentence = "3 bytes of 13 read of A were not sent back: a send took less than it was \
                    given, and the rest was not sent again.";
    says(&seen, "LOST", sentence, Some(WRITING));
    (seen.clients[0].back, seen.clients[0].counts.echoed) = (0, 0);
    seen.clients[0].short_sends = 0;
    let sentence = "13 bytes of A were read, and nothing was sent back (no echo server? --answer \
                    any).";
    says(&seen, "LOST", sentence, Some(WRITING));
    // Of a server that does not echo any answer is right, and one is wanted.
    seen.echo = false;
    let sentence = "13 bytes of A were read, and no answer came.";
    says(&seen, "LOST", sentence, Some(WRITING));
    seen.clients[0].back = 2;
    assert_eq!(judge(&seen).verdict, Verdict::Ok);
}

#[test]
fn a_client_that_reads_late() {
    let mut seen = well();
    seen.act = Act::Slow;
    seen.clients = vec![served(G, 32_768)];
    seen.clients[0].lazy = true;
    (seen.clients[0].unread, seen.clients[0].counts.echoed) = (9000, 8000);
    assert_eq!(judge(&seen).verdict, Verdict::Ok, "it has not read yet");
    let (fd, length) = (fd(G), 5);
    let flags = nix::sys::socket::MsgFlags::empty();
    seen.sleeper = Some(asleep(Call::Send { fd, length, flags }, WaitsFor::One));
    let sentence = "asleep in send(5<G>) until G reads; whoever else speaks meanwhile waits.";
    says(&seen, "STUCK FOR A SLOW READER", sentence, Some(WRITING));
    seen.sleeper = None;
    seen.end = Some(End::Exited(1));
    seen.last = Some(Last {
        call: Call::Send { fd, length, flags },
        result: Err(Errno::EAGAIN),
    });
    assert_eq!(judge(&seen).verdict, Verdict::DiesOfASlowReader);
}

#[test]
fn no_rest() {
    let mut seen = well();
    (seen.sleeper, seen.restless) = (None, Some((10_001, 10_000)));
    seen.clients[0].wants_out = true;
    let sentence = "epoll_wait returns again and again, and nothing comes of it: EPOLLOUT is \
                    asked for A, and there is room to send.";
    says(&seen, "BUSY", sentence, Some(WRITING));
    assert!(seen.varies());
    seen.clients[0].wants_out = false;
    seen.clients[0].counts.ended = true;
    let sentence = "epoll_wait returns again and again, and nothing comes of it. recv has said \
                    that A has hung up, and its fd stays open.";
    says(&seen, "BUSY", sentence, Some(TO_SHIP));
    seen.clients[0].counts.ended = false;
    let fd = fd(Name::Listener);
    for (errno, more, lesson) in [
        (Errno::EMFILE, " accept4(5<L>) = -1 EMFILE.", TO_SHIP),
        (Errno::EAGAIN, "", THE_API),
    ] {
        seen.last = Some(Last {
            call: Call::Accept4 { fd },
            result: Err(errno),
        });
        let sentence = "epoll_wait returns again and again, and nothing comes of it.";
        says(&seen, "BUSY", &format!("{sentence}{more}"), Some(lesson));
    }
    seen.last = None;
    seen.restless = Some((0, 0));
    let sentence = "it does not sleep, and makes none of the calls that are watched.";
    says(&seen, "BUSY", sentence, Some(THE_API));
}

#[test]
fn what_goes_past_the_calls() {
    let mut seen = well();
    seen.uring = 2;
    assert_eq!(judge(&seen).verdict, Verdict::Ok, "its sockets are seen");
    seen.clients
        .iter_mut()
        .for_each(|it| it.counts = Counts::default());
    assert_eq!(judge(&seen).verdict, Verdict::NotSeen);
}

#[test]
fn other_bytes_came_back() {
    let mut seen = well();
    seen.clients[1].back = 13;
    seen.clients[1].intact = false;
    let sentence = "B has sent 4 bytes and got 13, which are not the same. For a server that is \
                    no echo server: --answer any.";
    says(&seen, "NO ECHO", sentence, Some(TEXTBOOK));
    assert_eq!(judge(&seen).clients, [B]);
    seen.echo = false;
    assert_eq!(judge(&seen).verdict, Verdict::Ok);
}
