//! What one source file imports: the paths in its `use` lines and in its code,
//! as modules of the crate. What stands in `#[cfg(test)]` is left out: a test
//! may import anything.

use std::collections::{BTreeMap, BTreeSet};

/// The paths of a file, each a list of names from the crate's root down.
#[derive(Debug, Default, PartialEq)]
pub struct Imports {
    /// `trace::call::Call` for `use crate::trace::call::Call`.
    pub paths: BTreeSet<Vec<String>>,
    /// Modules that are declared for tests only: `#[cfg(test)] mod laws;`.
    pub test_modules: BTreeSet<String>,
}

impl Imports {
    /// Of the file that is the module `place`: `[sys, wait]` for
    /// `src/sys/wait.rs`, nothing for the root.
    pub fn of(source: &str, place: &[String]) -> Imports {
        let mut imports = Imports::default();
        let code = without_tests(&tokens(source), &mut imports.test_modules);
        // What has a name of its own here: `server` after `use crate::server`,
        // and each module that is declared.
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in code.windows(2).filter(|pair| pair[0] == "mod") {
            let module = [place, &pair[1..]].concat();
            names.insert(pair[1].clone(), module);
        }
        let mut rest = Vec::new();
        let mut at = 0;
        while at < code.len() {
            if code[at] == "use" {
                let end = at + position(&code[at..], ";");
                let mut leaves = Vec::new();
                tree(&code[at + 1..end], &[], &mut leaves);
                for (path, name) in leaves {
                    if let Some(path) = absolute(&path, place, &names) {
                        names.insert(name, path.clone());
                        imports.paths.insert(path);
                    }
                }
                at = end;
            } else {
                rest.push(code[at].clone());
            }
            at += 1;
        }
        for path in inline(&rest) {
            imports.paths.extend(absolute(&path, place, &names));
        }
        imports
    }
}

