//! `matrix`: every combination of trigger, socket and read.

mod args;
mod questions;
mod rows;
mod rules;
pub(crate) mod run;
mod text;
mod threads;
