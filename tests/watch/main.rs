//! `watch`: other people's programs, in several languages, right and wrong.
//!
//! The programs stand in `tests/servers`. Where a compiler or an interpreter
//! is missing, a test says that it skips.

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod endings;
mod failing;
mod foreign;
mod letting_go;
mod odd;
mod ours;
mod pid;
mod running;
mod same;
mod servers;
mod textbook;
mod told;
mod verdicts;
mod who;
