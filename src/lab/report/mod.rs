//! What a run comes to: the totals, and a verdict computed from them.
//!
//! [`run`] says what was run, [`scene`] what the lab saw of it from outside;
//! with the server's totals they make the [`summary`], and [`verdict`] is a
//! sentence on that.

pub mod run;
pub mod scene;
pub mod summary;
pub mod verdict;

pub use self::run::{Caption, EventLoop, Run, Trigger};
pub use self::summary::{Answered, Outcome, Row, Summary};
