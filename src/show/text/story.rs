//! The clients' steps, and what is told of a server that sleeps.

use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};

use crate::lab::audience::{Event, Folded};
use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::verdict::{names, plural};
use crate::show::text::format::Text;
use crate::show::text::layout::{STATE, alarm, beside, indented, milliseconds, plain, stamp};
use crate::trace::words::open_text;
use crate::trace::{Call, Name, WaitCost};

impl<W: Write> Text<W> {
    /// What is told between the calls.
    pub(super) fn between(&mut self, event: &Event<'_>) -> io::Result<()> {
        match *event {
            Event::DoesNotReturn(call) => self.does_not_return(call),
            Event::Step(step) => self.step(step),
            Event::ShutDown { .. } => self.shut_down(),
            Event::Evidence(blocked) => self.evidence(blocked),
            Event::Blocked { blocked, stall } => {
                let lines = waiting_text(blocked, stall, self.view.times);
                let mut lines = lines.iter();
                lines.try_for_each(|text| writeln!(self.out, "    {}", text.red().bold()))
            }
            Event::Stranded { unread, asleep } => self.stranded(unread, asleep),
            Event::Ended(how) => {
                let text = format!(">>> the program has ended: {how}");
                writeln!(self.out, "{}", text.red().bold())
            }
            Event::Note(note) => {
                self.finish()?;
                self.head(false)?;
                writeln!(self.out, "{}", indented(4, note).dimmed())
            }
            Event::Folded(folded) => {
                self.finish()?;
                let text = folded_text(folded, self.view.times);
                writeln!(self.out, "    ... {}", text.dimmed())
            }
            Event::Unseen(name, reports) => {
                *self.memory.reports.entry(name).or_default() += reports;
                Ok(())
            }
            // Said on standard error, or by what follows.
            _ => Ok(()),
        }
    }

    fn stamped(&self, at_ns: u64, text: &str) -> String {
        match self.view.times {
            false => text.to_string(),
            true => format!("{}{text}", stamp(at_ns)),
        }
    }

    /// What /proc says, and who starves.
    fn evidence(&mut self, blocked: &Blocked) -> io::Result<()> {
        let left = format!("    {}", evidence_text(blocked, self.view.times));
        let waiting: Vec<Name> = blocked.waiting.iter().map(|one| one.client).collect();
        self.memory.starved = !waiting.is_empty();
        if !self.memory.starved {
            return writeln!(self.out, "{left}");
        }
        let verb = if waiting.len() == 1 {
            "STARVES"
        } else {
            "STARVE"
        };
        let who = match waiting[..] {
            [Name::Plain] => "ONE IN THE BACKLOG".to_string(),
            _ => names(&waiting),
        };
        beside(&left, alarm(&format!("{who} {verb}")), &mut self.out)
    }

    /// The server sleeps in a call for one client: shown once.
    fn does_not_return(&mut self, call: &Call) -> io::Result<()> {
        if self.memory.open.is_some() {
            return Ok(());
        }
        self.finish()?;
        self.memory.open = Some(*call);
        let left = format!("    {}", open_text(call));
        beside(&left, plain("does not return"), &mut self.out)
    }

    /// A step of a client, and where the server sleeps at that moment.
    fn step(&mut self, step: &Step) -> io::Result<()> {
        // A server's client closes after it has hung up, which is no news.
        if step.action == Action::Close && step.asleep.is_some() {
            return Ok(());
        }
        self.finish()?;
        self.head(step.asleep.is_some())?;
        let left = self.stamped(step.at_ns, &step.to_string());
        let Some(asleep) = &step.asleep else {
            return writeln!(self.out, "{}", left.bold());
        };
        let state = state_text(asleep, self.memory.starved);
        if left.chars().count() < STATE {
            let padded = format!("{left:<STATE$}");
            writeln!(self.out, "{}{state}", padded.bold())
        } else {
            writeln!(self.out, "{}\n{:STATE$}{state}", left.bold(), "")
        }
    }

