//! What a command is: a row of the table in [`cli`](crate::commands::cli).

use std::process::ExitCode;

use anyhow::Result;
use clap::ArgMatches;
use thiserror::Error;

use crate::watch::odd::Odd;

/// A command: its name, its flags, and what runs it.
pub struct Command {
    /// As it is typed.
    pub name: &'static str,
    /// Adds what `--help` says of it, and its flags: `Flags::augment_args` of
    /// the type that holds them.
    pub flags: fn(clap::Command) -> clap::Command,
    /// Runs it with the flags that were given: `Flags::from_arg_matches` reads
    /// them.
    pub run: fn(&ArgMatches) -> Result<ExitCode>,
}

impl Command {
    /// As clap wants to have it.
    pub fn define(&self) -> clap::Command {
        (self.flags)(clap::Command::new(self.name))
    }
}

/// A command line that clap lets pass and that makes no sense: what was given,
/// and what would be right.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// The exit status of a command that has failed: 2 for wrong usage.
pub fn status_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Odd>() {
        Some(odd) => odd.status(),
        None if error.is::<Misuse>() => 2,
        None => 1,
    }
}
