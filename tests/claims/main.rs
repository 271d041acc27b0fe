//! `claims` as it is typed: the list, each claim alone, the table, the JSON,
//! and the same verdicts on a busy machine.

#[path = "../common/mod.rs"]
mod common;

mod busy;
mod disturbed;
mod ids;
mod json;
mod one;
mod table;

use std::collections::BTreeMap;

use crate::common::{epoll_lab, narrow, run};

/// What needs a child that may be traced, as watch does.
const TRACED: [&str; 2] = ["create-zero", "efault-keeps"];

/// What is not tried on a machine like this one.
fn left_out() -> &'static [&'static str] {
    let told = run(&mut epoll_lab(["watch", "--", "true"])).stderr();
    let forbidden = told.contains("may not be traced");
    if forbidden { &TRACED } else { &[] }
}

/// No line is wider than a screen, ends in blanks, or needs more than ASCII.
#[track_caller]
fn fits(text: &str) {
    narrow(text);
    for line in text.lines() {
        assert_eq!(line, line.trim_end());
        assert!(line.is_ascii(), "{line}");
    }
}

/// The verdict of each claim in a table.
fn verdicts(table: &str) -> BTreeMap<String, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("  "));
    rows.filter_map(|row| {
        let (id, rest) = row.split_once(' ')?;
        Some((id.to_string(), rest.trim_start()[..9].trim().to_string()))
    })
    .collect()
}
