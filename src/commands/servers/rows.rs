//! The rows of the servers in the table of commands.

use clap::Args;

use crate::commands::command::Command;
use crate::commands::servers::Server;
use crate::commands::servers::args::{EXAMPLES, EpollArgs, ServerArgs};
use crate::commands::servers::run::execute;

/// One client after the other.
pub const BLOCKING: Command = Command {
    name: "blocking",
    flags: |it| {
        let about = "No multiplexing: accept, then recv until this client hangs up";
        ServerArgs::augment_args(it)
            .about(about)
            .after_help(EXAMPLES)
    },
    run: |given| execute(Server::Blocking, given),
};

/// The first server of a course.
pub const LT: Command = Command {
    name: "lt",
    flags: |it| epoll(it, "Level-triggered, blocking socket, one recv per report"),
    run: |given| execute(Server::Lt, given),
};

/// The pitfall.
pub const ET_BLOCKING: Command = Command {
    name: "et-blocking",
    flags: |it| {
        epoll(
            it,
            "Edge-triggered, blocking socket, recv in a loop: the pitfall",
        )
    },
    run: |given| execute(Server::EtBlocking, given),
};

/// The way out of it.
pub const ET_NONBLOCK: Command = Command {
    name: "et-nonblock",
    flags: |it| epoll(it, "Edge-triggered, O_NONBLOCK, recv until EAGAIN"),
    run: |given| execute(Server::EtNonblock, given),
};

fn epoll(command: clap::Command, about: &'static str) -> clap::Command {
    EpollArgs::augment_args(command)
        .about(about)
        .after_help(EXAMPLES)
}
