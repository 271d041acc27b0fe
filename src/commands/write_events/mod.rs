//! `write-events`: when EPOLLOUT comes, and when to ask for it.

mod acts;
mod args;
mod ends;
mod json;
mod questions;
pub(crate) mod run;
mod side;
mod text;
mod trace;
mod verdict;
