//! One sentence on a run, computed from its counts: no count, and no outcome,
//! is known before the run.

use crate::server::mode::Read;

use crate::lab::report::scene::{Scene, Stuck};
use crate::lab::report::{Answered, Api, Outcome, Report, Trigger, Verdict};
use crate::server::mode::SocketKind;
use crate::trace::Name;

/// What the counts of `report` say.
pub fn verdict(report: &Report, scene: &Scene) -> Verdict {
    let outcome = outcome(report);
    let sentence = match (outcome, &report.stuck) {
        _ if scene.clients.is_empty() => outside(report),
        (Outcome::Stuck, Some(stuck)) => stuck_sentence(report, scene, stuck),
        (Outcome::Stranded, _) => stranded_sentence(report, scene),
        (Outcome::Incomplete, _) => incomplete_sentence(report),
        _ => ok_sentence(report, scene),
    };
    Verdict { outcome, sentence }
}

fn outcome(report: &Report) -> Outcome {
    match report {
        _ if !report.echo_intact => Outcome::Incomplete,
        _ if report.stuck.is_some() => Outcome::Stuck,
        _ if report.stranded > 0 => Outcome::Stranded,
        _ if report.sum.answered == Some(Answered::Never) => Outcome::Incomplete,
        _ => Outcome::Ok,
    }
}

fn stuck_sentence(report: &Report, scene: &Scene, stuck: &Stuck) -> String {
    let who = stuck.fd.name;
    let side = |name: &Name| match name {
        Name::Client(index) => scene.clients.get(*index as usize),
        _ => None,
    };
    let asleep = match report.run.api {
        Api::None => format!("ONE AT A TIME: asleep in {} for {who}.", stuck.call),
        // What it said later, if anything, is what woke the server.
        _ if side(&who).is_some_and(|side| side.sent == stuck.sent) => format!(
            "STUCK: asleep in {} for {who}, who had no more to say.",
            stuck.call
        ),
        _ => format!("STUCK: asleep in {} for {who}.", stuck.call),
    };
    let starved = names(&stuck.starved);
    let row = |name: &Name| {
        report
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
    match (stuck.starved.is_empty(), report.run.api.wait_call()) {
        (true, Some(wait)) => format!("{asleep} The server was not in {wait}."),
        (true, None) => asleep,
        // With several, the second waits for the first as well.
        (false, _) if stuck.starved.len() == 1 && stuck.starved.iter().all(waited_to_the_end) => {
            format!("{asleep} {starved} starved until {who} hung up.")
        }
        (false, _) => format!("{asleep} {starved} starved meanwhile."),
    }
}

fn stranded_sentence(report: &Report, scene: &Scene) -> String {
    let of: Vec<Name> = (0..)
        .zip(&scene.clients)
        .filter(|(_, side)| side.stranded > 0)
        .map(|(index, _)| Name::Client(index))
        .collect();
    let sentence = format!(
        "STRANDED: {} of {} unread while the server slept in epoll_wait.",
        bytes(report.stranded),
        names(&of),
    );
    let them = if report.stranded == 1 { "it" } else { "them" };
    match report.sum.server.unread {
        left if left == report.stranded => format!("{sentence} Nothing ever read {them}."),
        0 => {
            // What is unread is gone; the end of the file behind it is not.
            let open = report.rows.iter().filter(|row| !row.server.ended);
            let open: Vec<&str> = open.map(|row| row.client.as_str()).collect();
            let end = match open.is_empty() {
                true => String::new(),
                false => format!(" The end of file of {} was never seen.", list(&open)),
            };
            format!("{sentence} The hang-up, an edge of its own, brought {them}.{end}")
        }
        left => format!(
            "{sentence} The hang-up, an edge of its own, brought {}; {left} {} never read.",
            report.stranded - left.min(report.stranded),
            if left == 1 { "was" } else { "were" },
        ),
    }
}

fn incomplete_sentence(report: &Report) -> String {
    let (back, sent) = (report.sum.echoed, report.sum.sent.unwrap_or(0));
    match report.echo_intact {
        false => format!("DAMAGED: bytes came back that nobody had sent ({back} of {sent})."),
        true => {
            let short = report
                .rows
                .iter()
                .filter(|row| row.answered == Some(Answered::Never));
            let short: Vec<&str> = short.map(|row| row.client.as_str()).collect();
            let who = list(&short);
            format!("INCOMPLETE: {back} of {sent} bytes came back; not all of {who}'s.")
        }
    }
}

fn ok_sentence(report: &Report, scene: &Scene) -> String {
    let reports = report.sum.server.reports;
    let messages = scene.clients.iter().map(|side| side.messages).sum();
    let counted = format!(
        "{} for {}",
        plural(reports, "report"),
        plural(messages, "message")
    );
    let (run, sum) = (&report.run, &report.sum.server);
    let late: Vec<&str> = report
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
fn outside(report: &Report) -> String {
    let sum = &report.sum.server;
    let mut sentence = format!(
        "{}: {} received, {} sent back",
        plural(report.accepted, "client"),
        bytes(sum.received),
        sum.echoed,
    );
    sentence += &match report.run.api {
        Api::None => ".".into(), // nothing reports
        _ => format!(", {}.", plural(sum.reports, "report")),
    };
    if let Some(stuck) = &report.stuck {
        sentence += &format!(" STUCK: asleep in {} for {}.", stuck.call, stuck.fd.name);
    }
    if let (1.., Some(wait)) = (report.stranded, report.run.api.wait_call()) {
        let stranded = bytes(report.stranded);
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
