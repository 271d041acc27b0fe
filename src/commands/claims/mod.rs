//! `claims`: what textbooks say, as a command.

pub(crate) mod args;
mod json;
mod one;
mod questions;
pub(crate) mod run;
mod text;
