//! What stands where in a line.

use std::fmt::Display;
use std::io::{self, Write};

use colored::{ColoredString, Colorize};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The screen's width; no line is longer.
pub const WIDTH: usize = 80;
/// Where what the kernel holds begins, to the right of a call.
pub const NOTE: usize = 50;
/// Where it stands what the server does at the moment of a client's step.
pub const STATE: usize = 48;

/// A line of nothing, to take an indent from.
pub const BLANKS: &str = match str::from_utf8(&[b' '; WIDTH]) {
    Ok(blanks) => blanks,
    Err(_) => "",
};

/// Columns of a note, the number of unread bytes at its right edge.
const NOTE_WIDTH: usize = 28;

/// What stands where, above the first line of a trace.
pub fn heading() -> [String; 2] {
    let unread = unread_note("what it brought", Some("unread"));
    [
        format!("{:<STATE$}where the server sleeps", "a client's step"),
        format!("  {:<48}{unread}", "a call of the server"),
    ]
}

/// `echoed                     8`: the number right-aligned, so that it can
/// be followed down the screen.
pub fn unread_note(label: &str, unread: Option<impl Display>) -> ColoredString {
    match unread {
        Some(unread) => {
            let width = NOTE_WIDTH - label.len().min(NOTE_WIDTH - 2);
            ColoredString::from(format!("{label}{unread:>width$}"))
        }
        None => plain(label),
    }
}

/// The decisive moment: a client suffers. Readable on dark and on light, from
/// the back of the room.
pub fn alarm(text: &str) -> ColoredString {
    format!(">>> {text}").bright_white().on_red().bold()
}

/// Where a colour would have no meaning.
pub fn plain(text: &str) -> ColoredString {
    ColoredString::from(text)
}

/// Nanoseconds as milliseconds, to the microsecond.
pub fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3}", nanoseconds as f64 / 1e6)
}

/// Milliseconds since the start, right-aligned, before a line with
/// `--timing`.
pub fn stamp(at_ns: u64) -> String {
    format!("{:>9} ", milliseconds(at_ns))
}

/// A call and what is to be said of it: beside it where there is room, below
/// it where there is not. Both are ASCII: a byte is a column.
pub fn line(left: &str, note: ColoredString, out: &mut impl Write) -> io::Result<()> {
    match (left.len(), note.len()) {
        (columns, 0) if columns <= WIDTH => writeln!(out, "{left}"),
        (_, 0) => {
            let at = left[..WIDTH].rfind(' ').unwrap_or(WIDTH);
            writeln!(out, "{}\n{:8}{}", &left[..at], "", left[at..].trim_start())
        }
        (columns, _) if columns + 1 < NOTE => {
            writeln!(out, "{left}{}{note}", &BLANKS[..NOTE - columns])
        }
        (columns, noted) if columns + 2 + noted <= WIDTH => writeln!(out, "{left}  {note}"),
        _ => {
            line(left, plain(""), out)?;
            writeln!(out, "{}{note}", &BLANKS[..NOTE])
        }
    }
}

/// A sentence, broken at blanks so that no line is longer than the screen is
/// wide; what follows the first line is indented by `indent`.
pub fn wrap(sentence: &str, indent: usize) -> String {
    wrap_within(WIDTH, sentence, indent)
}

/// The same for lines of `columns`.
pub fn wrap_within(columns: usize, sentence: &str, indent: usize) -> String {
    let options = at_blanks(columns).subsequent_indent(&BLANKS[..indent]);
    textwrap::fill(sentence, options)
}

/// A sentence, all of it so many columns from the margin.
pub fn indented(columns: usize, sentence: &str) -> String {
    let margin = &BLANKS[..columns];
    let options = at_blanks(WIDTH).initial_indent(margin);
    textwrap::fill(sentence, options.subsequent_indent(margin))
}

/// Each line as full as it gets, and no word broken: what stands on the screen
/// can be copied.
fn at_blanks(columns: usize) -> Options<'static> {
    Options::new(columns)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// A step, and from column [`STATE`] on what the server does at that moment.
pub fn beside(left: &str, state: ColoredString, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{left:<STATE$}{state}")
}
