//! The fourth promise: it is your bug. A verdict follows from what was seen,
//! and a server that a student has written is told what it does wrong.

#[path = "../common/mod.rs"]
mod common;
mod verdict;