    /// The listener is shut down, which ends the run.
    fn shut_down(&mut self) -> io::Result<()> {
        self.finish()?;
        self.memory.ending = Some(vec!["shut down:".into()]);
        Ok(())
    }

    /// Bytes unread although the server sleeps where a report would wake it.
    fn stranded(&mut self, stranded: &[(Name, u64)], asleep: &Asleep) -> io::Result<()> {
        self.finish()?;
        for (name, unread) in stranded {
            let left = format!("    {name}: {unread} unread");
            let state = alarm(&format!("STRANDED, asleep: {}", asleep.call));
            beside(&left, state, &mut self.out)?;
        }
        Ok(())
    }
}

/// `997 more like it`; numbers that vary from run to run only with `times`.
pub fn folded_text(folded: &Folded, times: bool) -> String {
    let calls: Vec<String> = folded
        .calls
        .iter()
        .map(|(call, n)| format!("{n} {call}"))
        .collect();
    match (folded.what, times) {
        (None, _) => format!("{} more like it", folded.count()),
        (Some(what), false) => what.into(),
        (Some(what), true) => format!("{what} ({})", calls.join(", ")),
    }
}

/// What /proc says of the thread: state S is asleep (proc_pid_stat(5)).
pub fn evidence_text(blocked: &Blocked, times: bool) -> String {
    let fd = blocked.fd.map_or(-1, |fd| fd.raw);
    let mut proc = format!(
        "/proc: state {}, in {}, fd {fd}",
        blocked.thread_state, blocked.syscall
    );
    if let (true, Some(wchan)) = (times, &blocked.wchan) {
        proc += &format!(", wchan {wchan}");
    }
    proc
}

/// A line for each of the first few that wait.
pub fn waiting_text(blocked: &Blocked, stall: Duration, times: bool) -> Vec<String> {
    const SHOWN: usize = 3;
    let waited = match times {
        true => format!("{} ms", milliseconds(blocked.waited.as_nanos() as u64)),
        false => humantime::format_duration(stall).to_string(),
    };
    let wait_call = blocked.wait_call.map(|call| match blocked.wait_returns {
        0 => format!("; {call} not called"),
        n => format!("; {call} returned {n} times"),
    });
    let mut lines = Vec::new();
    for waiting in blocked.waiting.iter().take(SHOWN) {
        let who = match waiting.client {
            Name::Plain => "one in the backlog".to_string(),
            name => name.to_string(),
        };
        let echoed = waiting
            .sent
            .map(|sent| format!("{}/{sent} echoed", waiting.echoed));
        let unread = waiting.unread.map(|unread| format!("{unread} unread"));
        let facts: Vec<String> = [echoed, unread].into_iter().flatten().collect();
        let wait_call = wait_call.as_deref().unwrap_or_default();
        let since = match waiting.sent {
            Some(_) => format!(" {waited}"),
            None => String::new(), // only the client could say
        };
        let facts = facts.join(", ");
        lines.push(format!("{who} waits{since}: {facts}{wait_call}"));
    }
    if blocked.waiting.len() > SHOWN {
        lines.push(format!("and {} more wait", blocked.waiting.len() - SHOWN));
    }
    lines
}

/// An alarm where somebody waits who cannot end the sleep.
pub fn state_text(asleep: &Asleep, starved: bool) -> ColoredString {
    match asleep.for_one() {
        Some(fd) if starved => alarm(&format!("SERVER ASLEEP: {}({fd})", asleep.call)),
        Some(fd) => plain(&format!("server asleep: {}({fd})", asleep.call)),
        None if asleep.is_held() => plain(&format!("server held before {}", asleep.call)),
        None => plain(&format!("server asleep: {}", asleep.call)),
    }
}

/// What a wait moved, and who looked at how many fds.
pub fn cost_text(cost: &WaitCost) -> String {
    format!(
        "{} handed over, {} bytes in, {} out; kernel asked {}, program tested {}",
        plural(cost.handed, "fd"),
        cost.bytes_in,
        cost.bytes_out,
        cost.asked,
        cost.tested
    )
}
