//! A wildcard in a block stands only for what is different elsewhere.

use std::fs;

use super::name;
use crate::common::markdown::{blocks, documents};

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
