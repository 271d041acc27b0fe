//! `--predict`: the class says what it expects, and then the kernel shows.
//!
//! Who only watches a demonstration learns little from it; who has predicted
//! its outcome first does (Crouch, Fagen, Callan and Mazur 2004; Miller, Lasry,
//! Chu and Mazur 2013). So a [`Question`] is asked before the run, and what it
//! is compared with is what this run measured: a question knows where in the
//! result its answer stands, and no formula for it.

pub mod args;
mod ask;
mod collect;
pub mod question;
pub mod text;

pub use self::collect::collect;
pub use self::question::{Answer, Choice, Compared, Kind, Measured, Question, YES_NO, yes_no};
