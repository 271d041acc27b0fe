//! `claims`: what textbooks say, as a command.

mod args;
mod json;
mod one;
mod questions;
pub(crate) mod run;
mod text;
