//! What is reported of bytes that arrive, and how to read them.

mod drain;
mod edge;
mod efficiency;
mod level;
mod rearm;
mod stream;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 18] = [
    level::LT_REPEATS,
    level::LT_BIG_BUFFER,
    level::LT_BOTH_SOCKETS,
    edge::ET_ONCE,
    edge::ET_NEW_DATA,
    edge::ET_EVERY_ARRIVAL,
    drain::ET_NEEDS_NONBLOCK,
    edge::ET_MASKED_LOSS,
    drain::ET_SHORT_READ,
    edge::ET_LISTENER,
    efficiency::ET_FASTER,
    rearm::ET_REARM,
    drain::EAGAIN,
    rearm::ONESHOT,
    drain::DRAIN_STARVES,
    stream::USER_BUFFER,
    stream::PRI,
    stream::RCVLOWAT,
];
