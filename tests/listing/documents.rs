//! What the documents show is what the program prints, and where their links
//! lead is what they speak of.
//!
//! `TRYCMD=overwrite cargo test --test listing documents` refreshes all of it: the
//! output below each command, the numbers of the lines that links lead to, and
//! the picture in README.md.

mod links;
mod wildcards;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::common;
use crate::common::markdown::{blocks, documents, root};
use crate::common::picture::{excerpt, terminal};
use crate::watched;

/// Held by a test that may write to the documents.
static WRITING: Mutex<()> = Mutex::new(());

/// Whether the documents are to be refreshed rather than checked.
fn refreshing() -> bool {
    std::env::var("TRYCMD").is_ok_and(|value| value == "overwrite")
}

/// The path of a document as one types it.
fn name(document: &Path) -> String {
    let path = document.strip_prefix(root()).unwrap_or(document);
    path.display().to_string()
}

#[test]
fn console_blocks_show_what_the_program_prints() {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = trycmd::TestCases::new();
    cases.register_bin("epoll-lab", PathBuf::from(common::program()));
    let watched = watched::compile();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let watches = blocks(&text).into_iter().any(|block| {
            let commands = block.commands();
            // That claim traces a child, as watch does.
            let watches = |command: &str| {
                command.starts_with("epoll-lab watch ") || command.contains(" create-zero")
            };
            block.label == "console" && commands.iter().any(|(command, _)| watches(command))
        });
        match (&watched, watches) {
            (Err(why), true) => common::skip(&name(&document), why),
            _ => {
                cases.case(document);
            }
        }
    }
    cases.run();
}

/// The runner takes every `\` for the separator of a path, and shows `/`. So a
/// block whose output has one is not the runner's, and is compared here.
#[test]
fn output_with_a_backslash_is_what_the_program_prints() {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let watched = watched::compile();
    let mut compared = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text) {
            for (command, shown) in block.commands() {
                let place = format!("{}:{}: {command}", name(&document), block.line);
                let has_one = shown.iter().any(|line| line.contains('\\'));
                if block.label == "console" {
                    assert!(!has_one, "{place}: console,ignore");
                }
                let Some(line) = command.strip_prefix("epoll-lab ") else {
                    continue;
                };
                if !has_one {
                    continue;
                }
                if let Err(why) = &watched {
                    common::skip(&place, why);
                    continue;
                }
                let output = common::run(common::lab(line).current_dir(root())).ok();
                let printed = output.stdout();
                let printed: Vec<&str> = printed.lines().collect();
                let shown = shown.join("\n");
                // As in all blocks, an empty line stands at the end.
                assert_eq!(printed.join("\n"), shown.trim_end(), "{place}");
                compared += 1;
            }
        }
    }
    assert!(compared > 0 || watched.is_err());
}

/// The picture at the top of README.md: a whole run that tells no lesson's
/// answer.
#[test]
fn the_picture_shows_what_the_program_prints() {
    let command = "lt --message ping --trace";
    let args = command.split(' ').chain(["--color", "always"]);
    let output = common::run(&mut common::epoll_lab(args)).ok();
    let shown = excerpt(&output.stdout(), &[("lt |", "=> ")]);
    let picture = terminal(&format!("epoll-lab {command}"), &shown);
    let path = root().join("lessons/first-run.svg");
    if refreshing() {
        fs::write(&path, &picture).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let why = "TRYCMD=overwrite cargo test --test listing documents draws it anew";
    assert!(there == picture, "{} is out of date: {why}", name(&path));
    assert!(picture.len() < 200_000);
}

/// The runner passes over what it does not understand. So a block that shows a
/// command of ours has to be one that it executes, or to say that it is not.
#[test]
fn no_block_is_passed_over_in_silence() {
    let mut executed = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for line in text.lines() {
            let place = format!("{}: {line}", name(&document));
            assert!(!line.starts_with("~~~"), "{place}");
            assert!(!line.starts_with(" ```"), "indented: {place}");
        }
        for block in blocks(&text) {
            let place = format!("{}:{}", name(&document), block.line);
            assert!(block.closed, "{place}: a block is not closed");
            for (command, _) in block.commands() {
                match block.label {
                    "console" => {
                        let ours = command.starts_with("epoll-lab ");
                        assert!(ours, "{place}: unknown command: {command}");
                        executed += 1;
                    }
                    "console,ignore" => {}
                    other => panic!("{place}: a command in a block labelled {other:?}: {command}"),
                }
            }
        }
    }
    assert!(executed >= 25, "only {executed} commands are executed");
}
