//! The room `show`: what reaches the reader, at a terminal and through a pipe.

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod output;
mod terminal;
