//! `matrix`: every combination of trigger, socket and read.

pub(crate) mod args;
mod questions;
mod rows;
mod rules;
pub(crate) mod run;
mod text;
