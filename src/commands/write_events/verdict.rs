//! What the counts come to, in words. Nothing is known before the run.

use crate::commands::write_events::side::{Act, Played, Side};
use crate::lab::report::Trigger;
use crate::lab::report::verdict::plural;

/// One act in a few words: `EPOLLOUT at each of 1000 waits`.
pub fn said(measured: &Played) -> String {
    let Played { waits, reports, .. } = *measured;
    match (reports, measured.silent) {
        (0, true) => "no EPOLLOUT, silence".into(),
        (0, false) => "no EPOLLOUT".into(),
        (1, true) => "EPOLLOUT once, then silence".into(),
        (1, false) if waits == 1 => "EPOLLOUT at once".into(),
        (n, true) => format!("EPOLLOUT {n} times, then silence"),
        (n, false) if n == waits => format!("EPOLLOUT at each of {waits} waits, a busy loop"),
        (n, false) => format!("EPOLLOUT at {n} of {waits} waits"),
    }
}

/// The sentences below the table.
pub fn sentences(sides: &[Side]) -> Vec<String> {
    let mut sentences = Vec::new();
    let heads = [
        (Act::Idle, "Nothing to send"),
        (Act::Fill, "Buffer full"),
        (Act::Drain, "Room again, nothing to send"),
    ];
    for (act, head) in heads {
        sentences.push(beside(head, sides, |side| said(side.of(act))));
    }
    sentences.push(beside("P reads", sides, when));
    sentences.push(beside("EPOLLOUT on demand", sides, saved));
    if let Some(side) = sides.iter().find(|side| !side.is_whole()) {
        let (sent, received) = (side.sent, side.received);
        sentences.push(format!("LOST: {received} of {sent} bytes arrived."));
    }
    sentences
}

/// Whether the first bytes that P read were enough.
fn when(side: &Side) -> String {
    let drain = side.of(Act::Drain);
    match (drain.reports, drain.reads) {
        (0, _) => "EPOLLOUT never came, although all was read".into(),
        (_, 0 | 1) => "EPOLLOUT came with the first recv".into(),
        _ => "EPOLLOUT did not come with the first recv; more had to be free".into(),
    }
}

/// What it costs to be told all the while, beside being told when it matters.
fn saved(side: &Side) -> String {
    let always = side.of(Act::Idle).reports + side.of(Act::Drain).reports;
    let right = side.of(Act::OnDemand);
    let reports = plural(right.reports, "report");
    match right.bytes {
        0 => format!("{reports} woke W, and nothing went out"),
        bytes => format!("{reports} instead of {always}, and {bytes} bytes went out"),
    }
}

/// The same of both, or each by its name.
fn beside(head: &str, sides: &[Side], say: impl Fn(&Side) -> String) -> String {
    let said: Vec<String> = sides.iter().map(&say).collect();
    match said.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other == first) => {
            format!("{head}: {first}.")
        }
        _ => {
            let each = sides.iter().zip(&said);
            let each: Vec<String> = each
                .map(|(side, said)| format!("{}: {said}.", short(side.trigger)))
                .collect();
            format!("{head}. {}", each.join(" "))
        }
    }
}

/// `LT`, `ET`: as a sentence has them.
pub fn short(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Level => "LT",
        Trigger::Edge => "ET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::write_events::side::Queue;

    fn measured(act: Act, waits: u64, reports: u64, silent: bool) -> Played {
        Played {
            waits,
            reports,
            silent,
            bytes: 1024,
            reads: 2,
            ..Played::new(act)
        }
    }

    fn side(trigger: Trigger, waits: u64, reports: u64, silent: bool) -> Side {
        Side {
            trigger,
            acts: Act::ALL.map(|act| measured(act, waits, reports, silent)),
            queue: Queue::default(),
            sent: 1024,
            received: 1024,
        }
    }

    #[test]
    fn one_act_whatever_the_kernel_answers() {
        let said = |waits, reports, silent| said(&measured(Act::Idle, waits, reports, silent));
        assert_eq!(said(2, 1, true), "EPOLLOUT once, then silence");
        assert_eq!(said(1, 0, true), "no EPOLLOUT, silence");
        assert_eq!(said(1, 1, false), "EPOLLOUT at once");
        assert_eq!(said(4, 3, true), "EPOLLOUT 3 times, then silence");
        let busy = "EPOLLOUT at each of 10 waits, a busy loop";
        assert_eq!(said(10, 10, false), busy);
    }

    #[test]
    fn what_both_do_is_said_once() {
        let alike = [
            side(Trigger::Level, 2, 1, true),
            side(Trigger::Edge, 2, 1, true),
        ];
        let first = "Nothing to send: EPOLLOUT once, then silence.";
        assert_eq!(sentences(&alike)[0], first);
        let unlike = [
            side(Trigger::Level, 1, 0, true),
            side(Trigger::Edge, 2, 1, true),
        ];
        assert_eq!(
            sentences(&unlike)[0],
            "Nothing to send. LT: no EPOLLOUT, silence. ET: EPOLLOUT once, then silence."
        );
    }

    #[test]
    fn opposite_figures_say_the_opposite() {
        let mut one = side(Trigger::Edge, 1, 0, true);
        assert!(sentences(&[one.clone()])[3].contains("never came"));
        one.acts[Act::Drain as usize].reports = 1;
        one.acts[Act::Drain as usize].reads = 1;
        assert!(sentences(&[one.clone()])[3].contains("with the first recv."));
        one.acts[Act::OnDemand as usize].bytes = 0;
        assert!(sentences(&[one.clone()])[4].contains("nothing went out"));
        one.received = 1000;
        assert!(sentences(&[one])[5].starts_with("LOST: 1000 of 1024"));
    }
}
