//! The servers that have a command of their own: `blocking`, `lt`,
//! `et-blocking` and `et-nonblock`.

pub(crate) mod args;
mod questions;
pub(crate) mod rows;
pub(crate) mod run;
mod server;
mod text;

pub use self::server::Server;
