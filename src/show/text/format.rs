//! The listener: what it shows of which event, and what it remembers.

use std::collections::BTreeMap;
use std::io::{self, Write};

use colored::Colorize;

use crate::lab::audience::{Audience, Event, OutputError};
use crate::lab::report::{EventLoop, Run, Summary, Trigger};
use crate::server::mode::{Read, SocketKind};
use crate::show::text::layout::{WIDTH, wrap};
use crate::show::text::table;
use crate::show::view::View;
use crate::trace::{Call, Name, Record};

/// The format, and what it has to remember from line to line.
#[derive(Debug)]
pub struct Text<W> {
    pub(super) out: W,
    pub(super) view: View,
    pub(super) memory: Memory,
    /// What the run came to is shown, whatever its command makes of it.
    interrupted: bool,
}

/// What the lines to come depend on; another run begins without it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The set-up so far: it is shown as one paragraph.
    pub(super) setup: Vec<String>,
    /// The heading is out.
    pub(super) headed: bool,
    /// A recv whose echo or close may follow, in which case they share a line.
    pub(super) received: Option<Record>,
    /// The listener has been shut down, and this is what has followed: it is
    /// shown as one paragraph.
    pub(super) ending: Option<Vec<String>>,
    /// Somebody waits while the server sleeps for somebody else.
    pub(super) starved: bool,
    /// The server sleeps in this call, and the screen shows that it does.
    pub(super) open: Option<Call>,
    /// How often the screen shows that a connection was reported.
    pub(super) reports: BTreeMap<Name, u64>,
    /// The clients come from outside: say where from.
    pub(super) outside: bool,
    /// Say what a wait moves and looks at.
    pub(super) costs: bool,
}

impl<W: Write + Send> Audience for Text<W> {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        match event {
            Event::Run(run) => self.run(run)?,
            Event::Trial(_) => self.memory = Memory::default(),
            Event::Interrupted => self.interrupted = true,
            Event::Summary(summary) => self.summary(summary)?,
            _ if !self.view.calls => {}
            Event::Call(record) => self.record(record)?,
            Event::Finish => self.finish()?,
            event => self.between(event)?,
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(self.out.flush()?)
    }
}

impl<W: Write> Text<W> {
    /// Nothing shown yet, so nothing to remember.
    pub fn new(view: View, out: W) -> Text<W> {
        Text {
            out,
            view,
            memory: Memory::default(),
            interrupted: false,
        }
    }

    /// The header: which server this is.
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.memory = Memory {
            outside: run.clients == 0,
            costs: run.caption.costs,
            ..Memory::default()
        };
        if self.view.calls {
            return header(run, run.caption.title, &mut self.out);
        }
        match run.caption.above {
            Some(title) => header(run, title, &mut self.out),
            None => Ok(()),
        }
    }

    /// What it came to; a command with several runs shows that by itself, if
    /// it comes to that.
    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.finish()?;
        let caption = &summary.run.caption;
        if !caption.summed_up && !self.interrupted {
            return Ok(());
        }
        // Nothing may have said yet which run it is.
        if !self.view.calls && caption.above != Some(caption.title) {
            header(&summary.run, caption.title, &mut self.out)?;
        }
        table::counts(summary, self.view, &mut self.out)?;
        writeln!(self.out)?;
        table::verdict(summary, &mut self.out)?;
        table::next(caption.next.as_deref(), &mut self.out)
    }
}

/// Which server this is, in a line that begins with `title`.
fn header(run: &Run, title: &str, out: &mut impl Write) -> io::Result<()> {
    let read = match run.read {
        Read::Once => "one recv per report",
        Read::Drain if run.api == EventLoop::None => "recv until hang-up",
        // A blocking socket never says EAGAIN.
        Read::Drain if run.socket == SocketKind::Blocking => "recv in a loop",
        Read::Drain => "recv until EAGAIN",
    };
    let [trigger, short] = match run.trigger {
        Some(Trigger::Level) => ["level-triggered", "level"],
        Some(Trigger::Edge) => ["edge-triggered", "edge"],
        None => ["no multiplexing"; 2],
    };
    let socket = match run.socket {
        SocketKind::Blocking => "blocking",
        SocketKind::Nonblocking => "O_NONBLOCK",
    };
    let buffer = run.buffer;
    let with = |trigger| format!("{title} | {trigger} | {socket} | {buffer}-byte buffer | {read}");
    let header = Some(with(trigger)).filter(|header| header.len() <= WIDTH);
    let header = header.unwrap_or_else(|| with(short));
    writeln!(out, "{}\n", wrap(&header, 2).bold())
}
