//! The flags of `write-events`.

use clap::Args;

use crate::commands::args::{ScreenArgs, Word, number, one_of};
use crate::commands::page::PageArgs;
use crate::commands::predict::args::PredictArgs;
use crate::lab::report::Trigger;

const EXAMPLES: &str = "\
Examples:
  epoll-lab write-events --trace              every call, long loops folded
  epoll-lab write-events --trigger et         edge-triggered alone";

const MORE_EXAMPLES: &str = "\
W writes to P over loopback TCP with small buffers, and waits for EPOLLOUT:
  1  with nothing to send
  2  with a send buffer that is full, and so for 50 ms
  3  while P reads, 512 bytes at a time, and after the first EPOLLOUT
  the right way: the same again, EPOLLOUT registered only while something
  waits to be sent
A wait that nothing ends is over after 50 ms, and is the last of its act.

Examples:
  epoll-lab write-events                      both triggers, side by side
  epoll-lab write-events --trace              every call, long loops folded
  epoll-lab write-events --trigger et         edge-triggered alone
  epoll-lab write-events --waits 100000 --timing
                                              how fast the busy loop spins
  epoll-lab write-events --format json        one record an act

Exit status:
  0    success, whatever came of it
  1    a system call failed, or bytes were lost; the message says so
  2    wrong usage
  130  Ctrl-C";

/// EPOLLOUT: when it comes, and when to ask for it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
#[command(next_help_heading = "The writer")]
pub struct WriteArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    #[command(flatten)]
    pub page: PageArgs,

    /// Only one of the two
    #[arg(long, value_name = "TRIGGER")]
    #[arg(value_parser = one_of(&TRIGGERS))]
    pub trigger: Option<Trigger>,

    /// How often at most it asks for EPOLLOUT in one act
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = number(2_u32..=1_000_000))]
    pub waits: u32,

    #[command(flatten)]
    pub predict: PredictArgs,
}

/// Under --trigger.
const TRIGGERS: [Word<Trigger>; 2] = [
    (Trigger::Level, "lt", Some("Level-triggered")),
    (Trigger::Edge, "et", Some("Edge-triggered")),
];
