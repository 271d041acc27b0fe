//! What `write-events` is asked: how often EPOLLOUT comes when nothing is to
//! be sent.

use crate::commands::predict::{Answer, Kind, Measured, Question};
use crate::commands::write_events::side::{Act, WriteEvents};
use crate::commands::write_events::verdict::short;
use crate::lab::report::Trigger;

/// One question a trigger; with one trigger alone, also about a full buffer.
pub fn questions(triggers: &[Trigger], limit: u32) -> Vec<Question<WriteEvents>> {
    let count = |text, run, trigger, act| {
        let measure = move |all: &WriteEvents| reports(all, trigger, act);
        Question::new(text, Kind::Count, Some(run), measure)
    };
    let asked = "nothing to send: how often EPOLLOUT in at most";
    let idle = |(run, trigger): (u32, &Trigger)| {
        let text = format!("{}, {asked} {limit} waits?", short(*trigger));
        count(text, run, *trigger, Act::Idle)
    };
    let mut questions: Vec<_> = (1..).zip(triggers).map(idle).collect();
    if let [only] = triggers {
        let asked = "A full buffer has room again: how often EPOLLOUT in at most";
        let text = format!("{asked} {limit} waits?");
        questions.push(count(text, 1, *only, Act::Drain));
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
