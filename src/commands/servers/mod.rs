//! The commands that run one server: `blocking`, `lt`, `et-blocking`, `et-nonblock`.

pub(crate) mod args;
pub(crate) mod questions;
pub(crate) mod run;
