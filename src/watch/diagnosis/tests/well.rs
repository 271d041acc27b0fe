//! Nothing has gone wrong: how they were served.

use super::*;

#[test]
fn all_is_well() {
    let sentence = "level-triggered, blocking sockets, one recv per report.";
    says(&well(), "OK", sentence, None);
    let mut seen = well();
    for client in &mut seen.clients {
        client.edge = Some(true);
        client.nonblocking = Some(true);
        client.counts.eagain = 1;
    }
    let sentence = "edge-triggered, O_NONBLOCK, read until EAGAIN.";
    says(&seen, "OK", sentence, None);
    let mut seen = well();
    seen.wait_call = None;
    seen.clients
        .iter_mut()
        .for_each(|client| client.edge = None);
    says(
        &seen,
        "OK",
        "no wait call, blocking sockets, one recv.",
        None,
    );
    seen.workers = true;
    seen.clients[0].counts.recv = 2;
    let sentence = "a thread or process for each client, blocking sockets, recv in a loop.";
    says(&seen, "OK", sentence, None);
}

#[test]
fn until_eagain_is_said_of_all_or_not_at_all() {
    let mut seen = well();
    for (client, eagain) in seen.clients.iter_mut().zip([0, 1]) {
        (client.edge, client.nonblocking) = (Some(true), Some(true));
        (client.counts.recv, client.counts.eagain) = (3, eagain);
    }
    let sentence = "edge-triggered, O_NONBLOCK, several recv per report. A was left before EAGAIN.";
    says(&seen, "OK", sentence, None);
    seen.clients[0].counts.eagain = 1;
    says(
        &seen,
        "OK",
        "edge-triggered, O_NONBLOCK, read until EAGAIN.",
        None,
    );
}
