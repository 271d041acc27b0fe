//! `claims`: what textbooks say, each claim tried on this kernel.

pub(crate) mod args;
pub(crate) mod questions;
pub(crate) mod run;
pub(crate) mod text;
