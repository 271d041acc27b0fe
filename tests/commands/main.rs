//! The room `commands`: what can be typed, and what comes of it. The claims
//! have a file of their own, `claims/`.

mod cli;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod cost;
mod matrix;
mod predict;
mod step;
mod write_events;
