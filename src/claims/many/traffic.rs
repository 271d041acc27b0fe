//! A loop that serves many: where it may fall asleep, and what a wait costs
//! when most are ready.

use std::io::{Read, Write, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv};

use crate::claims::disturbance::{UNEVEN, alone, until_told};
use crate::claims::many::between::Between;
use crate::claims::many::cost::{poll_over_epoll, winner};
use crate::claims::patience::until;
use crate::claims::prelude::*;
use crate::claims::threads::sleeper::{Sleeper, alarm};
use crate::cost::Active;
use crate::lab::witness::move_up;

pub const STDOUT_SLEEPS: Claim = Claim {
    id: "stdout-sleeps",
    claim: "only recv and send put the loop to sleep",
    asked: "A loop prints each message, as textbooks do; its standard output is a pipe that is \
            full. A's client sends, then B's. Then somebody reads the pipe.",
    experiment: stdout_sleeps,
};

fn stdout_sleeps(t: &mut Trial) -> Result<Finding> {
    let (reader, writer) = pipe().context("pipe2")?;
    fill(&writer)?;
    let (a, b) = (t.connection()?, t.connection()?);
    let epoll = t.epoll_of(&[&a, &b], IN)?;
    let waits = Epoll(move_up(&epoll.0).context("F_DUPFD_CLOEXEC")?);
    let stdout = move_up(&writer).context("F_DUPFD_CLOEXEC")?;
    drop(writer);
    t.note("a thread: epoll_wait, recv, write(1), until both are served");
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    let serve = move || {
        let mut buffer = [0; 16];
        for _ in 0..2 {
            let mut events = [EpollEvent::empty()];
            waits.wait(&mut events, EpollTimeout::NONE)?;
            let read = recv(events[0].data() as i32, &mut buffer, MsgFlags::empty())?;
            counter.fetch_add(1, Ordering::SeqCst);
            nix::unistd::write(&stdout, &buffer[..read])?;
        }
        Ok(2)
    };
    // Woken for the alarm, it receives from a number that is none.
    let looping = Sleeper::start(serve, alarm(&epoll)?)?;
    // Dropped before the thread is joined: then its write fails.
    let mut reader = reader;
    a.peer()?.write_all(b"first").context("write")?;
    t.note("A's client sends \"first\"");
    until("the thread's recv", || {
        Ok(received.load(Ordering::SeqCst) > 0)
    })?;
    looping.settle()?;
    let asleep = looping.writes()?;
    t.sends(&b, b"other")?;
    looping.settle()?;
    let unread = b.unread()?;
    let does = if asleep { "sleeps" } else { "does not sleep" };
    t.note(format!("the thread {does} in write(1)"));
    // The thread ends when there is room.
    let mut room = vec![0; 1 << 16];
    reader.read_exact(&mut room).context("read")?;
    looping.ended()?.context("epoll_wait, recv or write")?;
    let after = b.unread()?;
    t.note(format!("the pipe is read; unread of B: {after}"));
    Ok(judge_stdout_sleeps(asleep, unread, after))
}

/// Writes until the pipe takes no more.
fn fill(writer: &std::io::PipeWriter) -> Result<()> {
    let flags = fcntl(writer, FcntlArg::F_GETFL).context("fcntl")?;
    let flags = OFlag::from_bits_retain(flags);
    let set = |flags| fcntl(writer, FcntlArg::F_SETFL(flags)).context("fcntl");
    set(flags | OFlag::O_NONBLOCK)?;
    for part in [4_096, 1] {
        loop {
            match nix::unistd::write(writer, &[b'x'; 4_096][..part]) {
                Ok(_) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(errno).context("write"),
            }
        }
    }
    set(flags)?;
    Ok(())
}

/// Asleep in write; bytes of B unread meanwhile, and after the pipe was read.
fn judge_stdout_sleeps(asleep: bool, unread: u64, after: u64) -> Finding {
    match asleep {
        true => refuted(format!(
            "the loop slept in write(1) while B's {unread} bytes were unread"
        ))
        .why(
            "Whoever reads the output decides how fast the server is: a pager, a terminal with \
             Ctrl-S, a full disk. A log in the loop is one more blocking fd.",
        ),
        false => confirmed("write(1) to a full pipe did not sleep").why("B was served meanwhile."),
    }
    .count("unread", unread)
    .count("unread_after", after)
}

pub const BUSY_TRAFFIC: Claim = Claim {
    id: "busy-traffic",
    claim: "many fds and busy traffic: use epoll",
    asked: "poll and epoll on 1,000 fds: 10 of them ready; all of them ready.",
    experiment: busy_traffic,
};

fn busy_traffic(t: &mut Trial) -> Result<Finding> {
    alone()?;
    for case in ["10", "all"] {
        t.note(format!(
            "{case} ready: batches of poll and epoll_wait in turn"
        ));
    }
    let ratio = |active| poll_over_epoll(1_000, active, 0);
    until_told(|| {
        let ratios = [ratio(Active::Count(10))?, ratio(Active::All)?];
        Ok(judge_busy_traffic(ratios))
    })
}

/// The cost of poll as a multiple of epoll's: few ready, all ready.
fn judge_busy_traffic(ratios: [Between; 2]) -> Finding {
    let [few, all] = ratios.map(|ratio| ratio.low);
    let [with_few, with_all] = ratios.map(|poll| poll.is_below(1.0));
    let evidence = format!(
        "{} was faster with 10 of 1,000 fds ready, {} with all of them",
        winner(with_few),
        winner(with_all)
    );
    match (with_few, with_all) {
        (None, _) | (_, None) => not_tried(UNEVEN),
        (Some(false), Some(false)) => confirmed(evidence).why("epoll was the cheaper one in both."),
        (Some(false), Some(true)) => depends(evidence).why(
            "What epoll saves is asking the idle ones. Where nearly all are ready there is nothing \
             to save, and a list of events costs more than an array that is there already.",
        ),
        (Some(true), _) => refuted(evidence).why("poll was the cheaper one even with few ready."),
    }
    .varies("poll_over_epoll_few", few)
    .varies("poll_over_epoll_all", all)
    .varying(format!(
        "poll took {few:.1} times epoll's time with 10 ready, {all:.1} with all ready"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        assert_eq!(judge_stdout_sleeps(true, 5, 0).verdict, Refuted);
        assert_eq!(judge_stdout_sleeps(false, 0, 0).verdict, Confirmed);

        let between = |low, high| Between { low, high };
        let busy = |few, all| judge_busy_traffic([few, all]).verdict;
        let (much, little) = (between(20.0, 40.0), between(0.5, 0.7));
        assert_eq!(busy(much, little), Depends);
        assert_eq!(busy(much, much), Confirmed);
        assert_eq!(busy(little, little), Refuted);
        assert_eq!(busy(much, between(0.6, 1.2)), NotTried);
    }
}
