//! The server's calls, one line each, with what the kernel holds beside them.

use std::io::{self, Write};

use colored::{ColoredString, Colorize};
use nix::errno::Errno;

use crate::show::text::Text;
use crate::show::text::layout::{BLANKS, WIDTH, line, milliseconds, plain, stamp, unread_note};
use crate::show::text::story::cost_text;
use crate::trace::words::{call_text, push_call, push_report};
use crate::trace::{Call, Fd, Name, Record, Report};

impl<W: Write> Text<W> {
    /// A call that has returned.
    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Some(received) = self.memory.received.take() {
            let echo = is_whole_echo(&received, record);
            self.recv(&received, echo)?;
            if echo {
                return Ok(());
            }
        }
        if self.is_setup(record) {
            return Ok(());
        }
        self.flush_setup()?;
        match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => self.wait(record),
            call if call.input().is_some() && matches!(record.result, Ok(n) if n > 0) => {
                self.memory.received = Some(record.clone());
                Ok(())
            }
            call if call.input().is_some() => self.recv(record, false),
            _ => {
                let note = self.note(record);
                self.call_line(record, note)
            }
        }
    }

    /// What is still held back, because a following line might have joined it.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush_setup()?;
        match self.memory.received.take() {
            Some(received) => self.recv(&received, false),
            None => Ok(()),
        }
    }

    /// Takes a call of the set-up out of the trace: it goes into the paragraph.
    fn is_setup(&mut self, record: &Record) -> bool {
        let listening = matches!(
            record.call.fd(),
            Some(Fd {
                name: Name::Listener,
                ..
            })
        );
        let text = match record.call {
            _ if record.result.is_err() => return false,
            Call::Socket => format!("socket={}<L>", record.result.unwrap_or(-1)),
            Call::Setsockopt { option, .. } => option.to_string(),
            Call::Bind { .. } | Call::Listen { .. } => record.call.name().to_string(),
            Call::EpollCreate1 | Call::EpollCreate => {
                // Another instance, other reports.
                self.memory
                    .clients
                    .values_mut()
                    .for_each(|seen| seen.reports = 0);
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

    /// What a report says of a client: its number, and how much is unread
    /// where the screen does not show that already.
    fn report_note(&mut self, event: &Report) -> ColoredString {
        let Name::Client(_) = event.fd.name else {
            return plain("");
        };
        let seen = self.memory.clients.entry(event.fd.name).or_default();
        let name = event.fd.name;
        // Whether it was the hang-up only the recv to come can tell.
        seen.empty = event.unread == Some(0) && !event.ready.writable();
        let label = match seen.empty {
            true if event.ready.hung_up() => format!("{name}: hang-up"),
            true => format!("{name}: readable"),
            false => {
                seen.reports += 1;
                format!("{name}: report {}", seen.reports)
            }
        };
        let known = seen.unread == event.unread && !seen.empty;
        seen.unread = event.unread;
        unread_note(&label, event.unread.filter(|_| !known))
    }

    fn recv(&mut self, record: &Record, echoed: bool) -> io::Result<()> {
        let name = record.call.fd().map_or(Name::Plain, |fd| fd.name);
        let seen = self.memory.clients.entry(name).or_default();
        let empty = std::mem::take(&mut seen.empty);
        seen.unread = record.unread;
        let note = match record.result {
            Ok(0) => plain(&format!("{name} has hung up")),
            Ok(_) => unread_note(if echoed { "echoed" } else { "" }, record.unread),
            Err(Errno::EAGAIN) if empty => {
                seen.reports += 1;
                plain(&format!("{name}: report {}", seen.reports))
            }
            Err(Errno::EAGAIN) => "drained".cyan(),
            Err(Errno::EINTR) => plain("a signal: again"),
            Err(_) => "lost".red(),
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
                self.memory.clients.remove(&name);
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
        let indent = if resumed { "    ... " } else { "    " };
        let text = self.timed(indent, record);
        line(&text, note, &mut self.out)
    }

    /// A call behind its indent; with `--timing`, milliseconds from the start
    /// before it, and those that it took behind it.
    fn timed(&self, indent: &str, record: &Record) -> String {
        let mut text = String::with_capacity(2 * WIDTH);
        if self.view.times() {
            text += &stamp(record.start_ns);
        }
        text += indent;
        push_call(&mut text, record);
        if self.view.times() {
            let took = record.end_ns.saturating_sub(record.start_ns);
            text += &format!(" <{}>", milliseconds(took));
        }
        text
    }
}

fn is_client(fd: Fd) -> bool {
    matches!(fd.name, Name::Client(_))
}

/// The send after a recv took just what the recv had brought.
fn is_whole_echo(received: &Record, next: &Record) -> bool {
    let (Some(from), Some(to)) = (received.call.input(), next.call.output()) else {
        return false;
    };
    from == to && next.result == received.result && next.data == received.data
}
