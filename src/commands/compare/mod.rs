//! `select-poll-compare`: the same server on three APIs, and what a wait costs.

mod args;
mod chart;
mod cost;
pub(crate) mod cost_args;
pub mod cost_text;
pub mod json;
pub(crate) mod run;
mod servers;
pub mod svg;
mod text;
