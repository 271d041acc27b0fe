//! The room `lab`: a server and its clients, those from outside among them.

mod addresses;
#[path = "../common/mod.rs"]
mod common;
mod interrupted;
mod listen;
mod open_files;
mod stranger;
