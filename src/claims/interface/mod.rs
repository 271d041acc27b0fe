//! What the calls take, return and keep.

mod bent;
mod bounds;
mod ctl;
mod limits;
mod wait;

use crate::claims::claim::Claim;

pub static CLAIMS: [Claim; 16] = [
    ctl::CREATE_SIZE,
    ctl::CTL_ERRORS,
    ctl::USER_DATA,
    wait::WAIT_TIMEOUT,
    wait::MAXEVENTS,
    wait::WAIT_ERRORS,
    wait::WAIT_COUNT,
    limits::INTEREST_LIST,
    limits::NO_MMAP,
    limits::FD_LIMIT,
    limits::REGULAR_FILE,
    bent::CREATE_ZERO,
    bounds::NEGATIVE_TIMEOUT,
    bounds::MS_FINEST,
    bounds::EXCLUSIVE_MOD,
    bent::EFAULT_KEEPS,
];
