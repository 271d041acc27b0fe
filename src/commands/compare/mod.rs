//! `select-poll-compare`: the same server on three APIs, and what a wait costs.

pub mod chart;
pub(crate) mod cost_args;
pub mod cost_text;
pub mod json;
pub(crate) mod run;
pub mod svg;
pub(crate) mod text;
