//! Links lead to what they speak of.

use std::fs;
use std::path::Path;
use std::sync::PoisonError;

use super::{WRITING, name, refreshing};
use crate::common::links::{Checked, Found, check};
use crate::common::markdown::{anchors, documents, links, root};

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
