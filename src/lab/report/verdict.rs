//! One sentence on a run, computed from its counts: no count, and no outcome,
//! is known before the run.

use crate::lab::report::run::{EventLoop, Trigger};
use crate::lab::report::scene::Stuck;
use crate::lab::report::summary::{Answered, Outcome, Summary};
use crate::server::mode::{Read, SocketKind};
use crate::trace::Name;

/// What the counts say.
pub fn sentence(summary: &Summary) -> String {
    match (summary.outcome, &summary.scene.stuck) {
        _ if summary.scene.clients.is_empty() => outside(summary),
        (Outcome::Stuck, Some(stuck)) => stuck_sentence(summary, stuck),
        (Outcome::Stranded, _) => stranded_sentence(summary),
        (Outcome::Incomplete, _) => incomplete_sentence(summary),
        _ => ok_sentence(summary),
    }
}

fn stuck_sentence(summary: &Summary, stuck: &Stuck) -> String {
    let who = stuck.fd.name;
    let side = |name: &Name| match name {
        Name::Client(index) => summary.scene.clients.get(*index as usize),
        _ => None,
    };
    let asleep = match summary.run.api {
        EventLoop::None => format!("ONE AT A TIME: asleep in {} for {who}.", stuck.call),
        // What it said later, if anything, is what woke the server.
        _ if side(&who).is_some_and(|side| side.sent == stuck.sent) => {
            format!("STUCK in {} for {who}, who had no more to say.", stuck.call)
        }
        _ => format!("STUCK in {} for {who}.", stuck.call),
    };
    let starved = names(&stuck.starved);
    let row = |name: &Name| {
        summary
            .rows
            .iter()
            .find(|row| row.client == name.to_string())
    };
    let hung_up = row(&who).is_some_and(|row| row.server.ended);
    let waited_to_the_end = |name: &Name| {
        let unanswered = side(name).is_some_and(|side| side.unanswered > 0);
        let late = row(name).is_some_and(|row| row.answered == Some(Answered::Late));
        unanswered && late && hung_up
    };
    match (stuck.starved.is_empty(), summary.run.api.wait_call()) {
        (true, Some(wait)) => format!("{asleep} The server was not in {wait}."),
        (true, None) => asleep,
        // With several, the second waits for the first as well.
        (false, _) if stuck.starved.len() == 1 && stuck.starved.iter().all(waited_to_the_end) => {
            format!("{asleep} {starved} starved until {who} hung up.")
        }
        (false, _) => format!("{asleep} {starved} starved meanwhile."),
    }
}

fn stranded_sentence(summary: &Summary) -> String {
    let of: Vec<Name> = (0..)
        .zip(&summary.scene.clients)
        .filter(|(_, side)| side.stranded > 0)
        .map(|(index, _)| Name::Client(index))
        .collect();
    let sentence = format!(
        "STRANDED: {} of {} unread while the server slept in epoll_wait.",
        bytes(summary.stranded),
        names(&of),
    );
    let them = if summary.stranded == 1 { "it" } else { "them" };
    match summary.sum.server.unread {
        left if left == summary.stranded => format!("{sentence} Nothing ever read {them}."),
        0 => {
            // What is unread is gone; the end of the file behind it is not.
            let open = summary.rows.iter().filter(|row| !row.server.ended);
            let open: Vec<&str> = open.map(|row| row.client.as_str()).collect();
            let end = if open.is_empty() {
                String::new()
            } else {
                format!(" The end of file of {} was never seen.", list(&open))
            };
            format!("{sentence} The hang-up, an edge of its own, brought {them}.{end}")
        }
        left => format!(
            "{sentence} The hang-up, an edge of its own, brought {}; {left} {} never read.",
            summary.stranded - left.min(summary.stranded),
            if left == 1 { "was" } else { "were" },
        ),
    }
}

fn incomplete_sentence(summary: &Summary) -> String {
    let (back, sent) = (summary.sum.echoed, summary.sum.sent.unwrap_or(0));
    if !summary.echo_intact {
        return format!("DAMAGED: bytes came back that nobody had sent ({back} of {sent}).");
    }
    let short = summary
        .rows
        .iter()
        .filter(|row| row.answered == Some(Answered::Never));
    let short: Vec<&str> = short.map(|row| row.client.as_str()).collect();
    let who = list(&short);
    format!("INCOMPLETE: {back} of {sent} bytes came back; not all of {who}'s.")
}

fn ok_sentence(summary: &Summary) -> String {
    let reports = summary.sum.server.data_reports();
    let messages = summary.scene.clients.iter().map(|side| side.messages).sum();
    let counted = format!(
        "{} for {}",
        plural(reports, "data report"),
        plural(messages, "message")
    );
    let (run, sum) = (&summary.run, &summary.sum.server);
    let late: Vec<&str> = summary
        .rows
        .iter()
        .filter(|row| row.answered == Some(Answered::Late))
        .map(|row| row.client.as_str())
        .collect();
    match (run.trigger, run.read, run.socket) {
        _ if messages == 0 => "nothing was sent.".into(),
        (None, ..) if late.is_empty() => "served: nobody else was waiting.".into(),
        (None, ..) => "served, one after the other.".into(),
        _ if !late.is_empty() => format!("LATE: {counted}; {} had to wait.", list(&late)),
        (Some(Trigger::Level), Read::Once, _) if reports > messages => {
            format!("{counted}: level-triggered repeats while bytes are unread.")
        }
        (Some(_), Read::Drain, SocketKind::Nonblocking) if sum.eagain >= reports => format!(
            "{counted}: {} drained to EAGAIN, and nobody had to wait.",
            match reports {
                1 => "it was",
                _ => "each was",
            }
        ),
        _ if reports == messages && sum.recv == reports + sum.hangups => {
            let each = if reports == 1 { "" } else { "each time " };
            format!("{counted}: {each}one recv took all there was.")
        }
        _ => format!("{counted}, {}.", plural(sum.recv, "recv call")),
    }
}

/// For clients that are not the lab's: what the server saw.
fn outside(summary: &Summary) -> String {
    let sum = &summary.sum.server;
    let mut sentence = format!(
        "{}: {} received, {} sent back",
        plural(summary.accepted, "client"),
        bytes(sum.received),
        sum.echoed,
    );
    sentence += &match summary.run.api {
        EventLoop::None => ".".into(), // nothing reports
        _ => format!(", {}.", plural(sum.data_reports(), "data report")),
    };
    if let Some(stuck) = &summary.scene.stuck {
        sentence += &format!(" STUCK: asleep in {} for {}.", stuck.call, stuck.fd.name);
    }
    if let (1.., Some(wait)) = (summary.stranded, summary.run.api.wait_call()) {
        let stranded = bytes(summary.stranded);
        sentence += &format!(" STRANDED: {stranded} unread, asleep in {wait}.");
    }
    sentence
}

fn bytes(n: u64) -> String {
    plural(n, "byte")
}

/// `1 fd`, `2 fds`.
pub fn plural(n: u64, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        _ => format!("{n} {what}s"),
    }
}

/// `B`, `B and C`, `B, C and 7 more`.
pub fn names(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(Name::to_string).collect();
    list(&names)
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => "nobody".into(),
        [one] => one.as_ref().into(),
        [one, two] => format!("{} and {}", one.as_ref(), two.as_ref()),
        [one, two, rest @ ..] => {
            format!("{}, {} and {} more", one.as_ref(), two.as_ref(), rest.len())
        }
    }
}
