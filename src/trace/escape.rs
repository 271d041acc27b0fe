//! Bytes as text, the way strace writes a string.
//!
//! A client's bytes never reach the terminal raw: what is not printable ASCII
//! becomes an escape of printable ASCII.

use std::fmt::Write;

/// Bytes as a word for a shell, in printable ASCII: quoted if it has to be, as
/// `$'...'` (bash(1), "QUOTING") where plain quotes would not do.
pub fn shell_word(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.,:/+=@%".contains(byte);
    let printable = |byte: &u8| matches!(byte, 0x20..=0x7e);
    match str::from_utf8(bytes) {
        Ok("") => "''".into(),
        Ok(text) if bytes.iter().all(plain) => text.into(),
        Ok(text) if bytes.iter().all(printable) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{}'", escape(bytes).replace('\'', r"\'")),
    }
}

/// The whole of `data`: `\t \n \v \f \r \" \\` as in C, every other byte
/// outside printable ASCII in octal, as short as the next byte allows.
pub fn escape(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len());
    for (index, byte) in data.iter().enumerate() {
        push(&mut text, *byte, data.get(index + 1).copied());
    }
    text
}

/// A string literal of at most `width` columns; `...` stands for what does not
/// fit, as strace has it: `"HELLO"`, `"HELLOwor"...`.
pub fn quote(data: &[u8], width: usize) -> String {
    let mut text = String::with_capacity(width);
    push_quoted(&mut text, data, width);
    text
}

/// The same at the end of `text`.
pub fn push_quoted(text: &mut String, data: &[u8], width: usize) {
    const QUOTES: usize = 2;
    const MORE: usize = 3;
    text.push('"');
    let start = text.len();
    // Where it would have to end if something follows.
    let mut cut = start;
    for (index, byte) in data.iter().enumerate() {
        push(text, *byte, data.get(index + 1).copied());
        let columns = text.len() - start + QUOTES;
        if columns + MORE <= width {
            cut = text.len();
        }
        if columns > width {
            text.truncate(cut);
            text.push_str("\"...");
            return;
        }
    }
    text.push('"');
}

fn push(text: &mut String, byte: u8, next: Option<u8>) {
    match byte {
        b'\t' => text.push_str("\\t"),
        b'\n' => text.push_str("\\n"),
        0x0b => text.push_str("\\v"),
        0x0c => text.push_str("\\f"),
        b'\r' => text.push_str("\\r"),
        b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
        0x20..=0x7e => text.push(char::from(byte)),
        _ => {
            // A digit that follows would be read as part of a short escape.
            let width = match next {
                Some(b'0'..=b'7') => 3,
                _ => 1,
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "\\{byte:0width$o}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_strace_does() {
        assert_eq!(escape(b"a\tb\n\"\\"), "a\\tb\\n\\\"\\\\");
        assert_eq!(escape(b"\x1b["), "\\33[");
        assert_eq!(escape(b"\x1b1"), "\\0331");
        assert_eq!(escape(b"\x1b8"), "\\338");
        assert_eq!(escape("é".as_bytes()), "\\303\\251");
        assert_eq!(escape(b"\0"), "\\0");
    }

    #[test]
    fn every_byte_becomes_printable_ascii() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(
            escape(&all)
                .bytes()
                .all(|byte| (0x20..0x7f).contains(&byte))
        );
    }

    #[test]
    fn quotes_within_the_width() {
        assert_eq!(quote(b"HELLO", 7), "\"HELLO\"");
        assert_eq!(quote(b"HELLO", 6), "\"H\"...");
        assert_eq!(quote(b"", 2), "\"\"");
        for width in 5..40 {
            assert!(quote(&[0x80; 100], width).len() <= width);
        }
    }

    #[test]
    fn words_for_a_shell() {
        for (bytes, word) in [
            (&b"ping"[..], "ping"),
            (b"two words", "'two words'"),
            (b"it's", r"'it'\''s'"),
            (b"$HOME", "'$HOME'"),
            (b"~", "'~'"),
            (b"*.rs", "'*.rs'"),
            (b"wow!", "'wow!'"),
            (b"\x1b[2J", r"$'\33[2J'"),
            (b"it's\xff", r"$'it\'s\377'"),
            ("\u{202e}1".as_bytes(), r"$'\342\200\2561'"),
        ] {
            assert_eq!(shell_word(bytes), word);
        }
    }
}
