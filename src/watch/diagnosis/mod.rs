//! What came of an act, in one word and one sentence: computed from what was
//! seen, and from nothing else.

mod judge;
mod seen;
#[cfg(test)]
mod tests;
mod well;
mod why;

pub use self::judge::judge;
pub use self::seen::{Diagnosis, Seen, SeenClient, Verdict};
