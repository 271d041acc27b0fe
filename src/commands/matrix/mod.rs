//! `matrix`: every combination of trigger, socket and read strategy.

pub(crate) mod args;
pub(crate) mod questions;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod text;
