//! `epoll-lab`: level- and edge-triggered epoll on real sockets, every call
//! traced.
//!
//! # The rooms
//!
//! Arrows only run down this list: a room imports those below it, and no file
//! imports one that imports it. `tests/layers` holds that.
//!
//! | room | what lives there |
//! | --- | --- |
//! | [`commands`] | what can be asked for: one folder a command, one driver for all |
//! | [`show`] | whoever hears a run: text, JSON, the page, standard error |
//! | [`claims`] | what textbooks say, one experiment each, and who judges it |
//! | [`watch`] | a foreign program followed from outside, and what is wrong with it |
//! | [`lab`] | one server against one script: the clients, the witness, the summary |
//! | [`cost`] | what one wait costs on select, poll and epoll |
//! | [`server`] | the listing: the textbook's event loop, once per API |
//! | [`sys`] | one traced method per system call, and the journal of them |
//! | [`trace`] | what happened, as data, and in words |
//!
//! ```text
//! commands --> lab --> server thread: the textbook loop --> sys --> the kernel
//!               |                                            |
//!               |<------- records, in the journal -----------+
//!               +-- witness: what /proc says of the server thread
//!               +-- client: the next step of the script
//!               +-> audience: one stream of events --> show
//! ```
//!
//! # Where to read
//!
//! The listing is the lesson; it comes first.
//!
//! 1. [`server::mode`]: the table that says in what the servers differ;
//! 2. [`server::epoll`]: the event loop of epoll(7), and beside it
//!    [`server::blocking`], the server without one;
//! 3. [`server::connection`]: the two readers and the echo, and
//!    [`server::door`]: the listener;
//! 4. [`sys`]: how a call is traced, and [`sys::journal`], where that is kept;
//! 5. [`lab`] with [`lab::script`] and [`lab::witness`]: how it is known that
//!    the server sleeps, and that a client may act;
//! 6. [`lab::audience`]: all that can be heard of a run;
//! 7. [`lab::report`]: what it comes to, and the verdict;
//! 8. [`show::text`], [`show::json`] and [`show::page`]: three who listen;
//! 9. `commands::conduct`: how a command asks, runs and answers.
//!
//! # To add a claim
//!
//! Write an experiment and its judge into the file of its family in
//! [`claims`], and its row into the `CLAIMS` of that family. The judge sees
//! what was measured and nothing else, and has a test with an answer that no
//! kernel gives. `lessons/claims.md` says the rest.
//!
//! # To add a format
//!
//! Write one type over a writer that implements
//! [`Audience`](lab::audience::Audience): it hears every
//! [`Event`](lab::audience::Event) of a run and leaves out what it has no use
//! for. What it cannot show it ignores in one arm. Then name it where
//! `commands::screen` chooses the listener; one that only listens beside the
//! others, such as [`show::aside`], is pushed to them there.
//!
//! # To add a command
//!
//! Make a folder in [`commands`]: `args` (clap's), `run` with `execute`,
//! `questions`, `text`, `json` as far as it has them. What it runs is an
//! `Experiment`: its questions, the run, and what is shown of it; `conduct`
//! does the rest. `run` begins with the command's row, a `Command` that says how
//! it is typed, which flags it has and what runs it; name that in the table at
//! the top of [`commands::cli`]. What to run after it stands in
//! `commands::next`.
//!
//! # What must hold
//!
//! - Nothing is simulated: what a trace line says, `strace` says too.
//! - The same bytes every time, but for `--timing`.
//! - A verdict is computed from what was measured, and from nothing else.
//! - No `unsafe`; above [`sys`] a system call has no name but its own; an errno
//!   that is expected is a match arm that says why.
//!
//! `tests/README.md` says how to run one test quickly, and how to bring the
//! lessons up to date.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_os = "linux"))]
compile_error!("epoll-lab shows epoll, which only Linux has: build it on Linux, or in WSL2");

pub mod claims;
pub mod commands;
pub mod cost;
pub mod lab;
pub mod server;
pub mod show;
pub mod sys;
pub mod trace;
pub mod watch;
