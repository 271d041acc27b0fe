//! The clients' steps, and what is told of a server that sleeps.

use std::io::{self, Write};
use std::time::Duration;

use colored::{ColoredString, Colorize};

use crate::lab::report::scene::{Action, Asleep, Blocked, Step};
use crate::lab::report::verdict::plural;
use crate::show::text::Text;
use crate::show::text::layout::{STATE, beside, milliseconds, plain, stamp};
use crate::show::{Timing, Trace};
use crate::trace::escape::quote;
use crate::trace::words::open_text;
use crate::trace::{Call, Name, WaitCost, errno_name};

/// Columns for a message in a client's step.
const MESSAGE_WIDTH: usize = 30;

impl Text {
    fn stamped(&self, at_ns: u64, text: &str) -> String {
        match self.look.timing {
            Timing::Hidden => text.to_string(),
            Timing::Shown => format!("{}{text}", stamp(at_ns)),
        }
    }

    /// The server sleeps in a call for one client: shown once.
    pub fn does_not_return(&mut self, call: &Call, out: &mut impl Write) -> io::Result<()> {
        if self.look.trace == Trace::Summary || self.open.is_some() {
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

/// The kernel's evidence, and a line for each of the first few that wait.
pub fn blocked_text(blocked: &Blocked, stall: Duration, timing: Timing) -> Vec<String> {
    let mut lines = vec![evidence_text(blocked, timing)];
    lines.extend(waiting_text(blocked, stall, timing));
    lines
}

/// What /proc says of the thread: state S is asleep (proc_pid_stat(5)).
pub fn evidence_text(blocked: &Blocked, timing: Timing) -> String {
    let fd = blocked.fd.map_or(-1, |fd| fd.raw);
    let mut proc = format!(
        "/proc: state {}, in {}, fd {fd}",
        blocked.thread_state, blocked.syscall
    );
    if let (Timing::Shown, Some(wchan)) = (timing, &blocked.wchan) {
        proc += &format!(", wchan {wchan}");
    }
    proc
}

/// A line for each of the first few that wait.
pub fn waiting_text(blocked: &Blocked, stall: Duration, timing: Timing) -> Vec<String> {
    const SHOWN: usize = 3;
    let waited = match timing {
        Timing::Shown => format!("{} ms", milliseconds(blocked.waited.as_nanos() as u64)),
        Timing::Hidden => humantime::format_duration(stall).to_string(),
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
        if waiting.sent.is_none() {
            // Since when it waits only the client could say.
            lines.push(format!("{who} waits: {}{wait_call}", facts.join(", ")));
            continue;
        }
        lines.push(format!(
            "{who} waits {waited}: {}{wait_call}",
            facts.join(", ")
        ));
    }
    if blocked.waiting.len() > SHOWN {
        lines.push(format!("and {} more wait", blocked.waiting.len() - SHOWN));
    }
    lines
}

/// What a client does: `A sends "HELLOworld123"`.
pub fn step_text(step: &Step) -> String {
    let name = step.client;
    let message = || match step.data.is_empty() {
        true => "nothing".to_string(),
        false => quote(&step.data, MESSAGE_WIDTH),
    };
    let text = match step.action {
        Action::Connect => format!("{name} connects"),
        Action::Send => format!("{name} sends {}", message()),
        Action::Recv => format!("{name} receives {}", message()),
        Action::Shutdown => format!("{name} hangs up"),
        Action::Close => format!("{name} closes"),
        Action::Reset => format!("{name} resets the connection"),
    };
    match step.failed {
        Some(errno) => format!("{text}: {}", errno_name(errno)),
        None => text,
    }
}

/// In capitals and red where one client can end the sleep, and no other.
pub fn state_text(asleep: &Asleep) -> ColoredString {
    match asleep.for_one() {
        Some(fd) => format!(">>> SERVER ASLEEP: {}({fd})", asleep.call)
            .red()
            .bold(),
        None => format!("server asleep: {}", asleep.call).dimmed(),
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
