//! The commands that no block of a page can execute: those that need a second
//! terminal, a prompt, a shell, or another program. Each line after `$ ` in a
//! block marked `console,ignore` is in the table of `sessions`, with what does it as a
//! reader would, and asserts what the page says of it.

mod alone;
mod chat;
mod clients;
mod sessions;
mod watching;

use std::fs;
use std::thread;

use crate::common::markdown::{blocks, documents, root};
use crate::common::{epoll_lab, run};
use sessions::{SESSIONS, Tried::By, Tried::Here};

/// `--predict` asks. With answers it is tried in tests/commands/predict.rs; here, whether
/// the line is one that asks.
fn predicts(line: &str) -> bool {
    let asks = line.split(' ').any(|word| word == "--predict");
    asks && line.starts_with("epoll-lab ") && !line.contains('|')
}

/// Every line of the pages that is not executed there, with its place.
fn shown() -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let name = document.strip_prefix(root()).unwrap_or(&document);
        for block in blocks(&text) {
            if block.label != "console,ignore" {
                continue;
            }
            for (command, below) in block.commands() {
                let place = format!("{}:{}", name.display(), block.line);
                shown.push((place, joined(command, &below)));
            }
        }
    }
    shown
}

/// A command in one line. It goes on below for as long as a line ends with a
/// backslash.
fn joined(command: &str, below: &[&str]) -> String {
    let mut line = command.to_string();
    let mut below = below.iter();
    while let Some(begun) = line.strip_suffix('\\') {
        let rest = below.next().map_or("", |rest| rest.trim_start());
        line = format!("{} {rest}", begun.trim_end());
    }
    line
}

#[test]
fn each_line_is_known_and_each_known_line_is_shown() {
    let shown = shown();
    let known: Vec<&str> = SESSIONS
        .iter()
        .flat_map(|(lines, _)| *lines)
        .copied()
        .collect();
    let strange: Vec<_> = shown
        .iter()
        .filter(|(_, line)| !predicts(line) && !known.contains(&line.as_str()))
        .collect();
    assert!(strange.is_empty(), "no test of: {strange:#?}");
    for (place, line) in shown.iter().filter(|(_, line)| predicts(line)) {
        let args = line.split(' ').skip(1).filter(|word| *word != "\\");
        let asked = run(&mut epoll_lab(args)).ok();
        let (given, asked) = (line.contains("--predict "), asked.stderr());
        assert!(
            given || asked.contains("nothing was run"),
            "{place}: {asked}"
        );
    }
    let gone: Vec<_> = known
        .iter()
        .filter(|known| !shown.iter().any(|(_, line)| line == *known))
        .collect();
    assert!(gone.is_empty(), "no page has: {gone:#?}");
    for (_, tried) in SESSIONS {
        if let By(file) = tried {
            assert!(root().join(file).exists(), "{file}");
        }
    }
}

#[test]
fn each_line_does_what_its_page_says() {
    let failed: Vec<&&[&str]> = thread::scope(|scope| {
        let mut running = Vec::new();
        for (lines, tried) in SESSIONS {
            if let Here(session) = tried {
                running.push((lines, scope.spawn(|| session(lines))));
            }
        }
        let ended = running
            .into_iter()
            .map(|(lines, thread)| (lines, thread.join()));
        ended
            .filter_map(|(lines, result)| result.err().map(|_| lines))
            .collect()
    });
    assert!(failed.is_empty(), "not as the page says: {failed:#?}");
}

#[test]
fn a_line_may_go_on_below() {
    assert_eq!(
        joined("a -b \\", &["    -c \\", "  d", "output"]),
        "a -b -c d"
    );
    assert_eq!(joined("a", &["output \\"]), "a");
    assert!(predicts("epoll-lab claims et-once --predict") && !predicts("x --predict"));
}
