//! The trace as text: the server's calls on the left, what the kernel holds
//! on the right, and each client's step at the margin.

pub mod layout;
pub mod story;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};
use nix::errno::Errno;

use self::layout::{
    BLANKS, STATE, WIDTH, beside, line, milliseconds, plain, stamp, unread_note, wrap,
};
use self::story::{cost_text, evidence_text, state_text, step_text, waiting_text};
use super::{Look, Timing, Trace};
use crate::mode::{Read, SocketKind};
use crate::report::{Api, Run, Subcommand, Trigger};
use crate::scene::{Action, Asleep, Blocked, Step};
use crate::trace::{Call, Event, Fd, Name, Record};
use crate::wording::{call_text, open_text, push_call, push_event};

/// The format, and what it has to remember from line to line.
#[derive(Debug)]
pub struct Text {
    look: Look,
    /// The set-up so far: it is shown as one paragraph.
    setup: Vec<String>,
    /// A recv whose echo may follow, in which case they share a line.
    received: Option<Record>,
    /// The server sleeps in this call, and the screen shows that it does.
    open: Option<Call>,
    clients: BTreeMap<Name, Seen>,
    /// The clients come from outside: say where from.
    outside: bool,
    /// Say what a wait moves and looks at.
    costs: bool,
}

/// What the screen shows of a connection already.
#[derive(Debug, Default)]
struct Seen {
    reports: u64,
    unread: Option<u64>,
    /// The last report found nothing to read.
    empty: bool,
}

impl Text {
    pub fn new(look: Look) -> Text {
        Text {
            look,
            setup: Vec::new(),
            received: None,
            open: None,
            clients: BTreeMap::new(),
            outside: false,
            costs: false,
        }
    }

    pub fn look(&self) -> Look {
        self.look
    }

    /// The header: which server this is.
    pub fn run(&mut self, run: &Run, out: &mut impl Write) -> io::Result<()> {
        *self = Text::new(self.look);
        self.outside = run.clients == 0;
        self.costs = run.command == Subcommand::SelectPollCompare;
        match (run.command, self.look.trace) {
            (Subcommand::WriteEvents, _) => return super::write::header(run, self.look, out),
            // One table for all, with a header of its own.
            (Subcommand::Matrix, Trace::Summary) => return Ok(()),
            _ => {}
        }
        let read = match run.read {
            Read::Once => "one recv per report",
            Read::Drain if run.api == Api::None => "recv until hang-up",
            // A blocking socket never says EAGAIN.
            Read::Drain if run.socket == SocketKind::Blocking => "recv in a loop",
            Read::Drain => "recv until EAGAIN",
        };
        let trigger = match run.trigger {
            Some(Trigger::Level) => "level-triggered",
            Some(Trigger::Edge) => "edge-triggered",
            None => "no multiplexing",
        };
        let socket = match run.socket {
            SocketKind::Blocking => "blocking",
            SocketKind::Nonblocking => "O_NONBLOCK",
        };
        let header = format!(
            "{} | {trigger} | {socket} | {}-byte buffer | {read}",
            run.title(),
            run.buffer
        );
        let header = wrap(&header, 2);
        match (self.costs, self.look.trace, run.api) {
            // One table for all three: one header.
            (true, Trace::Summary, Api::Poll | Api::Epoll) => Ok(()),
            (true, Trace::Summary, _) => {
                let header = wrap(&header.replacen(run.title(), run.command.name(), 1), 2);
                writeln!(out, "{}\n", header.bold())
            }
            _ => writeln!(out, "{}\n", header.bold()),
        }
    }

    /// A call that has returned.
    pub fn record(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        if let Some(received) = self.received.take() {
            let echo = is_whole_echo(&received, record);
            self.recv(&received, echo, out)?;
            if echo {
                return Ok(());
            }
        }
        if self.is_setup(record) {
            return Ok(());
        }
        self.flush_setup(out)?;
        match record.call {
            Call::EpollWait { .. } | Call::Poll { .. } | Call::Select { .. } => {
                self.wait(record, out)
            }
            Call::Recv { .. } if matches!(record.result, Ok(n) if n > 0) => {
                self.received = Some(record.clone());
                Ok(())
            }
            Call::Recv { .. } => self.recv(record, false, out),
            _ => {
                let note = self.note(record);
                self.call_line(record, note, out)
            }
        }
    }

