//! What the documents show is what the program prints, and where their links
//! lead is what they speak of.
//!
//! `TRYCMD=overwrite cargo test --test listing documents` refreshes all of it: the
//! output below each command, the numbers of the lines that links lead to, and
//! the picture in README.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::common;
use crate::common::links::{Checked, Found, check};
use crate::common::markdown::{anchors, blocks, documents, links, root};
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

/// Whether `line`, which is printed by `command`, may differ from run to run or
/// from machine to machine.
fn varies(command: &str, line: &str) -> bool {
    let args: Vec<&str> = command.split_whitespace().skip(1).collect();
    let has = |arg: &str| args.contains(&arg);
    match args.first() {
        _ if has("--timing") => true,
        Some(&"select-poll-compare") => !args.windows(2).any(|pair| pair == ["--only", "servers"]),
        // The machine's limit on watches.
        Some(&"claims") => {
            let spoken_of = ["fd-limit", "watches"];
            spoken_of.iter().any(|word| line.contains(word))
        }
        _ => false,
    }
}

/// The lines of a page's executed blocks that leave something open and need not.
fn needless_wildcards(text: &str) -> Vec<String> {
    let executed = blocks(text).into_iter();
    let executed = executed.filter(|block| block.label == "console");
    let commands = executed.flat_map(|block| block.commands());
    let needless = commands.flat_map(|(command, output)| {
        let open = output.into_iter().filter(move |line| {
            let wild = line.trim() == "..." || line.contains("[..]");
            wild && !varies(command, line)
        });
        open.map(move |line| format!("{command}: {line}"))
    });
    needless.collect()
}

/// A wildcard stands only for what is different elsewhere.
#[test]
fn wildcards_hide_nothing() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let needless = needless_wildcards(&text);
        assert!(needless.is_empty(), "{}: {needless:#?}", name(&document));
    }
}

#[test]
fn a_needless_wildcard_is_found() {
    let page = |command: &str, line: &str| format!("```console\n$ {command}\n{line}\n\n```\n");
    for (command, line) in [
        ("epoll-lab lt", "..."),
        ("epoll-lab lt --trace", "epoll_wait(4) = [..]"),
        ("epoll-lab select-poll-compare --only servers", "..."),
        ("epoll-lab claims", "..."),
        ("epoll-lab claims fd-limit et-once", "  et-once  [..]"),
    ] {
        assert_eq!(needless_wildcards(&page(command, line)).len(), 1, "{line}");
    }
    for (command, line) in [
        ("epoll-lab lt --trace", "    recv(5<A>, ..."),
        ("epoll-lab lt --trace", "  epoll_wait(4) = 1 [5<A> EPOLLIN]"),
        ("epoll-lab lt --trace --timing", "..."),
        ("epoll-lab select-poll-compare", "..."),
        ("epoll-lab claims", "  fd-limit  depends [..]"),
        ("epoll-lab claims fd-limit", "max_user_watches: [..]"),
    ] {
        let needless = needless_wildcards(&page(command, line));
        assert!(needless.is_empty(), "{needless:?}");
    }
}

/// What a path leads to, seen from `document`. What is outside of the
/// repository is not there for who has a clone of it.
fn follow(document: &Path, path: &str) -> Found {
    let target = match path {
        "" => document.to_path_buf(),
        path => document.with_file_name(path),
    };
    match target.canonicalize() {
        Ok(real) if real.starts_with(root().canonicalize().unwrap()) => {
            fs::read_to_string(&real).map_or(Found::Other, Found::Text)
        }
        _ => Found::Nothing,
    }
}

/// Links to files, headings and lines of this repository lead there.
#[test]
fn links_lead_somewhere() {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut followed, mut wrong) = (0, Vec::new());
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let checked = check(&name(&document), &text, |path| follow(&document, path));
        followed += checked.followed;
        wrong.extend(checked.broken);
        if !refreshing() {
            wrong.extend(checked.stale);
        } else if checked.refreshed != text {
            fs::write(&document, checked.refreshed).unwrap();
        }
    }
    assert!(followed > 0);
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nwhat has moved is refreshed by TRYCMD=overwrite cargo test --test listing documents"
    );
}

const SOURCE: &str = "fn one() {}\n\nfn two() {\n    twice(1 | 2);\n}\nfn two_more() {\n}\n";

/// A page that links to `SOURCE` as `a.rs`, to itself and to `dir`.
fn checked(page: &str) -> Checked {
    check("page.md", page, |path| match path {
        "" | "page.md" => Found::Text(page.into()),
        "a.rs" => Found::Text(SOURCE.into()),
        "dir" | "p.png" => Found::Other,
        _ => Found::Nothing,
    })
}

