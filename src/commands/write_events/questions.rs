//! What `write-events` is asked: how often EPOLLOUT comes when nothing is to
//! be sent.

use crate::commands::predict::{Answer, Kind, Measured, Question};
use crate::commands::write_events::side::{Act, WriteEvents};
use crate::lab::report::Trigger;

/// One question a trigger; with one trigger alone, also about a full buffer.
pub fn questions(triggers: &[Trigger], limit: u32) -> Vec<Question<WriteEvents>> {
    let count = |text: String, run, measure| Question {
        text,
        kind: Kind::Count,
        run: Some(run),
        measure,
    };
    let idle = |(run, trigger): (u32, &Trigger)| {
        let (name, measure): (_, fn(&WriteEvents) -> Measured) = match trigger {
            Trigger::Level => ("LT", |all| reports(all, Trigger::Level, Act::Idle)),
            Trigger::Edge => ("ET", |all| reports(all, Trigger::Edge, Act::Idle)),
        };
        let asked = "nothing to send: how often EPOLLOUT in at most";
        count(format!("{name}, {asked} {limit} waits?"), run, measure)
    };
    let mut questions: Vec<_> = (1..).zip(triggers).map(idle).collect();
    if let [only] = triggers {
        let measure: fn(&WriteEvents) -> Measured = match only {
            Trigger::Level => |all| reports(all, Trigger::Level, Act::Drain),
            Trigger::Edge => |all| reports(all, Trigger::Edge, Act::Drain),
        };
        let asked = "A full buffer has room again: how often EPOLLOUT in at most";
        questions.push(count(format!("{asked} {limit} waits?"), 1, measure));
    }
    questions
}

/// What is about to be played.
pub fn set_up(triggers: &[Trigger], limit: u32) -> String {
    let triggers: Vec<&str> = triggers
        .iter()
        .map(|trigger| match trigger {
            Trigger::Level => "level-triggered (LT)",
            Trigger::Edge => "edge-triggered (ET)",
        })
        .collect();
    format!(
        "W registers EPOLLOUT, {}, and asks with epoll_wait at most {limit} times in a row, until \
         a wait of 50 ms brings nothing.",
        triggers.join(" and then ")
    )
}

fn reports(all: &WriteEvents, trigger: Trigger, act: Act) -> Measured {
    let Some(side) = all.sides.iter().find(|side| side.trigger == trigger) else {
        return Measured {
            answer: None,
            reason: "was not run".into(),
        };
    };
    let measured = side.of(act);
    Measured {
        answer: Some(Answer::Count(measured.reports)),
        reason: if measured.silent {
            format!(
                "{} in {} waits, then silence",
                measured.reports, measured.waits
            )
        } else {
            format!("at each of {} waits", measured.waits)
        },
    }
}
