//! `watch`: a program of somebody else's, followed from outside.

pub(crate) mod args;
mod hear;
mod json;
mod pid;
pub(crate) mod run;
mod text;
