//! The course is whole: every lesson with all its parts, every claim with the
//! lesson that tries it.
//!
//! What the pages show is run by `documents.rs`; this reads what they promise.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use crate::common::markdown::{blocks, documents, prose, root};
use epoll_lab::claims;

/// The lessons, in the order in which each repairs the one before.
const LESSONS: [&str; 14] = [
    "01-one-thread-two-clients.md",
    "02-level-triggered.md",
    "03-edge-triggered-one-recv.md",
    "04-edge-triggered-recv-in-a-loop.md",
    "05-edge-triggered-non-blocking.md",
    "06-the-epoll-api.md",
    "07-write-readiness.md",
    "08-select-and-poll.md",
    "09-what-a-wait-costs.md",
    "10-a-server-you-could-ship.md",
    "11-your-own-server.md",
    "12-your-server-watched.md",
    "13-the-textbook-tried.md",
    "14-several-threads.md",
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

/// What the first lesson lacks: its two claims are in lesson 5, where one can
/// judge them.
const NOT_IN_THE_FIRST: &str = TEXTBOOKS;

/// What the lessons after the tenth have at the least: there the student runs
/// and tries something of their own.
const PARTS_OF_THE_LAST: [&str; 3] = ["What you will see", "Check yourself", "Further reading"];

/// Everything that is wrong, at once: who mends a page wants to know it all.
#[track_caller]
fn report(missing: &[String]) {
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

fn place(name: &str) -> PathBuf {
    root().join("lessons").join(name)
}

struct Page {
    text: String,
    /// The same without what stands in blocks.
    prose: String,
}

impl Page {
    /// `None` if there is no such page: one test says so, and the others read
    /// what is there.
    fn read(name: &str) -> Option<Page> {
        let text = fs::read_to_string(place(name)).ok()?;
        let prose = prose(&text);
        Some(Page { text, prose })
    }

    /// The lines outside of blocks, the first of them being line 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.prose.lines().map(str::trim))
    }

    /// The headings of the second level, each with its line.
    fn parts(&self) -> Vec<(usize, &str)> {
        let headings = self.lines();
        headings
            .filter_map(|(at, line)| Some((at, line.strip_prefix("## ")?)))
            .collect()
    }

    /// The lines from the heading `part` to the next.
    fn part(&self, part: &str) -> Range<usize> {
        let parts = self.parts();
        let mut from = parts.iter().skip_while(|(_, heading)| *heading != part);
        let Some((begin, _)) = from.next() else {
            return 0..0;
        };
        *begin..from.next().map_or(usize::MAX, |(end, _)| *end)
    }

    /// The claims that the executed blocks of a part try.
    fn tries(&self, part: &str) -> Vec<&str> {
        let part = self.part(part);
        let blocks = blocks(&self.text).into_iter();
        blocks
            .filter(|block| block.label == "console" && part.contains(&block.line))
            .flat_map(|block| block.commands())
            .filter_map(|(command, _)| command.strip_prefix("epoll-lab claims "))
            .flat_map(str::split_ascii_whitespace)
            .filter(|word| !word.starts_with('-'))
            .collect()
    }

    /// The rows of its tables.
    fn rows(&self) -> Vec<&str> {
        let lines = self.lines().map(|(_, line)| line);
        lines.filter(|line| line.starts_with('|')).collect()
    }
}

#[test]
fn no_lesson_and_no_page_is_missing() {
    let pages = LESSONS.iter().chain(&PAGES);
    let missing: Vec<String> = pages
        .filter(|name| !place(name).is_file())
        .map(|name| format!("lessons/{name}: no such file"))
        .collect();
    report(&missing);
}

/// A page that the course does not know of is one that nobody finds.
#[test]
fn no_page_is_left_over() {
    let known: Vec<PathBuf> = LESSONS
        .iter()
        .chain(&PAGES)
        .map(|name| place(name))
        .collect();
    let left_over: Vec<String> = documents()
        .iter()
        .filter(|page| **page != root().join("README.md") && !known.contains(page))
        .map(|page| {
            format!(
                "{}: neither a lesson nor a page of the course",
                page.display()
            )
        })
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
        let wanted = match LESSONS[10..].contains(&name) {
            true => &PARTS_OF_THE_LAST[..],
            false => &PARTS[..],
        };
        let wanted = wanted
            .iter()
            .filter(|part| name != LESSONS[0] || **part != NOT_IN_THE_FIRST);
        let parts = page.parts();
        let mut before = 0;
        for part in wanted {
            match parts.iter().find(|(_, heading)| heading == part) {
                None => missing.push(format!("lessons/{name}: no heading `## {part}`")),
                Some((at, _)) if *at < before => {
                    missing.push(format!("lessons/{name}:{at}: `## {part}` stands too early"));
                }
                Some((at, _)) => before = *at,
            }
        }
        if !page.text.starts_with("# ") {
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
        let mut open = None;
        let mut answers = 0;
        for ((at, line), next) in page.lines().zip(page.text.lines().skip(1).chain([""])) {
            let here = format!("lessons/{name}:{at}");
            if line.contains("<details>") {
                answers += 1;
                if open.replace(at).is_some() {
                    wrong.push(format!("{here}: a <details> inside another"));
                }
                if !line.contains("<summary>") || !line.contains("</summary>") {
                    let form = "<details><summary>Answer</summary>";
                    wrong.push(format!("{here}: {line:?} is not `{form}`"));
                }
                if !next.is_empty() {
                    wrong.push(format!("{here}: no empty line after {line:?}"));
                }
            }
            if line.contains("</details>") && open.take().is_none() {
                wrong.push(format!("{here}: a </details> closes nothing"));
            }
        }
        if let Some(at) = open {
            wrong.push(format!("lessons/{name}:{at}: the <details> is not closed"));
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
        let last = page.text.trim_end().rsplit("\n\n").next();
        let last = last.unwrap_or_default().replace('\n', " ");
        if !last.starts_with("Next: [") || !last.contains(&format!("]({next})")) {
            let wanted = format!("`Next: [...]({next}), because ...`");
            missing.push(format!(
                "lessons/{name}: the last paragraph is not {wanted}: {last:?}"
            ));
        }
    }
    report(&missing);
}

/// The table of the first page has a row for every lesson, under its title.
#[test]
fn the_first_page_lists_the_lessons() {
    let Some(page) = Page::read(PAGES[0]) else {
        return;
    };
    let rows = page.rows();
    let mut missing = Vec::new();
    for name in LESSONS {
        let Some(row) = rows.iter().find(|row| links_to(row, name)) else {
            missing.push(format!("lessons/README.md: no row with a link to {name}"));
            continue;
        };
        let Some(lesson) = Page::read(name) else {
            continue;
        };
        let title = lesson.text.lines().next().unwrap_or_default();
        let title =
            title.trim_start_matches(|char: char| "# .".contains(char) || char.is_ascii_digit());
        if !row.contains(&format!("[{title}]({name})")) {
            missing.push(format!(
                "lessons/README.md: {name} has another title, {title:?}"
            ));
        }
    }
    report(&missing);
}

fn links_to(row: &str, page: &str) -> bool {
    row.contains(&format!("]({page})"))
}

/// The claims of claims.md that no lesson tries.
const HERE: &str = "#tried-here";

/// Every claim has a row in claims.md, in the words of the program, with a link
/// to a lesson, and that lesson tries it; or claims.md itself does.
#[test]
fn every_claim_has_its_lesson() {
    let Some(page) = Page::read("claims.md") else {
        return;
    };
    let pages = LESSONS
        .iter()
        .filter_map(|name| Some((*name, Page::read(name)?)));
    let lessons: BTreeMap<&str, Page> = pages.collect();
    let rows = page.rows();
    let mut missing = Vec::new();
    for claim in claims::all() {
        let id = claim.id;
        let begins = format!("| `{id}` | {} |", claim.claim);
        let Some(row) = rows.iter().find(|row| row.starts_with(&begins)) else {
            missing.push(format!("lessons/claims.md: no row that begins `{begins}`"));
            continue;
        };
        if row.contains(&format!("]({HERE})")) {
            if !page.tries("Tried here").contains(&id) {
                missing.push(format!("lessons/claims.md: {HERE} does not try `{id}`"));
            }
            continue;
        }
        match LESSONS.iter().find(|lesson| links_to(row, lesson)) {
            None => missing.push(format!("lessons/claims.md: `{id}` has no link to a lesson")),
            Some(name) => {
                // That the lesson itself is missing is said elsewhere.
                let lesson = lessons.get(name);
                if lesson.is_some_and(|lesson| !lesson.tries(TEXTBOOKS).contains(&id)) {
                    let command = format!("`$ epoll-lab claims ... {id}`");
                    missing.push(format!(
                        "lessons/{name}: no {command} under \"{TEXTBOOKS}\""
                    ));
                }
            }
        }
    }
    report(&missing);
}
