//! From one input to its lines, its records and its moments.

use crate::lab::audience::Event;
use crate::show::page::fold::Input;
use crate::show::page::formats::{Formats, plain};
use crate::show::page::moment::{Ask, Kind, Moment};
use crate::show::page::part::{MOST, Part};
use crate::show::text::layout::heading;

impl Part {
    /// The lines, the records and the moments of one input.
    pub(super) fn group(&mut self, events: &[Event<'_>], input: Input<'_>, formats: &mut Formats) {
        events.iter().for_each(|event| formats.print(event));
        let (mut first, record) = (self.lines.len(), self.records.len());
        let ends = matches!(input, Input::End(_));
        // In the clean-up what has been printed is of the calls before.
        let cleans = matches!(input, Input::ShutDown(_)) || self.ending.is_some() && !ends;
        let lines = formats.lines(if cleans { None } else { Some(Event::Finish) });
        let records = formats.records();
        let headings = heading().map(|line| plain(line.to_string().as_bytes()));
        first += lines
            .iter()
            .take_while(|line| headings.contains(line))
            .count();
        if self.cut && !ends {
            return;
        }
        self.lines.extend(lines);
        self.records.extend(records);
        self.lay_out_ending(first, ends);
        if let Input::Call(record) | Input::Echo(record, _) | Input::HungUp(record, _) = input {
            // What it slept in is what has returned now.
            for index in self.asleep.drain(..) {
                self.moments[index].place = record.source();
            }
        }
        let last = self.lines.len().saturating_sub(1);
        // A long step has its own line, and the state one below.
        let beside = self.lines.last().is_some_and(|line| !line.starts_with(' '));
        if let Input::ShutDown(_) = input {
            self.ending = Some(self.moments.len());
        }
        for mut moment in self.fold.take(input) {
            moment.r = (record, self.records.len());
            moment.l = match moment.k {
                // Where the server sleeps stands beside the step that follows.
                Kind::Sleep if beside && matches!(input, Input::Step(_)) => {
                    moment.h = true;
                    (last, last)
                }
                Kind::Sleep => (first.saturating_sub(1), first.saturating_sub(1)),
                Kind::End => (last, last),
                _ if self.ending.is_some() => (last, last),
                _ => (first.min(last), last),
            };
            self.push(moment);
        }
        self.cut |= !ends && self.moments.len() >= MOST;
    }

    /// Gives the lines that have come to the calls of the clean-up; `all`: no
    /// more will come. Whatever has more to be said of it has a line of its own,
    /// the last one.
    pub(super) fn lay_out_ending(&mut self, first: usize, all: bool) {
        let Some(ending) = self.ending else { return };
        let last = self.lines.len().saturating_sub(1);
        if self.lines.len() == first && !all {
            return;
        }
        let until = if all { last } else { last.saturating_sub(1) };
        for moment in self.moments.iter_mut().skip(ending) {
            if moment.k != Kind::Sleep {
                moment.l = (first.min(until), until);
            }
        }
        // The call that had more to be said comes now; those after it stand in
        // the next paragraph.
        self.ending = Some(self.moments.len() + 1).filter(|_| !all);
    }

    fn push(&mut self, mut moment: Moment) {
        let index = self.moments.len();
        if matches!(moment.k, Kind::Sleep | Kind::Stuck) {
            self.asleep.push(index);
        }
        if let Some(asked) = moment.ask.take() {
            let (at, shown) = (index, index);
            self.asks.push(Ask { at, shown, asked });
        }
        self.moments.push(moment);
    }
}
