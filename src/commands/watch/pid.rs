//! A running program: what it looks like from outside, and its calls as they
//! come.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use colored::Colorize;
use nix::sys::signal::{SigSet, Signal};

use crate::commands::screen::Screen;
use crate::commands::watch::args::WatchArgs;
use crate::commands::watch::json;
use crate::lab::audience::{Event, OutputError};
use crate::lab::interrupt::status_after;
use crate::lab::report::Trigger;
use crate::show::text::layout::wrap;
use crate::show::{grid, tell};
use crate::trace::{Name, OfCall};
use crate::watch::attach::{Ending, Followed, follow};
use crate::watch::guard;
use crate::watch::odd::end_text;
use crate::watch::picture::{self, Picture};
use crate::watch::proc;
use crate::watch::processor::Processor;

/// How long the summary is given to be read.
const TO_BE_READ: Duration = Duration::from_secs(1);

pub fn execute(
    process: i32,
    args: &WatchArgs,
    processor: &'static Processor,
    screen: &Screen,
) -> Result<ExitCode> {
    let Some(name) = proc::command_of(process) else {
        bail!("there is no process {process}: pgrep finds one by its name");
    };
    let Some(picture) = picture::take(process, processor) else {
        bail!("process {process} has ended");
    };
    if proc::look(process).is_none_or(|look| matches!(look.state, 'Z' | 'X')) {
        bail!("process {process} ({name}) has ended: only its parent has to take notice of it");
    }
    if proc::is_kernel_thread(process) {
        bail!("process {process} ({name}) is the kernel's own: it makes no system calls");
    }
    if proc::fds(process).is_empty() {
        bail!("process {process} ({name}) is another user's: look at it as that user, or as root");
    }
    if args.once {
        show(process, &name, &picture, screen)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !guard::is_tracer()? {
        return guard::run();
    }
    let ending = on_ending(process)?;
    show(process, &name, &picture, screen)?;
    screen.audience.tell(&Event::Trial("watch"))?;
    screen.text(|out| writeln!(out, "\n{}", "its calls, until Ctrl-C:".bold()))?;
    let followed = follow(processor, process, args.port, &screen.audience, &ending)?;
    screen.audience.tell(&Event::Finish)?;
    // The terminal has shown ^C on a line of its own.
    if io::stderr().is_terminal() {
        tell("");
    }
    sum_up(process, &followed, screen)?;
    let signal = ending.signal.load(Ordering::Acquire);
    Ok(ExitCode::from(status_after(signal)))
}

/// Ctrl-C ends the watching, not this program: the other one has to be let go
/// first.
fn on_ending(process: i32) -> Result<Arc<Ending>> {
    let signals = SigSet::from_iter(guard::ENDING);
    signals.thread_block().context("cannot block SIGINT")?;
    // Not in the terminal's foreground: "stty tostop" would stop us as we
    // write, and with us the program.
    let mut write = SigSet::empty();
    write.add(Signal::SIGTTOU);
    write.thread_block().context("cannot block SIGTTOU")?;
    let ending = Arc::new(Ending::default());
    let seen = Arc::clone(&ending);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Ok(signal) = signals.wait() {
                seen.signal.store(signal as i32, Ordering::Release);
                unread(process, signal, &seen);
            }
        })
        .of_call("pthread_create")?;
    Ok(ending)
}

/// Ends this program, should it still be there: nobody reads what it writes.
fn unread(process: i32, signal: Signal, ending: &Ending) {
    let let_go = ending.let_go.wait();
    thread::sleep(TO_BE_READ);
    tell(&format!(
        "epoll-lab: nobody reads standard output; process {process} {}",
        match let_go {
            true => "was let go",
            false => "could not be let go",
        }
    ));
    std::process::exit(match let_go {
        true => status_after(signal as i32).into(),
        false => 1,
    });
}

fn show(process: i32, name: &str, picture: &Picture, screen: &Screen) -> Result<(), OutputError> {
    for thread in &picture.threads {
        screen.json("thread", None, thread)?;
    }
    for watched in picture.watched.iter().chain(&picture.unwatched) {
        screen.json("interest", None, watched)?;
    }
    screen.text(|out| {
        let header = format!("watch | process {process} ({name})");
        writeln!(out, "{}\n", header.bold())?;
        threads(picture, out)?;
        writeln!(out)?;
        interest(picture, out)
    })
}

fn threads(picture: &Picture, out: &mut impl Write) -> io::Result<()> {
    let rows = picture.threads.iter().map(|thread| {
        [
            thread.process.to_string(),
            thread.thread.to_string(),
            thread.state.to_string(),
            thread.call.clone(),
        ]
    });
    grid::of(["process", "thread", "state", "in"], rows, &[3], 2).print(out)
}

fn interest(picture: &Picture, out: &mut impl Write) -> io::Result<()> {
    if picture.watched.is_empty() && picture.unwatched.is_empty() {
        return writeln!(out, "no epoll instance, and no bytes unread");
    }
    let head = [
        "process", "epoll", "fd", "what", "interest", "trigger", "unread",
    ];
    let rows = picture.watched.iter().chain(&picture.unwatched);
    let rows = rows.map(|watched| {
        [
            watched.process.to_string(),
            watched.epoll.map_or("-".into(), |epoll| epoll.to_string()),
            watched.fd.to_string(),
            watched.what.replacen(", ", "\n", 1),
            watched.interest.clone(),
            watched.trigger.map_or("-", Trigger::name).into(),
            watched.unread.map_or("-".into(), |bytes| bytes.to_string()),
        ]
    });
    grid::of(head, rows, &[3, 4, 5], 2).print(out)
}

fn clients(followed: &Followed, out: &mut impl Write) -> io::Result<()> {
    let head = [
        "client",
        "trigger",
        "reports",
        "recv",
        "EAGAIN",
        "sent/read",
    ];
    let rows = followed.ends.iter().map(|(name, end)| {
        let counts = match name {
            Name::Client(index) => followed.totals.connections.get(index).cloned(),
            _ => None,
        };
        let counts = counts.unwrap_or_default();
        [
            name.to_string(),
            json::level_or_edge(end.edge).unwrap_or("-").into(),
            counts.reports.to_string(),
            counts.recv.to_string(),
            counts.eagain.to_string(),
            format!("{}/{}", counts.echoed, counts.received),
        ]
    });
    grid::of(head, rows, &[1], 2).print(out)
}

/// What its calls came to while they were followed.
fn sum_up(process: i32, followed: &Followed, screen: &Screen) -> Result<(), OutputError> {
    let totals = &followed.totals;
    screen.text(|out| {
        writeln!(out)?;
        if !followed.ends.is_empty() {
            clients(followed, out)?;
            writeln!(out)?;
        }
        let end = match followed.end {
            Some(end) => format!("Process {process} has ended: {}.", end_text(end)),
            None => format!("Process {process} was let go, and runs on."),
        };
        let told = format!(
            "Its waits returned {} times, {} of them because time was up. {end}",
            totals.returns, totals.timeouts
        );
        writeln!(out, "{}", wrap(&told, 0))?;
        if !followed.others.is_empty() {
            let others = format!(
                "It listens on {} as well: --port follows another port.",
                followed.others.join(", ")
            );
            writeln!(out, "{}", wrap(&others, 2))?;
        }
        for signal in &followed.lost_signals {
            writeln!(
                out,
                "Signal {signal} came while it was followed, and was lost."
            )?;
        }
        Ok(())
    })?;
    json::followed(followed, screen)
}