/// Words, `::`, and single characters; no comment, no string, no character.
fn tokens(source: &str) -> Vec<String> {
    let text: Vec<char> = source.chars().collect();
    let starts =
        |at: usize, with: &str| with.chars().eq(text[at..].iter().copied().take(with.len()));
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if starts(at, "//") {
            at += text[at..]
                .iter()
                .position(|&c| c == '\n')
                .unwrap_or(text.len() - at);
        } else if starts(at, "/*") {
            at += 2;
            while at < text.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if text[at] == '"' {
            at += 1;
            while at < text.len() && text[at] != '"' {
                at += if text[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if starts(at, "r#\"") || starts(at, "r\"") {
            let raw = if text[at + 1] == '#' { "\"#" } else { "\"" };
            at += 1 + raw.len();
            while at < text.len() && !starts(at, raw) {
                at += 1;
            }
            at += raw.len();
        } else if starts(at, "'\\") {
            at += 3;
            at += 1 + text[at..].iter().position(|&c| c == '\'').unwrap_or(0);
        } else if text[at] == '\'' && text.get(at + 2) == Some(&'\'') {
            at += 3;
        } else if word(text[at]) {
            let end = at + text[at..].iter().take_while(|&&c| word(c)).count();
            tokens.push(text[at..end].iter().collect());
            at = end;
        } else if starts(at, "::") {
            tokens.push("::".into());
            at += 2;
        } else {
            if !text[at].is_whitespace() {
                tokens.push(text[at].to_string());
            }
            at += 1;
        }
    }
    tokens
}

/// Leaves out each item that follows a `#[cfg(test)]`.
fn without_tests(code: &[String], modules: &mut BTreeSet<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if !code[at..]
            .iter()
            .map(String::as_str)
            .take(MARK.len())
            .eq(MARK)
        {
            kept.push(code[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let (body, semicolon) = (position(&code[at..], "{"), position(&code[at..], ";"));
        if semicolon < body {
            let item = &code[at..at + semicolon];
            if let Some(word) = item.iter().position(|token| token == "mod") {
                modules.extend(item.get(word + 1).cloned());
            }
            at += semicolon + 1;
            continue;
        }
        at += body;
        let mut depth = 0;
        while at < code.len() {
            depth += match code[at].as_str() {
                "{" => 1,
                "}" => -1,
                _ => 0,
            };
            at += 1;
            if depth == 0 {
                break;
            }
        }
    }
    kept
}

fn position(code: &[String], of: &str) -> usize {
    code.iter()
        .position(|token| token == of)
        .unwrap_or(code.len())
}

/// The leaves of a `use` tree, each with the name that it is called by.
fn tree(code: &[String], before: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    for (at, token) in code.iter().enumerate() {
        match token.as_str() {
            "::" => {}
            "{" => {
                let inside = &code[at + 1..code.len() - 1];
                return branches(inside).for_each(|branch| tree(branch, &path, leaves));
            }
            "as" => {
                let name = code.get(at + 1).cloned().unwrap_or_default();
                leaves.push((path, name));
                return;
            }
            "self" if at == 0 && !before.is_empty() => {}
            "*" => {}
            word => path.push(word.to_string()),
        }
    }
    if let Some(name) = path.last().cloned() {
        leaves.push((path, name));
    }
}

/// What stands between the commas of one group, and not of those within.
fn branches(code: &[String]) -> impl Iterator<Item = &[String]> {
    let mut depth = 0;
    code.split(move |token| {
        depth += match token.as_str() {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        depth == 0 && token == ","
    })
    .filter(|branch| !branch.is_empty())
}

/// The paths in code: words with `::` between them.
fn inline(code: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let mut path = vec![code[at].clone()];
        while code.get(at + 1).is_some_and(|token| token == "::") {
            path.extend(code.get(at + 2).cloned());
            at += 2;
        }
        at += 1;
        if path.len() > 1 {
            paths.push(path);
        }
    }
    paths
}

/// From the crate's root; `None` for what is no part of the crate.
fn absolute(
    path: &[String],
    place: &[String],
    names: &BTreeMap<String, Vec<String>>,
) -> Option<Vec<String>> {
    let (first, mut rest) = path.split_first()?;
    let mut whole = match first.as_str() {
        "crate" | "epoll_lab" => Vec::new(),
        "self" => place.to_vec(),
        "super" => place[..place.len().checked_sub(1)?].to_vec(),
        name => names.get(name)?.clone(),
    };
    while rest.first().is_some_and(|name| name == "super") {
        whole.pop()?;
        rest = &rest[1..];
    }
    whole.extend_from_slice(rest);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(source: &str, place: &str) -> Vec<String> {
        let place: Vec<String> = place.split("::").map(String::from).collect();
        let found = Imports::of(source, &place);
        found.paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn use_lines_with_groups_and_other_names() {
        let source = "
            use std::fmt;
            use crate::sys::{self, Sys, journal::{Follow, Shared as Kept}};
            pub use super::name::*;
        ";
        let found = imports(source, "trace::call");
        let expected = [
            "sys",
            "sys::Sys",
            "sys::journal::Follow",
            "sys::journal::Shared",
            "trace::name",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_in_code_also_by_a_name_from_a_use_line() {
        let source = "
            use crate::server;
            fn play() { server::epoll::serve(); crate::lab::stage::set(); Vec::new(); }
            fn up() -> super::super::Deep {}
        ";
        let found = imports(source, "claims::trial::story");
        let expected = [
            "claims::Deep",
            "lab::stage::set",
            "server",
            "server::epoll::serve",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn declared_modules_are_known_by_their_names() {
        let source = "mod herd; pub mod cost; pub use cost::Cost; fn all() { herd::HERD; }";
        assert_eq!(
            imports(source, "many"),
            ["many::cost::Cost", "many::herd::HERD"]
        );
    }

    #[test]
    fn neither_words_nor_tests_are_imports() {
        let source = r##"
            //! See [`crate::show`].
            /* crate::lab */
            const WORDS: &str = "crate::cost \" crate::claims";
            const RAW: &str = r#"crate::watch " crate::claims"#;
            fn letter<'a>(_: &'a str) -> char { '"' }
            fn quote() -> char { '\'' }
            use crate::trace::Call;
            #[cfg(test)]
            mod tests { use crate::commands::cli; fn nested() { crate::show::tell(); } }
            #[cfg(test)]
            mod laws;
            #[cfg(test)]
            use crate::lab::Lab;
            fn last() { crate::sys::last() }
        "##;
        assert_eq!(imports(source, "sys"), ["sys::last", "trace::Call"]);
        let found = Imports::of(source, &["sys".into()]);
        assert!(found.test_modules.iter().eq(["laws"]));
    }
}
