//! What to run now: from each command to one that goes on from there.

use crate::claims::{self, Claim};
use crate::commands::servers::Server;
use crate::server::mode::Mode;
use crate::show::text::layout::WIDTH;

/// After a server: with its calls, or after those the server that mends what
/// this one breaks. `flags`: those that ask for this run.
pub fn after_server(server: Server, mode: &Mode, flags: &str, calls: bool) -> String {
    if calls {
        return onward(server, mode, "--trace");
    }
    let again = format!("epoll-lab {}{flags} --trace", server.name());
    or(again, "the same with --trace")
}

/// The command; in other words where it would go over two lines, and could not
/// be copied.
pub fn or(command: String, in_words: &str) -> String {
    match "next: ".len() + command.chars().count() <= WIDTH {
        true => command,
        false => in_words.into(),
    }
}

/// The same where it was predicted: the class goes on predicting, for the
/// calls it may have seen.
pub fn after_predicted(server: Server, mode: &Mode) -> String {
    onward(server, mode, "--predict")
}

/// The server that mends what this one breaks, to be watched with `flag`.
fn onward(server: Server, mode: &Mode, flag: &str) -> String {
    use Server::{Blocking, EtBlocking, Lt};
    let own = server.mode();
    match (server, mode.read == own.read, mode.socket == own.socket) {
        (Blocking, ..) => format!("epoll-lab lt {flag}"),
        (Lt, true, true) => format!("epoll-lab et-blocking --read once {flag}"),
        (EtBlocking, false, true) => format!("epoll-lab et-blocking {flag}"),
        (EtBlocking, true, true) => format!("epoll-lab et-nonblock {flag}"),
        // One of the other combinations: see all of them beside each other.
        _ if flag == "--predict" => "epoll-lab matrix --predict".into(),
        _ => "epoll-lab matrix".into(),
    }
}

/// After the matrix.
pub fn after_matrix(predicted: bool) -> &'static str {
    if predicted {
        "epoll-lab write-events --predict"
    } else {
        "epoll-lab write-events"
    }
}

/// After the threads.
pub const AFTER_THREADS: &str = "epoll-lab claims shared-epoll";

/// After `write-events`.
pub fn after_write_events(calls: bool, predicted: bool) -> &'static str {
    if calls || predicted {
        // Other APIs have an event for room, too.
        "epoll-lab select-poll-compare --only servers"
    } else {
        "epoll-lab write-events --trace"
    }
}

/// After the servers of `select-poll-compare`, where the cost does not follow.
pub fn after_comparison(calls: bool) -> &'static str {
    if calls {
        "epoll-lab select-poll-compare --only cost"
    } else {
        "epoll-lab select-poll-compare --only servers --trace"
    }
}

/// After the cost of a wait.
pub const AFTER_COST: &str = "epoll-lab claims";

/// After one claim: the line, because the last one has none behind it.
pub fn after_claim(claim: &Claim, predicted: bool) -> String {
    let flag = if predicted { " --predict" } else { "" };
    let mut after = claims::all().skip_while(|other| other.id != claim.id);
    match after.nth(1) {
        Some(next) => format!("next: epoll-lab claims {}{flag}", next.id),
        None => "all of them: epoll-lab claims".into(),
    }
}
