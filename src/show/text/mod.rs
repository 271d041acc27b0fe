//! The trace as text: the server's calls on the left, what the kernel holds
//! on the right, and each client's step at the margin.
//!
//! `format` is the listener. How a call becomes a line stands in `calls`, what
//! is told between the calls in [`story`], and what a run came to in [`table`].

mod calls;
pub mod fold;
mod format;
pub mod layout;
pub mod story;
pub mod table;

pub use self::calls::{Joined, joined};
pub use self::format::Text;
