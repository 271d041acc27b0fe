//! `claims`: what textbooks say about epoll, each claim tried on this kernel.
//!
//! An experiment is a function that makes its calls through [`Trial`](trial::Trial) and
//! hands what it measured to a judge, a function of nothing else. So a kernel
//! that answers otherwise gets another verdict, and the judges are tested with
//! such answers.

mod bend;
mod catalogue;
mod child;
mod child_fork;
mod child_role;
mod claim;
mod disturbance;
mod evidence;
pub mod finding;
mod hangups;
mod interface;
mod many;
mod other;
mod patience;
mod prelude;
mod reading;
pub mod sources;
mod textbook;
mod thread;
pub(crate) mod threads;
pub mod trial;
mod writing;

pub use crate::claims::catalogue::{FAMILIES, Family, all, find, nearest};
pub use crate::claims::child_role::play_if_asked;
pub use crate::claims::claim::{CLAIM, Claim, ID, Tried, try_out};
