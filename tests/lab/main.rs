//! The room `lab`: a server and its clients, those from outside among them.

#[path = "../common/mod.rs"]
mod common;
mod failures;
mod interrupted;
mod listen;
mod stranger;
