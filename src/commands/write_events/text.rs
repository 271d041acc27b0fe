//! Both triggers beside each other, and what that comes to.

use std::io::{self, Write};

use colored::Colorize;

use crate::commands::next;
use crate::commands::predict::{Compared, text as predict};
use crate::commands::write_events::side::{Act, Side, WriteEvents};
use crate::commands::write_events::trace::title;
use crate::commands::write_events::verdict::{sentences, short};
use crate::show::text::layout::wrap;
use crate::show::text::table;
use crate::show::{View, grid};

/// The table, what it says, and where to go on.
pub fn table(
    all: &WriteEvents,
    compared: &[Compared],
    view: View,
    out: &mut impl Write,
) -> io::Result<()> {
    if !view.calls {
        let triggers: Vec<&str> = all.sides.iter().map(|side| short(side.trigger)).collect();
        let title = title(&triggers.join(" and "));
        writeln!(out, "{}\n", title.bold())?;
    }
    let mut head = vec!["waits for EPOLLOUT".to_string()];
    for side in &all.sides {
        let trigger = short(side.trigger);
        head.extend([format!("{trigger} waits"), format!("{trigger} reports")]);
    }
    let rows = Act::ALL.map(|act| {
        let counts = all.sides.iter().flat_map(|side| {
            let measured = side.of(act);
            // More than one, and no end of them: W never comes to rest.
            let busy = measured.reports > 1 && !measured.silent;
            let reports = measured.reports.to_string();
            let reports = if busy {
                reports.yellow()
            } else {
                reports.green()
            };
            [measured.waits.to_string(), reports.to_string()]
        });
        let label = row_label(act).to_string();
        std::iter::once(label).chain(counts).collect::<Vec<_>>()
    });
    grid::of(head, rows, &[], 3).print(out)?;
    let limit = format!(
        "asked at most {} times; a wait that is silent for 50 ms is an act's last",
        all.limit
    );
    writeln!(out, "{}\n", limit.dimmed())?;
    if view.times {
        all.sides.iter().try_for_each(|side| timing(side, out))?;
        writeln!(out)?;
    }
    for sentence in sentences(&all.sides) {
        let sentence = wrap(&format!("=> {sentence}"), 3).bold();
        if all.sides.iter().all(Side::is_whole) {
            writeln!(out, "{sentence}")?;
        } else {
            writeln!(out, "{}", sentence.red())?;
        }
    }
    if !compared.is_empty() {
        writeln!(out)?;
        predict::text("", compared, out)?;
    }
    let next = next::after_write_events(view.calls, !compared.is_empty());
    table::next(Some(next), out)
}

fn row_label(act: Act) -> &'static str {
    match act {
        Act::Idle => "1 nothing to send",
        Act::Fill => "2 send buffer full",
        Act::Drain => "3 room again, nothing to send",
        Act::OnDemand => "EPOLLOUT on demand, all three",
    }
}

/// What varies from run to run: the rate, and the byte positions.
fn timing(side: &Side, out: &mut impl Write) -> io::Result<()> {
    let trigger = short(side.trigger);
    for act in [Act::Idle, Act::Drain] {
        let measured = side.of(act);
        let seconds = measured.busy_ns as f64 / 1e9;
        if measured.reports > 1 && seconds > 0.0 {
            let rate = measured.reports as f64 / seconds;
            let text = format!(
                "{trigger} {}: {} reports in {:.3} ms, {rate:.0} a second",
                act.name(),
                measured.reports,
                seconds * 1e3
            );
            writeln!(out, "{}", wrap(&text, 3))?;
        }
    }
    let (fill, drain) = (side.of(Act::Fill), side.of(Act::Drain));
    let queue = side.queue;
    let free = queue.full.saturating_sub(queue.at_report);
    let share = 100.0 * free as f64 / (queue.full.max(1)) as f64;
    let text = format!(
        "{trigger} fill: {} bytes taken; drain: EPOLLOUT when P had read {} of them, in {} \
         recv calls; W's queue had gone from {} to {} bytes, by {share:.0} %",
        fill.bytes, drain.bytes, drain.reads, queue.full, queue.at_report
    );
    writeln!(out, "{}", wrap(&text, 3))
}
