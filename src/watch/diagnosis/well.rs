//! The sentence of an act in which nothing has gone wrong: how it was served.

use crate::trace::Name;
use crate::watch::act::Act;
use crate::watch::diagnosis::seen::{Seen, is_drained};
use crate::watch::odd::list;

/// What was seen to go well.
pub fn well(seen: &Seen) -> String {
    match seen.act {
        Act::Basic => served(seen),
        Act::Burst => {
            let call = seen.wait_call.unwrap_or("the accept");
            let drained = match seen.listener_edge {
                true => ": the edge-triggered listener was drained",
                false => "",
            };
            format!("D and E were accepted after one return of {call}{drained}.")
                .replace("one return of the accept", "C was served")
        }
        Act::Reset => "F's reset ended F's connection alone.".into(),
        Act::Leave => "I was served, and closed when it had hung up.".into(),
        Act::Slow => {
            let short = seen.clients.iter().any(|client| client.short_sends > 0);
            match short {
                _ if !seen.echo => "G was answered once it read.".into(),
                true => "sends to G fell short; all came back once it read.".into(),
                false => "all came back once G read.".into(),
            }
        }
    }
}

fn served(seen: &Seen) -> String {
    let edge = seen.clients.iter().find_map(|client| client.edge);
    let trigger = match (edge, seen.wait_call) {
        (Some(true), _) => "edge-triggered",
        (Some(false), _) => "level-triggered",
        (None, Some("epoll_wait")) => "epoll",
        (None, Some(call)) => call,
        (None, None) if seen.workers => "a thread or process for each client",
        (None, None) => "no wait call",
    };
    let nonblocking = seen.clients.iter().find_map(|client| client.nonblocking);
    let socket = match nonblocking {
        Some(true) => "O_NONBLOCK",
        _ => "blocking sockets",
    };
    let reported = || seen.clients.iter().filter(|it| it.counts.reports > 0);
    let drained = reported().count() > 0 && reported().all(is_drained);
    let reports: u64 = seen
        .clients
        .iter()
        .map(|client| client.counts.reports)
        .sum();
    let recv: u64 = seen.clients.iter().map(|client| client.counts.recv).sum();
    let read = match (drained, seen.wait_call) {
        (true, _) => "read until EAGAIN",
        (false, Some(_)) if recv == reports => "one recv per report",
        (false, Some(_)) => "several recv per report",
        (false, None) if seen.clients.iter().any(|it| it.counts.recv > 1) => "recv in a loop",
        (false, None) => "one recv",
    };
    // Served all the same, because no more came.
    let left: Vec<Name> = reported()
        .filter(|client| client.edge == Some(true) && !is_drained(client))
        .map(|client| client.name)
        .collect();
    let left = match left.as_slice() {
        [] => String::new(),
        [one] => format!(" {one} was left before EAGAIN."),
        _ => format!(" {} were left before EAGAIN.", list(&left)),
    };
    format!("{trigger}, {socket}, {read}.{left}")
}
