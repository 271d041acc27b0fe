//! The course is whole: every lesson with all its parts, every claim with the
//! lesson that tries it.
//!
//! What the pages show is run by `documents.rs`; this reads what they promise.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use epoll_lab::claims;

/// The lessons, in the order in which each repairs the one before.
const LESSONS: [&str; 11] = [
    "01-one-thread-two-clients.md",
    "02-level-triggered.md",
    "03-edge-triggered-loses.md",
    "04-edge-triggered-hangs.md",
    "05-edge-triggered-right.md",
    "06-the-epoll-api.md",
    "07-write-readiness.md",
    "08-select-and-poll.md",
    "09-what-a-wait-costs.md",
    "10-a-server-you-could-ship.md",
    "11-your-own-server.md",
];

/// The pages beside them.
const PAGES: [&str; 4] = ["README.md", "teaching.md", "glossary.md", "claims.md"];

/// What a lesson has, in this order.
const PARTS: [&str; 8] = [
    "What you will see",
    "Before you run anything",
    "Run it",
    "What happened, line by line",
    "Try it",
    TEXTBOOKS,
    "Check yourself",
    "Further reading",
];

/// The part in which the claims are tried.
const TEXTBOOKS: &str = "What textbooks say";

/// What the last lesson has at the least: there the student runs and tries
/// something of their own.
const PARTS_OF_THE_LAST: [&str; 3] = ["What you will see", "Check yourself", "Further reading"];

fn lessons() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lessons")
}

/// Everything that is wrong, at once: who mends a page wants to know it all.
#[track_caller]
fn report(missing: &[String]) {
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

/// A page, with the lines of its blocks told from those of its text.
struct Page {
    lines: Vec<Line>,
}

struct Line {
    text: String,
    /// The label of the block that the line stands in.
    block: Option<String>,
}

impl Page {
    /// `None` if there is no such page: one test says so, and the others read
    /// what is there.
    fn read(name: &str) -> Option<Page> {
        let text = fs::read_to_string(lessons().join(name)).ok()?;
        let mut block: Option<String> = None;
        let mut lines = Vec::new();
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), &block) {
                (Some(label), None) => block = Some(label.to_string()),
                (Some(_), Some(_)) => block = None,
                (None, _) => lines.push(Line {
                    text: line.trim().to_string(),
                    block: block.clone(),
                }),
            }
        }
        Some(Page { lines })
    }

    /// The lines outside of blocks.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let prose = self.lines.iter().filter(|line| line.block.is_none());
        prose.map(|line| line.text.as_str())
    }

    fn headings(&self) -> Vec<&str> {
        self.prose()
            .filter_map(|line| line.strip_prefix("## "))
            .collect()
    }

    /// The lines under the heading `part`, up to the next one of its kind.
    fn part(&self, part: &str) -> impl Iterator<Item = &Line> {
        let heading = format!("## {part}");
        let begins = move |line: &&Line| line.block.is_none() && line.text == heading;
        let rest = self.lines.iter().skip_while(move |line| !begins(line));
        rest.skip(1)
            .take_while(|line| line.block.is_some() || !line.text.starts_with("## "))
    }

    /// The claims that the executed blocks of a part try.
    fn tries(&self, part: &str) -> Vec<&str> {
        self.part(part)
            .filter(|line| line.block.as_deref() == Some("console"))
            .filter_map(|line| line.text.strip_prefix("$ epoll-lab claims "))
            .flat_map(str::split_ascii_whitespace)
            .filter(|word| !word.starts_with('-'))
            .collect()
    }
}

#[test]
fn no_lesson_and_no_page_is_missing() {
    let pages = LESSONS.iter().chain(&PAGES);
    let missing: Vec<String> = pages
        .filter(|name| !lessons().join(name).is_file())
        .map(|name| format!("lessons/{name}: no such file"))
        .collect();
    report(&missing);
}

/// A file that the course does not know of is one that nobody finds.
#[test]
fn no_page_is_left_over() {
    let entries = fs::read_dir(lessons()).expect("lessons/");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let is_page = |name: &String| Path::new(name).extension().is_some_and(|e| e == "md");
    let known = |name: &str| LESSONS.contains(&name) || PAGES.contains(&name);
    let left_over: Vec<String> = names
        .filter(|name| is_page(name) && !known(name))
        .map(|name| format!("lessons/{name}: neither a lesson nor a page of the course"))
        .collect();
    report(&left_over);
}

#[test]
fn every_lesson_has_its_parts_in_order() {
    let mut missing = Vec::new();
    for name in LESSONS {
        let Some(page) = Page::read(name) else {
            continue;
        };
        let parts = match name == LESSONS[10] {
            true => &PARTS_OF_THE_LAST[..],
            false => &PARTS[..],
        };
        let headings = page.headings();
        let mut from = 0;
        for part in parts {
            match headings.iter().position(|heading| heading == part) {
                None => missing.push(format!("lessons/{name}: no heading `## {part}`")),
                Some(at) if at < from => {
                    missing.push(format!("lessons/{name}: `## {part}` stands too early"));
                }
                Some(at) => from = at,
            }
        }
        let first = page.lines.first().map_or("", |line| line.text.as_str());
        if !first.starts_with("# ") {
            missing.push(format!(
                "lessons/{name}: does not begin with a title, `# ...`"
            ));
        }
    }
    report(&missing);
}

