//! The trace as text: the server's calls on the left, what the kernel holds
//! on the right, and each client's step at the margin.
//!
//! How a call becomes a line stands in `calls`, and what is told between the
//! calls in [`story`].

mod calls;
pub mod layout;
pub mod story;
pub mod table;

pub use crate::show::text::calls::is_whole_echo;

use std::collections::BTreeMap;
use std::io::{self, Write};

use colored::Colorize;

use crate::lab::report::{Api, Run, Subcommand, Trigger};
use crate::server::mode::{Read, SocketKind};
use crate::show::text::layout::wrap;
use crate::show::{Look, Trace};
use crate::trace::{Call, Name, Record};

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
    /// Nothing shown yet, so nothing to remember.
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

    /// The same from the first run to the last.
    pub fn look(&self) -> Look {
        self.look
    }

    /// The header: which server this is.
    pub fn run(&mut self, run: &Run, out: &mut impl Write) -> io::Result<()> {
        *self = Text::new(self.look);
        self.outside = run.clients == 0;
        self.costs = run.command == Subcommand::SelectPollCompare;
        match (run.command, self.look.trace) {
            (Subcommand::WriteEvents, _) => {
                crate::commands::write_events::text::header(run, self.look, out)
            }
            // One table for all, with a header of its own.
            (Subcommand::Matrix, Trace::Summary) => Ok(()),
            // One table for all three: one header.
            (Subcommand::SelectPollCompare, Trace::Summary) => match run.api {
                Api::Poll | Api::Epoll => Ok(()),
                _ => header(run, run.command.name(), out),
            },
            _ => header(run, run.title(), out),
        }
    }

    /// Above the summary of one run of several that is the last: which it was,
    /// if nothing has said so yet.
    pub fn broken_off(&self, run: &Run, out: &mut impl Write) -> io::Result<()> {
        match (run.command, self.look.trace) {
            (Subcommand::Matrix | Subcommand::SelectPollCompare, Trace::Summary) => {
                header(run, run.title(), out)
            }
            _ => Ok(()),
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

    /// So many reports of a client are not shown.
    pub fn unseen(&mut self, name: Name, reports: u64) {
        self.clients.entry(name).or_default().reports += reports;
    }
}

/// Which server this is, in a line that begins with `title`.
fn header(run: &Run, title: &str, out: &mut impl Write) -> io::Result<()> {
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
        "{title} | {trigger} | {socket} | {}-byte buffer | {read}",
        run.buffer
    );
    writeln!(out, "{}\n", wrap(&header, 2).bold())
}
