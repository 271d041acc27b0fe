//! The calls of W and P as text: each with what it says of EPOLLOUT.

use std::io::{self, Write};

use colored::Colorize;
use nix::sys::epoll::EpollFlags;

use crate::commands::write_events::ends::{RCVBUF, SNDBUF};
use crate::lab::audience::{Audience, Event, OutputError};
use crate::lab::report::{Run, Trigger};
use crate::show::View;
use crate::show::text::layout::{line, wrap};
use crate::show::text::story::folded_text;
use crate::trace::words::{call_text, push_report};
use crate::trace::{Call, CtlOp, Fd, Record};

/// The listener that shows them.
#[derive(Debug)]
pub struct Calls<W> {
    view: View,
    out: W,
    /// Reports in this act.
    reports: u64,
}

impl<W: Write> Calls<W> {
    /// No act yet.
    pub fn new(view: View, out: W) -> Calls<W> {
        Calls {
            view,
            out,
            reports: 0,
        }
    }

    fn show(&mut self, event: &Event<'_>) -> io::Result<()> {
        match *event {
            // Without the trace, the table has a header.
            Event::Run(run) => writeln!(self.out, "{}\n", title(trigger(run)).bold()),
            Event::SetUp(records) => {
                // A new socket has its name in the call that follows.
                let named = records.iter().skip(1).map(|next| next.call.fd());
                let named = records.iter().zip(named.chain([None]));
                let steps: Vec<String> = named.map(|(record, fd)| step(record, fd)).collect();
                let steps = format!("setup: {}", steps.join(" "));
                writeln!(self.out, "{}", wrap(&steps, 7))
            }
            Event::Act(heading) => {
                self.reports = 0;
                writeln!(self.out, "{}", heading.bold())
            }
            Event::Call(record) => self.call(record),
            Event::Folded(folded) => {
                let text = folded_text(folded, self.view.times);
                writeln!(self.out, "    ... {}", text.dimmed())
            }
            Event::Unseen(_, reports) => {
                self.reports += reports;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn call(&mut self, record: &Record) -> io::Result<()> {
        let mut text = format!("  {}", call_text(record));
        for report in &record.events {
            push_report(&mut text, report);
        }
        if self.view.times {
            let took = record.end_ns.saturating_sub(record.start_ns);
            text += &format!(" <{:.3}>", took as f64 / 1e6);
        }
        self.reports += record.events.len() as u64;
        let note = match (record.call, record.result) {
            (Call::EpollWait { timeout: 0, .. }, Ok(0)) => "not yet".dimmed(),
            (Call::EpollWait { .. }, Ok(0)) => "silence".dimmed(),
            (Call::EpollWait { .. }, Ok(_)) => format!("report {}", self.reports).normal(),
            #[rustfmt::skip]
            (Call::EpollCtl { op: CtlOp::Mod, interest, .. }, Ok(_)) => {
                let waits = interest.contains(EpollFlags::EPOLLOUT);
                if waits { "a message waits".normal() } else { "nothing waits".normal() }
            }
            _ => "".normal(),
        };
        line(&text, note, &mut self.out)
    }
}

impl<W: Write + Send> Audience for Calls<W> {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        if self.view.calls {
            self.show(event)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(self.out.flush()?)
    }
}

fn trigger(run: &Run) -> &'static str {
    match run.trigger {
        Some(Trigger::Edge) => "edge-triggered",
        _ => "level-triggered",
    }
}

/// The header, for these triggers.
pub fn title(triggers: &str) -> String {
    format!("write-events | {triggers} | O_NONBLOCK | SO_SNDBUF {SNDBUF} | SO_RCVBUF {RCVBUF}")
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
