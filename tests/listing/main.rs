//! The third promise: the listing is the lesson. The pages show what the
//! program prints, their links lead to the lines that they speak of, and what
//! they tell a student to type does what they say.

#[path = "../common/mod.rs"]
mod common;
mod course;
mod documents;
mod second_terminal;
mod watched;
