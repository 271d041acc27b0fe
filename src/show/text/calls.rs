//! The server's calls, one line each, with what the kernel holds beside them.

use std::io::{self, Write};

use colored::{ColoredString, Colorize};
use nix::errno::Errno;

use crate::show::text::format::Text;
use crate::show::text::layout::{
    BLANKS, WIDTH, heading, indented, line, milliseconds, plain, stamp, unread_note, wrap,
};
use crate::show::text::story::cost_text;
use crate::trace::words::{call_text, push_call, push_report};
use crate::trace::{Call, Fd, Name, Record, Report};

impl<W: Write> Text<W> {
    /// A call that has returned.
    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Some(received) = self.memory.received.take() {
            let joined = joined(&received, record);
            self.recv(&received, joined)?;
            if let Some(Joined::Close) = joined {
                self.closed(record);
            }
            if joined.is_some() {
                return Ok(());
            }
        }
        if self.is_setup(record) || self.is_ending(record) {
            return Ok(());
        }
        self.flush_setup()?;
        self.head(false)?;
        self.interrupt_ending()?;
        match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => self.wait(record),
            call if call.input().is_some() && record.result.is_ok() => {
                self.memory.received = Some(record.clone());
                Ok(())
            }
            call if call.input().is_some() => self.recv(record, None),
            _ => {
                let note = self.note(record);
                self.call_line(record, note)
            }
        }
    }

    /// What is still held back, because a following line might have joined it.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush_setup()?;
        if let Some(received) = self.memory.received.take() {
            self.recv(&received, None)?;
        }
        self.flush_ending()
    }

    /// What the columns are, once, above the first line that has some;
    /// `sleeps`: the steps of clients say where the server sleeps.
    pub(super) fn head(&mut self, sleeps: bool) -> io::Result<()> {
        if std::mem::replace(&mut self.memory.headed, true) {
            return Ok(());
        }
        let [steps, calls] = heading();
        if sleeps {
            writeln!(self.out, "{steps}")?;
        }
        writeln!(self.out, "{}", calls.underline())
    }

    /// Takes a call of the clean-up out of the trace: it goes into the last
    /// paragraph, unless there is more to be said of it.
    fn is_ending(&mut self, record: &Record) -> bool {
        let Some(ending) = &mut self.memory.ending else {
            return false;
        };
        let of_listener = |report: &Report| report.fd.name == Name::Listener;
        let text = match (record.call, record.result) {
            (Call::Close { fd }, Ok(_)) if matches!(record.unread, None | Some(0)) => {
                format!("close({fd})")
            }
            (Call::Accept4 { .. }, Err(Errno::EINVAL)) => call_text(record),
            (Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. }, Ok(_))
                if record.events.iter().all(of_listener) && !self.memory.costs =>
            {
                let mut text = call_text(record);
                let reports = record.events.iter();
                reports.for_each(|report| push_report(&mut text, report));
                text
            }
            _ => return false,
        };
        ending.push(text);
        true
    }

    fn flush_ending(&mut self) -> io::Result<()> {
        match self.memory.ending.take().as_deref() {
            None | Some([_]) => Ok(()), // nothing has followed
            Some([head, calls @ ..]) if head.is_empty() => {
                writeln!(self.out, "{}", indented(4, &calls.join(" ")))
            }
            Some(ending) => writeln!(self.out, "{}", wrap(&ending.join(" "), 4)),
        }
    }

    /// A call of the clean-up of which there is more to be said has a line of
    /// its own.
    fn interrupt_ending(&mut self) -> io::Result<()> {
        if self.memory.ending.is_some() {
            self.flush_ending()?;
            self.memory.ending = Some(vec![String::new()]);
        }
        Ok(())
    }

    /// A connection is closed: its number may be given again.
    fn closed(&mut self, record: &Record) {
        if let Some(fd) = record.call.fd() {
            self.memory.reports.remove(&fd.name);
        }
    }

    /// Takes a call of the set-up out of the trace: it goes into the paragraph.
    fn is_setup(&mut self, record: &Record) -> bool {
        let fd = record.call.fd();
        let listening = fd.is_some_and(|fd| fd.name == Name::Listener);
        let text = match record.call {
            _ if record.result.is_err() => return false,
            Call::Socket => format!("socket={}<L>", record.result.unwrap_or(-1)),
            // Of a connection: a call like others.
            Call::Setsockopt { .. } if !listening => return false,
            Call::Setsockopt { option, .. } => option.to_string(),
            Call::Bind { .. } | Call::Listen { .. } => record.call.name().to_string(),
            Call::EpollCreate1 | Call::EpollCreate => {
                // Another instance, other reports.
                self.memory.reports.clear();
                format!("{}={}", record.call.name(), record.result.unwrap_or(-1))
            }
            Call::EpollCtl { .. } if listening && !self.memory.setup.is_empty() => {
                format!("\n       {}", call_text(record))
            }
            _ => return false,
        };
        self.memory.setup.push(text);
        true
    }

    fn flush_setup(&mut self) -> io::Result<()> {
        if self.memory.setup.is_empty() {
            return Ok(());
        }
        let setup = std::mem::take(&mut self.memory.setup).join(" ");
        writeln!(self.out, "setup: {}", setup.replace(" \n", "\n"))
    }

    /// A return of the wait call, one line an event.
    fn wait(&mut self, record: &Record) -> io::Result<()> {
        let mut left = self.timed("  ", record);
        let margin = left.len();
        if record.events.is_empty() {
            line(&left, plain(""), &mut self.out)?;
        }
        for event in &record.events {
            push_report(&mut left, event);
            let note = self.report_note(event);
            line(&left, note, &mut self.out)?;
            left.clear();
            left.push_str(&BLANKS[..margin.min(WIDTH)]);
        }
        if self.memory.costs {
            writeln!(self.out, "    {}", cost_text(&record.cost).dimmed())?;
        }
        Ok(())
    }

    /// What a report says of a client: its number, and how much is unread.
    fn report_note(&mut self, event: &Report) -> ColoredString {
        let Name::Client(_) = event.fd.name else {
            return plain("");
        };
        let name = event.fd.name;
        let reports = self.memory.reports.entry(name).or_default();
        *reports += 1;
        unread_note(&format!("{name}: report {reports}"), event.unread)
    }

    fn recv(&mut self, record: &Record, joined: Option<Joined>) -> io::Result<()> {
        let name = record.call.fd().map_or(Name::Plain, |fd| fd.name);
        let note = match (record.result, joined) {
            (Ok(0), Some(_)) => plain(&format!("{name} has hung up: closed")),
            (Ok(0), None) => plain(&format!("{name} has hung up")),
            (Ok(_), Some(_)) => unread_note("echoed", record.unread),
            (Ok(_), None) => unread_note("", record.unread),
            (Err(Errno::EAGAIN), _) => "drained".cyan(),
            (Err(Errno::EINTR), _) => plain("a signal: again"),
            (Err(_), _) => "lost".red().bold(),
        };
        self.call_line(record, note)
    }

    fn note(&mut self, record: &Record) -> ColoredString {
        let name = record.call.fd().map_or(Name::Plain, |fd| fd.name);
        match (record.call, record.result) {
            (_, Err(Errno::EINTR)) => plain("a signal: again"),
            (Call::Accept4 { .. } | Call::Accept { .. }, Ok(_)) if self.memory.outside => {
                match record.peer {
                    Some(peer) => plain(&format!("from {peer}")),
                    None => plain(""),
                }
            }
            (Call::Accept4 { .. }, Err(Errno::EMFILE | Errno::ENFILE)) => "no fd left: pause".red(),
            (Call::EpollCtl { .. }, Err(Errno::ENOSPC | Errno::ENOMEM))
                if name != Name::Listener =>
            {
                format!("{name} is refused").red()
            }
            (call, Ok(taken))
                if call.output().is_some_and(is_client) && (taken as usize) < call.length() =>
            {
                let left = call.length() - taken as usize;
                format!("{name}: {left} held up").yellow()
            }
            (call, Err(errno)) if call.output().is_some_and(is_client) => match errno {
                Errno::EAGAIN => format!("{name} does not read").yellow(),
                _ => "lost".red(),
            },
            (Call::Close { .. }, Ok(_)) => {
                self.closed(record);
                match record.unread {
                    None | Some(0) => plain(""),
                    Some(lost) => format!("{lost} unread, never read").red(),
                }
            }
            _ => plain(""),
        }
    }

    fn call_line(&mut self, record: &Record, note: ColoredString) -> io::Result<()> {
        let resumed = self
            .memory
            .open
            .take_if(|open| *open == record.call)
            .is_some();
        // Whoever has waited is served now, or waits for somebody else.
        self.memory.starved &= !resumed;
        let indent = if resumed { "    ... " } else { "    " };
        let text = self.timed(indent, record);
        line(&text, note, &mut self.out)
    }

    /// A call behind its indent; with `--timing`, milliseconds from the start
    /// before it, and those that it took behind it.
    fn timed(&self, indent: &str, record: &Record) -> String {
        let mut text = String::with_capacity(2 * WIDTH);
        if self.view.times {
            text += &stamp(record.start_ns);
        }
        text += indent;
        push_call(&mut text, record);
        if self.view.times {
            let took = record.end_ns.saturating_sub(record.start_ns);
            text += &format!(" <{}>", milliseconds(took));
        }
        text
    }
}

fn is_client(fd: Fd) -> bool {
    matches!(fd.name, Name::Client(_))
}

/// What follows a recv in the same line.
#[derive(Clone, Copy, Debug)]
pub enum Joined {
    /// A send that took just what the recv had brought.
    Echo,
    /// The close of a connection of which nothing is unread.
    Close,
}

/// Whether the line of a recv goes on with the call that follows it.
pub fn joined(received: &Record, next: &Record) -> Option<Joined> {
    let from = received.call.input()?;
    match (next.call, received.result) {
        (call, Ok(1..))
            if call.output() == Some(from)
                && next.result == received.result
                && next.data == received.data =>
        {
            Some(Joined::Echo)
        }
        (Call::Close { fd }, Ok(0))
            if fd == from && next.result.is_ok() && matches!(next.unread, None | Some(0)) =>
        {
            Some(Joined::Close)
        }
        _ => None,
    }
}