/// An answer that is not closed swallows the rest of the page; one whose
/// summary touches it is not set as Markdown.
#[test]
fn every_answer_can_be_opened_and_closed() {
    let mut wrong = Vec::new();
    for name in LESSONS.iter().chain(&PAGES) {
        let Some(page) = Page::read(name) else {
            continue;
        };
        let mut open: Option<usize> = None;
        let mut answers = 0;
        for (at, line) in page.lines.iter().enumerate() {
            let text = line.text.as_str();
            if line.block.is_some() {
                continue;
            }
            if text.contains("<details>") {
                if open.is_some() {
                    wrong.push(format!("lessons/{name}: a <details> inside another"));
                }
                open = Some(at);
                answers += 1;
                if !text.contains("<summary>") || !text.contains("</summary>") {
                    let form = "<details><summary>Answer</summary>";
                    wrong.push(format!("lessons/{name}: {text:?} is not `{form}`"));
                }
                if page
                    .lines
                    .get(at + 1)
                    .is_some_and(|next| !next.text.is_empty())
                {
                    wrong.push(format!("lessons/{name}: no empty line after {text:?}"));
                }
            }
            if text.contains("</details>") && open.take().is_none() {
                wrong.push(format!("lessons/{name}: a </details> closes nothing"));
            }
        }
        if open.is_some() {
            wrong.push(format!("lessons/{name}: a <details> is not closed"));
        }
        if LESSONS.contains(name) && answers == 0 {
            wrong.push(format!("lessons/{name}: no answers in <details>"));
        }
    }
    report(&wrong);
}

#[test]
fn every_lesson_leads_to_the_next() {
    let mut missing = Vec::new();
    for (name, next) in LESSONS.iter().zip(&LESSONS[1..]) {
        let Some(page) = Page::read(name) else {
            continue;
        };
        let last = page.prose().filter(|line| !line.is_empty()).last();
        let last = last.unwrap_or_default();
        if !last.starts_with("Next: [") || !last.contains(&format!("]({next})")) {
            let wanted = format!("`Next: [...]({next}), because ...`");
            missing.push(format!(
                "lessons/{name}: the last line is not {wanted}: {last:?}"
            ));
        }
    }
    report(&missing);
}

/// The table of the first page has a row for every lesson.
#[test]
fn the_first_page_lists_the_lessons() {
    let Some(page) = Page::read(PAGES[0]) else {
        return;
    };
    let rows: Vec<&str> = page.prose().filter(|line| line.starts_with('|')).collect();
    let missing = LESSONS.iter().filter(|lesson| {
        let link = format!("]({lesson})");
        !rows.iter().any(|row| row.contains(&link))
    });
    let missing: Vec<String> = missing
        .map(|lesson| format!("lessons/README.md: no row with a link to {lesson}"))
        .collect();
    report(&missing);
}

/// Every claim has a row in claims.md, in the words of the program, with a link
/// to a lesson, and that lesson tries it.
#[test]
fn every_claim_has_its_lesson() {
    let Some(page) = Page::read("claims.md") else {
        return;
    };
    let rows: Vec<&str> = page
        .prose()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let mut missing = Vec::new();
    let mut tried: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for name in LESSONS {
        if let Some(lesson) = Page::read(name) {
            let ids = lesson.tries(TEXTBOOKS).into_iter().map(str::to_string);
            tried.insert(name, ids.collect());
        }
    }
    for claim in claims::all() {
        let id = claim.id;
        let cell = format!("| `{id}` |");
        let Some(row) = rows.iter().find(|row| row.starts_with(&cell)) else {
            missing.push(format!("lessons/claims.md: no row for `{id}`"));
            continue;
        };
        if !row.contains(claim.claim) {
            let wanted = format!("does not say {:?}", claim.claim);
            missing.push(format!("lessons/claims.md: the row of `{id}` {wanted}"));
        }
        let lesson = LESSONS
            .iter()
            .find(|name| row.contains(&format!("]({name})")));
        match lesson.map(|name| (name, tried.get(name))) {
            None => missing.push(format!(
                "lessons/claims.md: the row of `{id}` has no link to a lesson"
            )),
            // That it is missing is said elsewhere.
            Some((_, None)) => {}
            Some((name, Some(ids))) if ids.iter().all(|tried| tried != id) => {
                missing.push(format!(
                    "lessons/{name}: no `$ epoll-lab claims ... {id}` under \"{TEXTBOOKS}\""
                ));
            }
            Some(_) => {}
        }
    }
    let known =
        |row: &&&str| claims::all().any(|claim| row.starts_with(&format!("| `{}` |", claim.id)));
    let ids = rows.iter().filter(|row| !row.starts_with("| `epoll-lab"));
    for row in ids.filter(|row| !known(row)) {
        missing.push(format!("lessons/claims.md: no such claim: {row}"));
    }
    for (name, ids) in &tried {
        for id in ids.iter().filter(|id| claims::find(id).is_none()) {
            missing.push(format!("lessons/{name}: no such claim: {id}"));
        }
    }
    report(&missing);
}
