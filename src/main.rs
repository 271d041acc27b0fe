//! Parses, decides on colour once, dispatches, and gives the exit status.

#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use epoll_lab::commands::cli::{self, Cli, Color};
use epoll_lab::lab::audience::OutputError;
use nix::sys::signal::{SigSet, Signal};

fn main() -> ExitCode {
    // The child of an experiment may have been given fds on purpose.
    if let Some(status) = epoll_lab::claims::play_if_asked(std::env::args_os()) {
        return status;
    }
    epoll_lab::lab::fds::close_inherited();
    if let Some(status) = epoll_lab::watch::play_if_asked(std::env::args_os()) {
        return status;
    }
    // Beyond the limit on a file's size a write returns EFBIG all the same, and
    // that can be said; the signal alone would end us without a word
    // (setrlimit(2)). What we start begins with no signal blocked.
    let _ = SigSet::from_iter([Signal::SIGXFSZ]).thread_block();
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return cli::refuse(&error),
    };
    let color = match cli.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
    };
    colored::control::set_override(color);
    match cli.execute() {
        Ok(status) => status,
        // Whoever read our output has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let text = epoll_lab::trace::error_text(&error);
            epoll_lab::show::tell(&format!("epoll-lab: {text}"));
            ExitCode::from(cli::status_of(&error))
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<OutputError>()
        .is_some_and(|error| error.0.kind() == ErrorKind::BrokenPipe)
}
