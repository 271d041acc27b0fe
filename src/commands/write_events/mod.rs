//! `write-events`: when epoll reports EPOLLOUT.

pub(crate) mod acts;
pub(crate) mod args;
pub(crate) mod bench;
pub(crate) mod json;
pub(crate) mod questions;
pub(crate) mod run;
pub(crate) mod text;
pub(crate) mod verdict;
