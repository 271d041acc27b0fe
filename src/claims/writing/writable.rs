//! When a socket is reported writable.

use std::time::{Duration, Instant};

use anyhow::ensure;
use nix::sys::epoll::Epoll;
use nix::sys::socket::MsgFlags;

use crate::claims::patience::PATIENCE;
use crate::claims::prelude::*;

/// Small buffers, so that they are full at once.
pub const BUFFER: usize = 16_384;
/// How many waits are made in a row.
const WAITS: usize = 1_000;
/// For so long a full buffer must stay full.
pub const SILENCE: Duration = Duration::from_millis(50);

pub const LT_WRITABLE_SPIN: Claim = Claim {
    id: "lt-writable-spin",
    claim: "LT reports EPOLLOUT while there is room",
    asked: "Nothing to send, 1,000 waits in a row. Then 512 bytes a send, a wait after each, \
            until EAGAIN: is there a wait that reports nothing although the next send still takes \
            bytes?",
    experiment: lt_writable_spin,
};

fn lt_writable_spin(t: &mut Trial) -> Result<Finding> {
    let a = t.small_connection(BUFFER)?;
    let epoll = t.epoll_of(&[&a], OUT)?;
    let began = Instant::now();
    let reports = t.waits(&epoll, WAITS)?;
    let took = began.elapsed();
    t.note("send(3<A>, ..., 512) and a wait, again and again, until EAGAIN");
    let withheld = t.untraced(|t| withheld_with_room(t, &a, &epoll))?;
    let seen = if withheld { "yes" } else { "no" };
    t.note(format!(
        "waits that reported nothing, and then a send that took bytes: {seen}"
    ));
    Ok(judge_lt_writable_spin(reports, withheld, took))
}

/// Fills the buffer: was there a wait without a report, and then a send that
/// took bytes?
fn withheld_with_room(t: &mut Trial, a: &Conn, epoll: &Epoll) -> Result<bool> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let mut withheld = false;
    loop {
        let silent = t.wait(epoll)?.is_empty();
        match errno(t.sys.send(&a.socket, &[b'x'; 512], flags)) {
            Ok(_) => withheld |= silent,
            Err(Errno::EAGAIN) => return Ok(withheld),
            Err(errno) => Err(errno).of_call("send")?,
        }
    }
}

fn judge_lt_writable_spin(reports: usize, withheld: bool, took: Duration) -> Finding {
    let waits = format!("{} of {} waits", figure(reports), figure(WAITS));
    let rate = reports as f64 / took.as_secs_f64();
    match (reports == WAITS, withheld) {
        (true, true) => confirmed(format!(
            "{waits} reported it; with the buffer nearly full they did not, though send took bytes"
        ))
        .why(
            "A busy loop, unless EPOLLOUT is asked for only while something waits to be sent. \
             With about two thirds in use the report is withheld, though send still takes bytes.",
        ),
        (true, false) => confirmed(format!(
            "{waits} reported it, and so it was to the last byte of room"
        ))
        .why("A busy loop, unless EPOLLOUT is asked for only while something waits."),
        (false, _) => refuted(format!("{waits} reported it"))
            .why("An empty send buffer was not reported at every wait."),
    }
    .count("waits", WAITS)
    .count("reports", reports)
    .count("withheld_with_room", withheld)
    .varies("reports_per_second", rate)
    .varying(format!(
        "{} of {} waits reported it, {} times a second",
        figure(reports),
        figure(WAITS),
        figure(rate as usize)
    ))
}

pub const ET_WRITABLE_ONCE: Claim = Claim {
    id: "et-writable-once",
    claim: "with nothing sent, ET reports EPOLLOUT once",
    asked: "Nothing to send, 1,000 waits in a row.",
    experiment: et_writable_once,
};

fn et_writable_once(t: &mut Trial) -> Result<Finding> {
    let a = t.small_connection(BUFFER)?;
    let epoll = t.epoll_of(&[&a], OUT | ET)?;
    Ok(judge_et_writable_once(t.waits(&epoll, WAITS)?))
}

fn judge_et_writable_once(reports: usize) -> Finding {
    let evidence = format!("{} of {} waits reported it", figure(reports), figure(WAITS));
    match reports {
        1 => confirmed(evidence).why(
            "The ADD found it writable, and nothing has happened since. What a send brings is \
             another claim: out-once.",
        ),
        _ => refuted(evidence).why("Nothing changed, and yet it was reported again, or never."),
    }
    .count("waits", WAITS)
    .count("reports", reports)
}

pub const ET_WRITABLE_REFILL: Claim = Claim {
    id: "et-writable-refill",
    claim: "after EAGAIN, ET reports once that there is room",
    asked: "Send until EAGAIN, and until a wait of 50 ms is silent (the kernel goes on moving \
            bytes by itself). The client reads 1 byte, then all the rest in small steps.",
    experiment: et_writable_refill,
};

fn et_writable_refill(t: &mut Trial) -> Result<Finding> {
    let a = t.small_connection(BUFFER)?;
    t.nonblocking(&a)?;
    let epoll = t.epoll_of(&[&a], OUT | ET)?;
    t.wait(&epoll)?;
    t.note("send(3<A>, ...), 4096 bytes at a time, then 1, until EAGAIN and silence");
    let filled = t.untraced(|t| fill(t, &a, &epoll))?;
    let full = errno(t.sys.send(&a.socket, b"x", MsgFlags::MSG_NOSIGNAL));
    let silence = t.wait_for(&epoll, 1, SILENCE)?.len();
    t.receives(&a, 1)?;
    let first_byte = t.wait_for(&epoll, 1, SILENCE)?.len();
    t.note("A's client reads the rest, 512 bytes at a time, a wait after each");
    let (reports, read) = t.untraced(|t| empty(t, &a, &epoll, filled - 1))?;
    t.note(format!("reports: {}", first_byte + reports));
    ensure!(full == Err(Errno::EAGAIN), "the send buffer is not full");
    Ok(judge_et_writable_refill(
        silence,
        first_byte,
        reports,
        read + 1,
        filled,
    ))
}

