//! What stands where in a line.

use std::io::{self, Write};

use colored::ColoredString;

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

/// `echoed         8 unread`: the number right-aligned, so that it can be
/// followed down the screen.
pub fn unread_note(label: &str, unread: Option<u64>) -> ColoredString {
    match unread {
        Some(unread) => ColoredString::from(format!("{label:<11} {unread:>4} unread")),
        None => plain(label),
    }
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
            // Only an errno's text is that long; it is the last part.
            let at = left[..WIDTH].rfind(" (").unwrap_or(WIDTH);
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
    let mut text = String::new();
    let mut column = 0;
    for word in sentence.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > columns {
            text += "\n";
            text += &" ".repeat(indent);
            column = indent;
        } else if column > 0 {
            text += " ";
            column += 1;
        }
        text += word;
        column += width;
    }
    text
}

/// A sentence, all of it so many columns from the margin.
pub fn indented(columns: usize, sentence: &str) -> String {
    // What `wrap` would take for blanks between words.
    let margin = "\0".repeat(columns);
    wrap(&format!("{margin}{sentence}"), columns).replace('\0', " ")
}

/// A step, and from column [`STATE`] on what the server does at that moment.
pub fn beside(left: &str, state: ColoredString, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{left:<STATE$}{state}")
}
