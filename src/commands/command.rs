//! What a command is: a row of the table in [`cli`](crate::commands::cli).

use std::process::ExitCode;

use anyhow::Result;
use clap::ArgMatches;

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
