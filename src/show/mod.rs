//! Whoever hears a run: each format is a listener over a writer.
//!
//! [`text::Text`] and [`json::Json`] show a run, [`aside::Aside`] says on
//! standard error what belongs on no screen. What a single command makes of
//! its runs, a table or a chart, stands in that command's folder.

pub mod aside;
pub(crate) mod grid;
pub mod json;
pub mod out;
pub mod page;
pub(crate) mod progress;
pub(crate) mod prompt;
pub mod text;
mod view;

pub use self::aside::tell;
pub use self::out::Out;
pub use self::view::{Charset, View};