/// Sends until EAGAIN and [`SILENCE`]; how many bytes that took.
fn fill(t: &mut Trial, a: &Conn, epoll: &Epoll) -> Result<usize> {
    let mut bytes = 0;
    loop {
        while let taken @ 1.. = a.send_if_room(&[b'x'; 4096])? {
            bytes += taken;
        }
        let silent = t.wait_for(epoll, 1, SILENCE)?.is_empty();
        // In that time the kernel may have moved a few bytes on: too few for a
        // report, and yet room for one.
        match a.send_if_room(b"x")? {
            0 if silent => return Ok(bytes),
            taken => bytes += taken,
        }
    }
}

/// The client reads it all: the reports meanwhile, and how much it had read at
/// the first.
fn empty(t: &mut Trial, a: &Conn, epoll: &Epoll, bytes: usize) -> Result<(usize, usize)> {
    let (mut reports, mut read, mut at) = (0, 0, 0);
    while read < bytes {
        read += a.receives(512.min(bytes - read))?.len();
        reports += t.wait(epoll)?.len();
        if reports > 0 && at == 0 {
            at = read;
        }
    }
    // The last acknowledgement may be on its way.
    let patience = if reports == 0 { PATIENCE } else { SILENCE };
    reports += t.wait_for(epoll, 1, patience)?.len();
    Ok((reports, if at == 0 { read } else { at }))
}

fn judge_et_writable_refill(
    silence: usize,
    first_byte: usize,
    reports: usize,
    read: usize,
    filled: usize,
) -> Finding {
    let share = 100.0 * read as f64 / filled as f64;
    match (silence, first_byte, reports) {
        (0, 0, 1) => confirmed("1 report came, and not when the client read its first byte").why(
            "The kernel waits until about a third of the buffer is free: a report for every free \
             byte would be a wake-up for every byte. Without the EAGAIN there may be none: \
             out-needs-eagain.",
        ),
        (0, 1, 0) => confirmed("1 report came, when the client read its first byte")
            .why("This kernel reports the first free byte."),
        _ => refuted(format!(
            "reports: {silence} while full, {first_byte} at the first byte read, {reports} later"
        ))
        .why("Not one report for one passage from full to writable."),
    }
    .count("reports", silence + first_byte + reports)
    .count("at_first_byte", first_byte)
    .varies("filled_bytes", filled as f64)
    .varies("read_before_report_percent", share)
    .varying(format!(
        "1 report came, when {share:.0} % of {filled} bytes were read"
    ))
}

pub const ET_IN_BRINGS_OUT: Claim = Claim {
    id: "et-in-brings-out",
    claim: "EPOLLIN arrives alone",
    asked: "Interest in IN, OUT and ET; the OUT of the ADD is taken and a wait is silent. Then \
            the client sends.",
    experiment: et_in_brings_out,
};

fn et_in_brings_out(t: &mut Trial) -> Result<Finding> {
    let a = t.connection()?;
    let epoll = t.epoll_of(&[&a], IN | OUT | ET)?;
    t.wait(&epoll)?;
    let silence = t.wait(&epoll)?.len();
    t.sends(&a, b"ping")?;
    let events = events(&t.wait(&epoll)?);
    Ok(judge_et_in_brings_out(silence, events))
}

fn judge_et_in_brings_out(silence: usize, events: EpollFlags) -> Finding {
    let evidence = format!(
        "{} came before the client sent, and its bytes were reported as {}",
        reports(silence),
        short(events)
    );
    match (events.contains(IN), events.contains(OUT)) {
        (true, true) => refuted(evidence).why(
            "The arrival put the fd on the ready list; the wait then asked it afresh, and it is \
             writable as well. So \"OUT once\" holds for OUT alone.",
        ),
        (true, false) => confirmed(evidence).why("Only what is new was reported."),
        _ => refuted(evidence).why("The arrival was not reported."),
    }
    .count("out_with_in", events.contains(IN | OUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let spin =
            |reports, withheld| judge_lt_writable_spin(reports, withheld, Duration::from_millis(1));
        assert_eq!(spin(WAITS, true).verdict, Confirmed);
        assert_ne!(spin(WAITS, false).evidence, spin(WAITS, true).evidence);
        assert_eq!(spin(1, true).verdict, Refuted);

        assert_eq!(judge_et_writable_once(1).verdict, Confirmed);
        assert_eq!(judge_et_writable_once(WAITS).verdict, Refuted);
        assert_eq!(judge_et_writable_once(0).verdict, Refuted);

        let refill =
            |silence, first, rest| judge_et_writable_refill(silence, first, rest, 10, 100).verdict;
        assert_eq!(refill(0, 0, 1), Confirmed);
        assert_eq!(refill(0, 1, 0), Confirmed);
        assert_eq!(refill(0, 1, 1), Refuted);
        assert_eq!(refill(0, 0, 0), Refuted);
        assert_eq!(refill(1, 0, 1), Refuted);

        assert_eq!(judge_et_in_brings_out(0, IN | OUT).verdict, Refuted);
        assert_eq!(judge_et_in_brings_out(0, IN).verdict, Confirmed);
    }
}