#[test]
fn a_line_that_has_moved_is_found_again() {
    for (page, refreshed) in [
        ("[`fn one`](a.rs#L3)", "[`fn one`](a.rs#L1)"),
        ("[`fn one`](a.rs#L99)", "[`fn one`](a.rs#L1)"),
        (
            "x [`fn two() {`](a.rs#L1-L3) y",
            "x [`fn two() {`](a.rs#L3-L5) y",
        ),
        (
            "| [`1 \\| 2`](a.rs#L1) | b |",
            "| [`1 \\| 2`](a.rs#L4) | b |",
        ),
        (
            "`a` [`two_more`](a.rs#L10) é [`fn one`](a.rs#L2)",
            "`a` [`two_more`](a.rs#L6) é [`fn one`](a.rs#L1)",
        ),
    ] {
        let checked = checked(page);
        assert_eq!(checked.broken, [""; 0], "{page}");
        assert!(!checked.stale.is_empty(), "{page}");
        assert_eq!(checked.refreshed, refreshed);
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    for (page, why) in [
        ("[`fn three`](a.rs#L1)", "no line there has `fn three`"),
        ("[`fn two`](a.rs#L1)", "not there, but on lines [3, 6]"),
        ("[`fn two_more`](a.rs#L6-L8)", "ends on line 7"),
        ("[`fn two_more`](a.rs#L3-L5)", "ends on line 7"),
        ("[`fn one`](a.rs#L1-3)", "neither"),
        ("[`fn one`](a.rs#L5-L1)", "neither"),
        ("[`fn one`](a.rs#one)", "neither"),
        ("[fn one](a.rs#L1)", "not one snippet"),
        ("[see `fn one`](a.rs#L1)", "not one snippet"),
        ("[`fn` `one`](a.rs#L1)", "not one snippet"),
        ("[`fn\none`](a.rs#L1)", "not one snippet"),
        ("[`fn one`](b.rs#L1)", "leads nowhere"),
        ("[a\nfile](b.rs)", "leads nowhere"),
        ("![picture](b.png)", "leads nowhere"),
        ("[![picture](p.png)](b.html)", "leads nowhere"),
        ("[a][b]\n\n[b]: b.rs\n", "leads nowhere"),
        ("<img width=\"1\" src=\"b.png\">", "leads nowhere"),
        ("[d](dir#L1)", "has no lines"),
        ("# One\n\n[b](#two)", "no such heading"),
        ("# One\n\n[b](page.md#One)", "no such heading"),
        ("```text\n# One\n```\n[b](#one)", "no such heading"),
    ] {
        let checked = checked(page);
        assert_eq!(checked.broken.len(), 1, "{page}: {checked:?}");
        assert!(checked.broken[0].contains(why), "{page}: {checked:?}");
        assert_eq!(checked.refreshed, page, "there is nothing to refresh");
    }
}

#[test]
fn a_link_that_leads_somewhere_is_let_alone() {
    for page in [
        "[`fn two`](a.rs#L3) and [`fn two`](a.rs#L6-L7), [all](a.rs), [dir](dir)",
        "[a\nfile](a.rs \"titled\") [![picture](p.png)](a.rs)",
        "[https](https://example.org/#L5) [mail](mailto:a@b.c)",
        "# What `a()` does, exactly: 5 + 5\n\n[a](#what-a-does-exactly-5--5)",
        "# One\n## One\n\n[a](#one) [b](page.md#one-1)",
        "# See [`a.rs`](a.rs), once\n\n[a](#see-ars-once)",
    ] {
        let checked = checked(page);
        assert!(checked.followed > 0 || page.contains("https"), "{page}");
        assert!(checked.stale.is_empty(), "{checked:?}");
        assert!(checked.broken.is_empty(), "{checked:?}");
    }
}

#[test]
fn code_is_no_link() {
    for page in [
        "`[a](b.rs)`",
        "``[a](b.rs) ` [a](b.rs)``",
        "```text\n[a](b.rs)\n```\n",
        "\\[a](b.rs)",
        "an array[1] (of one)",
    ] {
        assert!(links(page).is_empty(), "{page}: {:?}", links(page));
    }
    // A backtick alone opens nothing.
    assert_eq!(links("` [a](b.rs)\n\n`").len(), 1);
    assert_eq!(anchors("#no heading\n# A heading\n"), ["a-heading"]);
}
