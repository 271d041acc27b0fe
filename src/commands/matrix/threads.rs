//! `matrix --threads`: what each flag does where several threads wait.

use std::io::{self, Write};

use anyhow::Result;
use colored::Colorize;
use serde::Serialize;

use crate::claims::threads::flags::{Counts, Setup, THREADS, Watched, run, setups};
use crate::commands::next;
use crate::commands::screen::Screen;
use crate::show::grid;
use crate::show::text::layout::wrap;
use crate::show::text::table;
use crate::trace::words::epoll_names;

const HEAD: [&str; 10] = [
    "\n\nwatched",
    "\n\nepolls",
    "\nbeside\nEPOLLIN",
    "woken\nby the\nfirst",
    "woken\nby the\nsecond",
    "\ngot\none",
    "\ngot\nEAGAIN",
    "\n\nleft",
    "\nwoken\nagain",
    "woken\nby\nMOD",
];

/// What the columns count whose names do not say all of it.
const LEGEND: [(&str, &str); 6] = [
    (
        "epolls",
        "1: all wait in one; 4: each waits in one of its own",
    ),
    (
        "woken by the",
        "how many woke, of those that slept still; -: nobody slept",
    ),
    ("got", "one: a message or a client; EAGAIN: nothing"),
    ("left", "messages or clients that nobody got"),
    (
        "woken again",
        "how many woke when all waited again, though nothing arrived",
    ),
    (
        "woken by MOD",
        "how many woke then by epoll_ctl(MOD) with the same events",
    ),
];

/// A row of the JSON contract.
#[derive(Serialize)]
struct Row {
    fd: Watched,
    epolls: usize,
    flag: Option<&'static str>,
    #[serde(flatten)]
    counts: Counts,
}

/// Runs all of them, and shows what they came to.
pub fn show(screen: &Screen) -> Result<()> {
    let mut rows = Vec::new();
    for setup in setups() {
        let row = Row::of(setup, run(setup)?);
        screen.json("threads", None, &row)?;
        rows.push(row);
    }
    Ok(screen.text(|out| text(&rows, out))?)
}

impl Row {
    fn of(setup: Setup, counts: Counts) -> Row {
        Row {
            fd: setup.watched,
            epolls: if setup.own_epolls { THREADS } else { 1 },
            flag: epoll_names(setup.flag).first().copied(),
            counts,
        }
    }

    fn cells(&self) -> [String; 10] {
        let counts = &self.counts;
        let wakes = |at: usize| match counts.asleep[at] {
            0 => "-".into(),
            asleep => format!("{} of {asleep}", counts.woken[at]),
        };
        [
            match self.fd {
                Watched::Client => "client".into(),
                Watched::Listener => "listener".into(),
            },
            self.epolls.to_string(),
            self.flag.unwrap_or("-").into(),
            wakes(0),
            wakes(1),
            counts.got.to_string(),
            counts.eagain.to_string(),
            counts.left.to_string(),
            counts.again.to_string(),
            match counts.by_mod {
                Some(woken) => woken.to_string(),
                None => "EINVAL".into(),
            },
        ]
    }
}

fn text(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    let header = format!("matrix --threads | how many of {THREADS} threads that wait are woken");
    let story = format!(
        "{THREADS} threads sleep in epoll_wait. Two messages of one client arrive, one after the \
         other; or two clients connect. Who wakes is held until both are there. Then all that woke \
         make one call at the same time: recv, or accept4."
    );
    writeln!(out, "{}\n\n{}\n", header.bold(), wrap(&story, 0))?;
    grid::of(HEAD, rows.iter().map(Row::cells), &[1, 2], 1).print(out)?;
    writeln!(out)?;
    for (columns, count) in LEGEND {
        writeln!(out, "{columns:<12}  {count}")?;
    }
    table::next(Some(next::AFTER_THREADS), out)
}
