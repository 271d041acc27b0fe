//! Markdown as far as the documents use it: blocks, headings and links.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// Where the documents are.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file whose console blocks are executed.
pub fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md")];
    if let Ok(lessons) = fs::read_dir(root().join("lessons")) {
        documents.extend(lessons.filter_map(|entry| Some(entry.ok()?.path())));
    }
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    documents.sort();
    documents
}

/// A fenced block.
pub struct Block<'a> {
    /// What stands behind the opening fence.
    pub label: &'a str,
    /// The number of the opening fence's line.
    pub line: usize,
    pub lines: Vec<&'a str>,
    /// Whether it ends before the file does.
    pub closed: bool,
}

impl<'a> Block<'a> {
    /// The commands, each with the lines of output below it.
    pub fn commands(&self) -> Vec<(&'a str, Vec<&'a str>)> {
        let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in &self.lines {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command, Vec::new())),
                (None, Some((_, output))) => output.push(line),
                (None, None) => {}
            }
        }
        commands
    }
}

/// The fenced blocks of `text`.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let open = blocks.last_mut().filter(|block| !block.closed);
        match (line.strip_prefix("```"), open) {
            (Some(label), None) => blocks.push(Block {
                label,
                line: at + 1,
                lines: Vec::new(),
                closed: false,
            }),
            (Some(_), Some(block)) => block.closed = true,
            (None, Some(block)) => block.lines.push(line),
            (None, None) => {}
        }
    }
    blocks
}

/// `text` with nothing but blanks in place of its fenced blocks: every byte
/// outside of them stands where it stood.
pub fn prose(text: &str) -> String {
    let mut within = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let fence = line.starts_with("```");
        let hidden = within || fence;
        within ^= fence;
        match (hidden, line.strip_suffix('\n')) {
            (false, _) => line.to_string(),
            (true, Some(line)) => " ".repeat(line.len()) + "\n",
            (true, None) => " ".repeat(line.len()),
        }
    });
    lines.collect()
}

/// The anchors of the headings, by the rules of code hosts: small letters,
/// no punctuation, `-` for a blank, and a number for one that was there before.
pub fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for line in prose(text).lines() {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if !(1..=6).contains(&level) || !heading.starts_with(' ') {
            continue;
        }
        let mut shown = heading.to_string();
        // Of a link the text alone is shown.
        for link in links(heading).iter().rev() {
            let from = shown[..link.target.start].rfind("](").unwrap_or_default();
            shown.replace_range(from..=link.target.end, "");
        }
        let kept = shown.trim().chars().filter_map(|char| match char {
            ' ' => Some('-'),
            '-' | '_' => Some(char),
            _ => char.is_alphanumeric().then_some(char),
        });
        let first: String = kept.flat_map(char::to_lowercase).collect();
        let further = (1..).map(|n| format!("{first}-{n}"));
        let anchor = std::iter::once(first.clone())
            .chain(further)
            .find(|anchor| !anchors.contains(anchor));
        anchors.extend(anchor);
    }
    anchors
}

/// A link or a picture.
#[derive(Debug)]
pub struct Link<'a> {
    /// What is to be clicked on, as written; of HTML nothing.
    pub text: &'a str,
    /// Where its target stands in the page.
    pub target: Range<usize>,
}

/// The links of `text`: `[text](target)`, `[name]: target`, and in HTML
/// `href="target"` and `src="target"`. What stands in code is no link.
pub fn links(text: &str) -> Vec<Link<'_>> {
    let prose = prose(text);
    let mut links = Vec::new();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(rest) = prose.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let length = match rest {
            [b'\\', _, ..] => 2,
            [b'\n', b'\n', ..] => {
                open.clear();
                1
            }
            [b'`', ..] => code_span(rest),
            [b'[', ..] => {
                open.push(at);
                1
            }
            [b']', next, ..] => {
                let from = open.pop();
                let defines = from.is_some_and(|from| line_starts(&prose, from));
                let target = match next {
                    b'(' => word(&prose, at + 2, ')'),
                    b':' if defines => word(&prose, at + 2, '\n'),
                    _ => at..at,
                };
                if let Some(from) = from.filter(|_| !target.is_empty()) {
                    let text = &text[from + 1..at];
                    links.push(Link { text, target });
                }
                1
            }
            [b'<', ..] => {
                let tag = prose[at..].split('>').next().unwrap_or_default();
                for name in [" href=\"", " src=\"", " srcset=\""] {
                    let values = tag
                        .match_indices(name)
                        .map(|(start, name)| word(&prose, at + start + name.len(), '"'));
                    links.extend(values.map(|target| Link { text: "", target }));
                }
                1
            }
            _ => 1,
        };
        at += length;
    }
    links
}

/// The length of the code span at the start of `rest`; of the backticks alone
/// if no others of the same number follow in the paragraph.
fn code_span(rest: &[u8]) -> usize {
    let run = |from: usize| {
        let backticks = rest[from..].iter().take_while(|byte| **byte == b'`');
        backticks.count()
    };
    let fence = run(0);
    let mut at = fence;
    while at < rest.len() && !rest[at..].starts_with(b"\n\n") {
        match run(at) {
            0 => at += 1,
            length if length == fence => return at + length,
            length => at += length,
        }
    }
    fence
}

fn line_starts(text: &str, at: usize) -> bool {
    at == 0 || text.as_bytes()[at - 1] == b'\n'
}

/// The first word of `text` from `from` on and before `end`.
fn word(text: &str, from: usize, end: char) -> Range<usize> {
    let rest = &text[from..];
    let rest = rest.split(end).next().unwrap_or_default();
    let start = from + rest.len() - rest.trim_start().len();
    let word = rest.split_whitespace().next().unwrap_or_default();
    start..start + word.len()
}