    /// What is still held back, because a following line might have joined it.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.flush_setup(out)?;
        match self.received.take() {
            Some(received) => self.recv(&received, false, out),
            None => Ok(()),
        }
    }

    /// The end of one run of several.
    pub fn end_of_one(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.finish(out)?;
        match self.look.trace {
            Trace::Calls => writeln!(out),
            Trace::Summary => Ok(()),
        }
    }

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
            Call::EpollCreate1 => {
                // Another instance, other reports.
                self.clients.values_mut().for_each(|seen| seen.reports = 0);
                format!("epoll_create1={}", record.result.unwrap_or(-1))
            }
            Call::EpollCtl { .. } if listening && !self.setup.is_empty() => {
                format!("\n       {}", call_text(record))
            }
            _ => return false,
        };
        self.setup.push(text);
        true
    }

    fn flush_setup(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.setup.is_empty() {
            return Ok(());
        }
        let setup = std::mem::take(&mut self.setup).join(" ");
        writeln!(out, "setup: {}", setup.replace(" \n", "\n"))
    }

    /// So many reports of a client are not shown.
    pub fn unseen(&mut self, name: Name, reports: u64) {
        self.clients.entry(name).or_default().reports += reports;
    }

    /// A return of the wait call, one line an event.
    fn wait(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        let mut left = self.timed("  ", record);
        let margin = left.len();
        if record.events.is_empty() {
            line(&left, plain(""), out)?;
        }
        for event in &record.events {
            push_event(&mut left, event);
            let note = self.report_note(event);
            line(&left, note, out)?;
            left.clear();
            left.push_str(&BLANKS[..margin.min(WIDTH)]);
        }
        match self.costs {
            true => writeln!(out, "    {}", cost_text(&record.cost).dimmed()),
            false => Ok(()),
        }
    }

    /// What a report says of a client: its number, and how much is unread
    /// where the screen does not show that already.
    fn report_note(&mut self, event: &Event) -> ColoredString {
        let Name::Client(_) = event.fd.name else {
            return plain("");
        };
        let seen = self.clients.entry(event.fd.name).or_default();
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

    fn recv(&mut self, record: &Record, echoed: bool, out: &mut impl Write) -> io::Result<()> {
        let name = record.call.fd().map_or(Name::Plain, |fd| fd.name);
        let seen = self.clients.entry(name).or_default();
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
        self.call_line(record, note, out)
    }

    fn note(&mut self, record: &Record) -> ColoredString {
        let name = record.call.fd().map_or(Name::Plain, |fd| fd.name);
        match (record.call, record.result) {
            (_, Err(Errno::EINTR)) => plain("a signal: again"),
            (Call::Accept4 { .. }, Ok(_)) if self.outside => match record.peer {
                Some(peer) => plain(&format!("from {peer}")),
                None => plain(""),
            },
            (Call::Accept4 { .. }, Err(Errno::EMFILE | Errno::ENFILE)) => "no fd left: pause".red(),
            (Call::EpollCtl { .. }, Err(Errno::ENOSPC | Errno::ENOMEM))
                if name != Name::Listener =>
            {
                format!("{name} is refused").red()
            }
            (Call::Send { length, .. }, Ok(taken)) if (taken as usize) < length => {
                let left = length - taken as usize;
                format!("{name}: {left} held up").yellow()
            }
            (Call::Send { .. }, Err(Errno::EAGAIN)) => format!("{name} does not read").yellow(),
            (Call::Send { .. }, Err(_)) => "lost".red(),
            (Call::Close { .. }, Ok(_)) => {
                self.clients.remove(&name);
                match record.unread {
                    None | Some(0) => plain(""),
                    Some(lost) => format!("{lost} unread, never read").red(),
                }
            }
            _ => plain(""),
        }
    }

    fn call_line(
        &mut self,
        record: &Record,
        note: ColoredString,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let resumed = self.open.take_if(|open| *open == record.call).is_some();
        let text = match resumed {
            true => self.timed("    ... ", record),
            false => self.timed("    ", record),
        };
        line(&text, note, out)
    }

    /// A call behind its indent; with `--timing`, milliseconds from the start
    /// before it, and those that it took behind it.
    fn timed(&self, indent: &str, record: &Record) -> String {
        let mut text = String::with_capacity(2 * WIDTH);
        if self.look.timing == Timing::Shown {
            text += &stamp(record.start_ns);
        }
        text += indent;
        push_call(&mut text, record);
        if self.look.timing == Timing::Shown {
            let took = record.end_ns.saturating_sub(record.start_ns);
            text += &format!(" <{}>", milliseconds(took));
        }
        text
    }

    fn stamped(&self, at_ns: u64, text: &str) -> String {
        match self.look.timing {
            Timing::Hidden => text.to_string(),
            Timing::Shown => format!("{}{text}", stamp(at_ns)),
        }
    }

    /// The server sleeps in a call for one client.
    pub fn does_not_return(&mut self, call: &Call, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        self.finish(out)?;
        self.open = Some(*call);
        let left = format!("    {}", open_text(call));
        beside(&left, ">>> does not return".red().bold(), out)
    }

    /// A step of a client, and where the server sleeps at that moment.
    pub fn step(&mut self, step: &Step, out: &mut impl Write) -> io::Result<()> {
        // A server's client closes after it has hung up, which is no news.
        let no_news = step.action == Action::Close && step.asleep.is_some();
        if self.look.trace == Trace::Summary || no_news {
            return Ok(());
        }
        self.finish(out)?;
        let left = self.stamped(step.at_ns, &step_text(step));
        let state = step.asleep.as_ref().map_or(plain(""), state_text);
        let padded = format!("{left:<STATE$}");
        match left.chars().count() < STATE {
            _ if step.asleep.is_none() => writeln!(out, "{}", left.bold()),
            true => writeln!(out, "{}{state}", padded.bold()),
            false => writeln!(out, "{}\n{:STATE$}{state}", left.bold(), ""),
        }
    }

    /// The listener is shut down, which ends the run.
    pub fn shut_down(
        &mut self,
        asleep: &Asleep,
        at_ns: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        self.finish(out)?;
        let left = self.stamped(at_ns, "the listener is shut down");
        writeln!(
            out,
            "{}{}",
            format!("{left:<STATE$}").bold(),
            state_text(asleep)
        )
    }

    /// The server asleep for one client while others wait: what /proc says.
    pub fn blocked(
        &mut self,
        blocked: &Blocked,
        stall: Duration,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        for text in waiting_text(blocked, stall, self.look.timing) {
            writeln!(out, "    {}", text.red())?;
        }
        Ok(())
    }

    /// What /proc says of it.
    pub fn evidence(&mut self, blocked: &Blocked, out: &mut impl Write) -> io::Result<()> {
        match self.look.trace {
            Trace::Summary => Ok(()),
            Trace::Calls => {
                let text = evidence_text(blocked, self.look.timing);
                writeln!(out, "    {}", text.red())
            }
        }
    }

    /// Bytes unread although the server sleeps where a report would wake it.
    pub fn stranded(
        &mut self,
        stranded: &[(Name, u64)],
        asleep: &Asleep,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.look.trace == Trace::Summary {
            return Ok(());
        }
        self.finish(out)?;
        for (name, unread) in stranded {
            let left = format!("    {name}: {unread} unread");
            let state = format!(">>> STRANDED, asleep: {}", asleep.call);
            beside(&left, state.red().bold(), out)?;
        }
        Ok(())
    }
}

/// The send after a recv took just what the recv had brought.
fn is_whole_echo(received: &Record, next: &Record) -> bool {
    let (Call::Recv { fd: from, .. }, Call::Send { fd: to, .. }) = (received.call, next.call)
    else {
        return false;
    };
    from == to && next.result == received.result && next.data == received.data
}
