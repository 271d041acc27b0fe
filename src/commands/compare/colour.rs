//! The colours of the three APIs.

use colored::{ColoredString, Colorize};

use crate::cost::Api;

/// An API's colour, the same in every part; the words and letters beside it say the same without. Poll has the
/// terminal's own: of the basic colours no third one reads well on dark and on light.
pub fn coloured(api: Api, text: &str) -> ColoredString {
    match api {
        Api::Select => text.magenta(),
        Api::Poll => text.normal(),
        Api::Epoll => text.green(),
    }
}
