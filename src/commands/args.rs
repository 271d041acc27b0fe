//! What several commands are asked in the same words.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStringExt;
use std::str::FromStr;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::show::View;

/// How things are shown.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// Show every call as it happens
    #[arg(long, help_heading = "The screen")]
    pub trace: bool,

    /// With --trace: times in ms since the start, <ms in the call>, the wait
    /// channel; all that varies from run to run
    #[arg(long, help_heading = "The screen")]
    pub timing: bool,

    /// How to print
    #[arg(long, value_name = "FORMAT", help_heading = "The screen")]
    #[arg(default_value = "text")]
    pub format: Format,
}

/// One of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    /// JSON Lines
    Json,
}

impl ScreenArgs {
    /// How things are to be shown.
    pub fn view(&self) -> View {
        View {
            calls: self.trace,
            times: self.timing,
        }
    }
}

/// The size of the receive buffer, if nobody says otherwise: small enough for
/// every step to show.
pub const BUFFER: u32 = 5;

/// What a client sends: any bytes that a command line can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

/// The longest message, in bytes: a larger send may arrive in several
/// segments, and so be reported several times.
pub const LONGEST_MESSAGE: usize = 32_768;

/// Takes a message that one send takes.
pub fn message() -> impl TypedValueParser<Value = Message> {
    OsStringValueParser::new().try_map(parse_message)
}

/// A message that one send takes.
pub fn parse_message(text: OsString) -> Result<Message, String> {
    let bytes = text.into_vec();
    match bytes.len() {
        1..=LONGEST_MESSAGE => Ok(Message(bytes)),
        n => Err(format!("{n} bytes are not in 1..={LONGEST_MESSAGE}")),
    }
}

/// The messages of a client; none: `otherwise`.
pub fn messages(given: &[Message], otherwise: &[u8]) -> Vec<Vec<u8>> {
    if given.is_empty() {
        return vec![otherwise.to_vec()];
    }
    given.iter().map(|message| message.0.clone()).collect()
}

/// A value that is typed as a word: the word, and what `--help` says of it.
pub type Word<T> = (T, &'static str, Option<&'static str>);

/// Takes a whole number in this range. What is none is told what would be
/// right, which the number's own parser does not know.
pub fn number<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("not a whole number from {least} to {most}"))
    }
}

/// Takes one of these words, for a value that knows nothing of the command
/// line.
pub fn one_of<T>(words: &'static [Word<T>]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync,
{
    let possible = words.iter().map(|(_, word, help)| {
        let value = PossibleValue::new(word);
        match help {
            Some(help) => value.help(help),
            None => value,
        }
    });
    PossibleValuesParser::new(possible).try_map(|typed| {
        let meant = words.iter().find(|(_, word, _)| *word == typed);
        meant.map(|(value, ..)| *value).ok_or("no such value")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_1_to_32768_bytes() {
        assert!(parse_message(OsString::new()).is_err());
        assert!(parse_message(OsString::from("x".repeat(32_768))).is_ok());
        assert!(parse_message(OsString::from("x".repeat(32_769))).is_err());
    }
}
