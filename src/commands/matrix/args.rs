//! The flags of `matrix`.

use clap::Args;

use crate::commands::args::{BUFFER, Message, ScreenArgs, message, number};
use crate::commands::predict::args::PredictArgs;

const EXAMPLES: &str = "\
Examples:
  epoll-lab matrix                    the table, for the projector
  epoll-lab matrix --buffer 1024      a buffer that takes a whole message";

const MORE_EXAMPLES: &str = "\
Each row is a server that was really run, against the same two clients. The
counts are those of A at the moment when both have sent and neither has hung
up. B is served if it has its answer by then.

  OK        everything came back
  STRANDED  bytes unread, while the server slept where no report would come
  STUCK     the server slept in recv for one client

Every row can be run by itself and watched:
  epoll-lab lt --clients 2 --trace            level, blocking, once
  epoll-lab et-blocking --read once --trace   edge, blocking, once
  epoll-lab et-nonblock --read once --trace   edge, nonblocking, once
  epoll-lab lt --clients 2 --read drain --socket nonblocking --trace
                                              level, nonblocking, drain

Examples:
  epoll-lab matrix                    the table, for the projector
  epoll-lab matrix --buffer 1024      a buffer that takes a whole message
  epoll-lab matrix --message hello    both clients say the same
  epoll-lab matrix --trace            every call of all eight servers
  epoll-lab matrix --format json      one record a line
  epoll-lab matrix --threads          four threads: who is woken, who reads

Exit status:
  0    all eight were run, whatever came of them
  1    a system call failed, or bytes came back that nobody had sent
  2    wrong usage
  130  Ctrl-C";

/// Every combination of trigger, socket and read, one row each
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = MORE_EXAMPLES)]
#[command(next_help_heading = "The servers")]
pub struct MatrixArgs {
    #[command(flatten)]
    pub screen: ScreenArgs,

    /// Instead: what EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE do for several
    /// threads, on one epoll and on one listener
    #[arg(long)]
    #[arg(conflicts_with_all = ["buffer", "message", "predict", "trace", "timing"])]
    pub threads: bool,

    /// Size of the receive buffer
    #[arg(long, value_name = "BYTES", default_value_t = BUFFER)]
    #[arg(value_parser = number(1_u32..=65_536))]
    pub buffer: u32,

    /// What both clients send, 1 to 32768 bytes; repeat it for more messages
    /// [default: HELLOworld123 for A, ping for B]
    #[arg(long, value_name = "TEXT", help_heading = "The clients")]
    #[arg(value_parser = message())]
    pub message: Vec<Message>,

    #[command(flatten)]
    pub predict: PredictArgs,
}
