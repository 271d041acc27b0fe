//! Whether edge-triggered is the faster one: counted in system calls.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::claims::prelude::*;

pub const ET_FASTER: Claim = Claim {
    id: "et-faster",
    claim: "ET is more efficient than LT",
    asked: "How many calls of epoll_wait and recv for the same bytes? LT with one recv a report, \
            LT drained, ET drained; 32,768 bytes at once, read 5 and 65,536 at a time, and a \
            small message, 13 bytes, with room for all of them.",
    experiment: et_faster,
};

/// Calls and time of: LT with one recv a report, LT drained, ET drained.
type Styles = [(usize, Duration); 3];

fn et_faster(t: &mut Trial) -> Result<Finding> {
    let bulk = vec![b'x'; 32_768];
    let small_buffer = all_styles(t, &bulk, 5)?;
    let large_buffer = all_styles(t, &bulk, 65_536)?;
    let message = all_styles(t, MESSAGE, 65_536)?;
    Ok(judge_et_faster(small_buffer, large_buffer, message))
}

fn all_styles(t: &mut Trial, message: &[u8], buffer: usize) -> Result<Styles> {
    let mut all = Styles::default();
    let styles = [(IN, false), (IN, true), (IN | ET, true)];
    for (place, (interest, drained)) in all.iter_mut().zip(styles) {
        *place = t.untraced(|t| serve(t, interest, drained, message, buffer))?;
    }
    let [once, drain, edge] = all.map(|(calls, _)| calls);
    t.note(format!(
        "{} bytes, {} a recv: LT {} calls, LT drained {}, ET drained {}",
        figure(message.len()),
        figure(buffer),
        figure(once),
        figure(drain),
        figure(edge)
    ));
    Ok(all)
}

/// Waits and reads until the message is in; how many calls that took.
fn serve(
    t: &mut Trial,
    interest: EpollFlags,
    drained: bool,
    message: &[u8],
    buffer: usize,
) -> Result<(usize, Duration)> {
    let a = t.connection()?;
    t.nonblocking(&a)?;
    let epoll = t.epoll_of(&[&a], interest)?;
    a.sends(message)?;
    let mut room = vec![0; buffer];
    let (mut calls, mut bytes) = (0, 0);
    let began = Instant::now();
    while bytes < message.len() {
        ensure!(!t.wait(&epoll)?.is_empty(), "unread bytes are not reported");
        calls += 1;
        loop {
            calls += 1;
            match t.sys.recv(&a.socket, &mut room) {
                Ok(n) => bytes += n,
                Err(e) if e.errno == nix::errno::Errno::EAGAIN => break,
                Err(e) => return Err(e.into()),
            }
            if !drained {
                break;
            }
        }
    }
    Ok((calls, began.elapsed()))
}

fn judge_et_faster(by_5: Styles, at_once: Styles, small: Styles) -> Finding {
    let calls = |styles: Styles| styles.map(|(calls, _)| calls);
    let [once, drained, edge] = calls(by_5);
    let [small_once, _, small_edge] = calls(small);
    let ms = |styles: Styles| styles.map(|(_, took)| took.as_secs_f64() * 1e3);
    let [once_ms, drained_ms, edge_ms] = ms(by_5);
    match () {
        _ if edge < drained => confirmed(format!("drained, LT made {drained} calls and ET {edge}"))
            .why("EPOLLET itself saved calls."),
        _ if edge < once => depends(format!(
            "LT made {} calls, with a drain {}, and ET with a drain {}; for a small message LT \
             made {small_once}, ET {small_edge}",
            figure(once),
            figure(drained),
            figure(edge)
        ))
        .why(
            "The gain is in draining, not in EPOLLET: LT drained makes the same calls. For one \
             small message LT needs two calls and ET three, because it must see EAGAIN.",
        ),
        _ => refuted(format!("LT made {once} calls and ET {edge}"))
            .why("Edge-triggered saved nothing."),
    }
    .count("lt_once_calls", once)
    .count("lt_drain_calls", drained)
    .count("et_drain_calls", edge)
    .count("lt_once_calls_64k", calls(at_once)[0])
    .count("et_drain_calls_64k", calls(at_once)[2])
    .count("lt_once_calls_small", small_once)
    .count("et_drain_calls_small", small_edge)
    .varies("lt_once_ms", once_ms)
    .varies("lt_drain_ms", drained_ms)
    .varies("et_drain_ms", edge_ms)
    .varying(format!(
        "LT took {once_ms:.1} ms, LT drained {drained_ms:.1}, ET drained {edge_ms:.1}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let calls = |calls: [usize; 3]| calls.map(|calls| (calls, Duration::ZERO));
        let small = calls([2, 3, 3]);
        let verdict = |by_5| judge_et_faster(calls(by_5), small, small).verdict;
        assert_eq!(verdict([13_108, 6_556, 6_556]), Depends);
        assert_eq!(verdict([13_108, 6_556, 6_000]), Confirmed);
        assert_eq!(verdict([6_556, 6_556, 6_556]), Refuted);
    }
}
