//! `write-events`: the trace with its long loops folded, and both triggers
//! beside each other.

use std::io::{self, Write};

use colored::Colorize;
use nix::sys::epoll::EpollFlags;
use tabled::builder::Builder;

use crate::show::text::layout::line as call_line;

use crate::commands::predict::{Compared, text as predict};
use crate::commands::write_events::bench::{Folded, Line, RCVBUF, SNDBUF};
use crate::commands::write_events::run::{Act, READ, Side, WriteEvents};
use crate::commands::write_events::verdict::{sentences, short};
use crate::lab::report::{Run, Trigger};
use crate::show::text::layout::wrap;
use crate::show::{Look, Timing, Trace, grid};
use crate::trace::words::{call_text, push_event};
use crate::trace::{Call, CtlOp, Fd, Record};

/// With a trace, which trigger comes now. Without, the table has a header.
pub fn header(run: &Run, look: Look, out: &mut impl Write) -> io::Result<()> {
    let trigger = match run.trigger {
        Some(Trigger::Edge) => "edge-triggered",
        _ => "level-triggered",
    };
    match look.trace {
        Trace::Calls => writeln!(out, "{}\n", title(run.command.name(), trigger).bold()),
        Trace::Summary => Ok(()),
    }
}

fn title(command: &str, triggers: &str) -> String {
    format!("{command} | {triggers} | O_NONBLOCK | SO_SNDBUF {SNDBUF} | SO_RCVBUF {RCVBUF}")
}

/// A line of the trace.
pub fn line(line: &Line<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    if look.trace == Trace::Summary {
        return Ok(());
    }
    match line {
        Line::SetUp(records) => {
            // A new socket has its name in the call that follows.
            let named = records.iter().skip(1).map(|next| next.call.fd());
            let named = records.iter().zip(named.chain([None]));
            let steps: Vec<String> = named.map(|(record, fd)| step(record, fd)).collect();
            writeln!(out, "{}", wrap(&format!("setup: {}", steps.join(" ")), 7))
        }
        Line::Act(act) => writeln!(out, "{}", act_title(*act).bold()),
        Line::Call(record, report) => call(record, *report, look, out),
        Line::Folded(folded) => writeln!(out, "    ... {}", fold(folded, look).dimmed()),
    }
}

fn act_title(act: Act) -> String {
    match act {
        Act::Idle => "1. nothing to send".into(),
        Act::Fill => "2. the send buffer is filled".into(),
        Act::Drain => format!("3. P reads, {READ} bytes at a time"),
        Act::OnDemand => "the right way: EPOLLOUT only while something waits to be sent".into(),
    }
}

/// A step of the set-up, as short as it goes.
fn step(record: &Record, next: Option<Fd>) -> String {
    let name = record.call.name();
    match (record.call, record.result) {
        (_, Err(_)) => call_text(record),
        (Call::Socket, Ok(raw)) if next.is_some_and(|fd| fd.raw == raw) => {
            format!("{name}={}", next.map_or(String::new(), |fd| fd.to_string()))
        }
        (Call::Socket | Call::EpollCreate1, Ok(fd)) => format!("{name}={fd}"),
        (Call::Accept4 { .. }, Ok(_)) => call_text(record),
        (Call::Setsockopt { option, value, .. }, Ok(_)) if value != 1 => {
            format!("{option}={value}")
        }
        (Call::Setsockopt { option, .. }, Ok(_)) => option.into(),
        (Call::FcntlSetfl { fd, .. }, Ok(_)) => format!("O_NONBLOCK({fd})"),
        (Call::FcntlGetfl { .. }, Ok(_)) => "F_GETFL".into(),
        (Call::Connect { fd } | Call::Close { fd }, Ok(_)) => format!("{name}({fd})"),
        (_, Ok(_)) => name.into(),
    }
}

