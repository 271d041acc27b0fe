//! `watch`: a program of somebody else's, followed from outside.

mod args;
mod json;
mod pid;
pub(crate) mod run;
mod text;
