//! The room `server`: what the loops count and answer, and what they survive.

#[path = "../common/mod.rs"]
mod common;
mod counts;
mod faults;
mod pressure;