fn call(record: &Record, report: u64, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut text = format!("  {}", call_text(record));
    for event in &record.events {
        push_event(&mut text, event);
    }
    if look.timing == Timing::Shown {
        let took = record.end_ns.saturating_sub(record.start_ns);
        text += &format!(" <{:.3}>", took as f64 / 1e6);
    }
    let note = match (record.call, record.result) {
        (Call::EpollWait { timeout: 0, .. }, Ok(0)) => "not yet".dimmed(),
        (Call::EpollWait { .. }, Ok(0)) => "silence".dimmed(),
        (Call::EpollWait { .. }, Ok(_)) => format!("report {report}").normal(),
        #[rustfmt::skip]
        (Call::EpollCtl { op: CtlOp::Mod, interest, .. }, Ok(_)) => {
            match interest.contains(EpollFlags::EPOLLOUT) {
                true => "a message waits".normal(),
                false => "nothing waits".normal(),
            }
        },
        _ => "".normal(),
    };
    call_line(&text, note, out)
}

/// `997 more like it`; numbers that vary from run to run only with `--timing`.
fn fold(folded: &Folded, look: Look) -> String {
    let count = |n: &u64, call: &str| format!("{n} {call}");
    let calls: Vec<String> = folded
        .calls
        .iter()
        .map(|(call, n)| count(n, call))
        .collect();
    match (folded.what, look.timing) {
        (None, _) => format!("{} more like it", folded.calls.values().sum::<u64>()),
        (Some(what), Timing::Hidden) => what.into(),
        (Some(what), Timing::Shown) => format!("{what} ({})", calls.join(", ")),
    }
}

/// Room between two traces.
pub fn end_of_side(look: Look, out: &mut impl Write) -> io::Result<()> {
    match look.trace {
        Trace::Calls => writeln!(out),
        Trace::Summary => Ok(()),
    }
}

/// The table, what it says, and where to go on.
pub fn table(all: &WriteEvents, compared: &[Compared], out: &mut impl Write) -> io::Result<()> {
    if all.look.trace == Trace::Summary {
        let triggers: Vec<&str> = all.sides.iter().map(|side| short(side.trigger)).collect();
        let title = title("write-events", &triggers.join(" and "));
        writeln!(out, "{}\n", title.bold())?;
    }
    let mut table = Builder::default();
    let mut head = vec!["waits for EPOLLOUT".to_string()];
    for side in &all.sides {
        let trigger = short(side.trigger);
        head.extend([format!("{trigger} waits"), format!("{trigger} reports")]);
    }
    table.push_record(head);
    for act in Act::ALL {
        let counts = all.sides.iter().flat_map(|side| {
            let measured = side.of(act);
            // More than one, and no end of them: W never comes to rest.
            let busy = measured.reports > 1 && !measured.silent;
            let reports = measured.reports.to_string();
            let reports = if busy { reports.red() } else { reports.green() };
            [measured.waits.to_string(), reports.to_string()]
        });
        table.push_record(std::iter::once(row_label(act).to_string()).chain(counts));
    }
    grid::print(&grid::of(table, 3), out)?;
    let limit = format!(
        "asked at most {} times; a wait that is silent for 50 ms is an act's last",
        all.limit
    );
    writeln!(out, "{}\n", limit.dimmed())?;
    if all.look.timing == Timing::Shown {
        all.sides.iter().try_for_each(|side| timing(side, out))?;
        writeln!(out)?;
    }
    for sentence in sentences(&all.sides) {
        let sentence = wrap(&format!("=> {sentence}"), 3).bold();
        match all.sides.iter().all(Side::is_whole) {
            true => writeln!(out, "{sentence}")?,
            false => writeln!(out, "{}", sentence.red())?,
        }
    }
    if !compared.is_empty() {
        writeln!(out)?;
        predict::text("", compared, out)?;
    }
    let next = match all.look.trace {
        Trace::Summary if compared.is_empty() => "epoll-lab write-events --trace",
        // Other APIs have an event for room, too.
        _ => "epoll-lab select-poll-compare --only servers",
    };
    writeln!(out, "\nnext: {next}")
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
