//! The listing beside the picture: the functions of the server's source that
//! made the calls, as they were compiled.
//!
//! `#[track_caller]` says which line called; nothing is copied that could
//! drift from what runs.

use serde::Serialize;

/// The files in which servers make their calls.
const SOURCES: [Source; 6] = [
    (
        "src/server/blocking.rs",
        include_str!("../../server/blocking.rs"),
    ),
    (
        "src/server/connection.rs",
        include_str!("../../server/connection.rs"),
    ),
    ("src/server/door.rs", include_str!("../../server/door.rs")),
    ("src/server/epoll.rs", include_str!("../../server/epoll.rs")),
    ("src/server/poll.rs", include_str!("../../server/poll.rs")),
    (
        "src/server/select.rs",
        include_str!("../../server/select.rs"),
    ),
];

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its file.
    pub file: &'static str,
    /// The number of its first line.
    pub first: usize,
    /// Its lines.
    pub text: String,
}

/// A file's name, from the root of the crate, and its text.
pub type Source = (&'static str, &'static str);

/// The functions that have been shown so far.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order in which they made their first call.
    pub parts: Vec<Function>,
    /// Beside those of the servers.
    others: &'static [Source],
}

impl Listing {
    /// Nothing shown yet; calls may also be made in these files.
    pub fn new(others: &'static [Source]) -> Listing {
        let parts = Vec::new();
        Listing { parts, others }
    }

    /// The part and the line in it, both counted from 0, that made a call;
    /// `None` for a call from elsewhere.
    pub fn find(&mut self, file: &str, line: u32) -> Option<(usize, usize)> {
        let mut sources = SOURCES.iter().chain(self.others);
        let (file, text) = sources.find(|(known, _)| *known == file)?;
        let line = line as usize;
        let known = self.parts.iter().position(|part| {
            let lines = part.first..part.first + part.text.lines().count();
            part.file == *file && lines.contains(&line)
        });
        let index = match known {
            Some(index) => index,
            None => {
                self.parts.push(function_at(file, text, line)?);
                self.parts.len() - 1
            }
        };
        Some((index, line - self.parts[index].first))
    }
}

/// The function around a line, without what it is indented by. As rustfmt
/// leaves it: it ends at the first brace that is indented as its head is.
fn function_at(file: &'static str, text: &str, line: usize) -> Option<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let is_head = |text: &str| {
        let words = text.trim_start().trim_start_matches("pub ");
        words.starts_with("fn ") || words.starts_with("pub(") && words.contains(" fn ")
    };
    let first = (0..line).rev().find(|at| is_head(lines[*at]))?;
    let indent = lines[first].len() - lines[first].trim_start().len();
    let end = format!("{:indent$}}}", "");
    let last = (first..lines.len()).find(|at| lines[*at] == end)?;
    let text: Vec<&str> = lines[first..=last]
        .iter()
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect();
    (last >= line).then(|| Function {
        file,
        first: first + 1,
        text: text.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_cut_out_whole() {
        let text = "//! x\n\npub fn a() {\n    if b {\n    }\n}\n\nimpl C {\n    fn d() {\n        e();\n    }\n}\n";
        let part = function_at("f", text, 4).unwrap();
        assert_eq!(
            (part.first, part.text.as_str()),
            (3, "pub fn a() {\n    if b {\n    }\n}")
        );
        let part = function_at("f", text, 10).unwrap();
        assert_eq!(
            (part.first, part.text.as_str()),
            (9, "fn d() {\n    e();\n}")
        );
        assert_eq!(function_at("f", text, 1), None);
    }

    #[test]
    fn the_sources_are_where_the_compiler_says() {
        for (file, text) in SOURCES {
            let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
            assert_eq!(std::fs::read_to_string(path).unwrap(), text);
        }
    }
}
