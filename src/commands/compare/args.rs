//! The flags of `select-poll-compare`.

use clap::{Args, ValueEnum};

use crate::commands::args::{BUFFER, Message, ScreenArgs, message, number};
use crate::commands::compare::cost_args::{METHOD, ScalingArgs};
use crate::commands::page::PageArgs;

const EXAMPLES: &str = "\
Examples:
  --only servers --trace          every call of the three servers
  --only cost --fds 10,1000       two sizes, and no servers
  --active all                    every fd is ready
  --svg cost.svg                  the chart as a picture as well";

/// The same server on select, poll and epoll; then the cost as the set grows
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{METHOD}\n\n{EXAMPLES}"))]
#[command(next_help_heading = "The servers")]
pub struct CompareArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    #[command(flatten)]
    pub page: PageArgs,

    /// Leave out the other part
    #[arg(long, value_name = "PART", help_heading = "The screen")]
    pub only: Option<Part>,

    /// Size of the receive buffer
    #[arg(long, value_name = "BYTES", default_value_t = BUFFER)]
    #[arg(value_parser = number(1_u32..=65_536))]
    pub buffer: u32,

    /// How many clients, 1 to 100: the last one talks, the others are idle
    #[arg(long, value_name = "N", default_value_t = 4)]
    #[arg(value_parser = number(1_u16..=100))]
    pub clients: u16,

    /// What the last client sends, 1 to 32768 bytes; repeat it for more
    /// messages [default: HELLOworld123]
    #[arg(long, value_name = "TEXT")]
    #[arg(value_parser = message())]
    pub message: Vec<Message>,

    /// Wait for Enter before each step of the clients, and show every call
    #[arg(long)]
    pub step: bool,

    #[command(flatten)]
    pub scaling: ScalingArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The same server on three APIs
    Servers,
    /// What a wait costs as the set grows
    Cost,
}
