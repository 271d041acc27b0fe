//! What the documents show is what the program prints.
//!
//! `TRYCMD=overwrite cargo test --test documents` refreshes them.

use std::fs;
use std::path::PathBuf;

/// Every Markdown file whose console blocks are executed.
fn documents() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md")];
    if let Ok(lessons) = fs::read_dir(root.join("lessons")) {
        documents.extend(lessons.filter_map(|entry| Some(entry.ok()?.path())));
    }
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    documents.sort();
    documents
}

#[test]
fn console_blocks_show_what_the_program_prints() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("epoll-lab", PathBuf::from(env!("CARGO_BIN_EXE_epoll-lab")));
    for document in documents() {
        cases.case(document);
    }
}

/// The runner passes over what it does not understand. So a block that shows a
/// command of ours has to be one that it executes, or to say that it is not.
#[test]
fn no_block_is_passed_over_in_silence() {
    let mut executed = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let mut label: Option<String> = None;
        for line in text.lines() {
            let place = format!("{}: {line}", document.display());
            assert!(!line.starts_with("~~~"), "{place}");
            assert!(!line.starts_with(" ```"), "indented: {place}");
            match (line.strip_prefix("```"), &label) {
                (Some(info), None) => label = Some(info.to_string()),
                (Some(_), Some(_)) => label = None,
                (None, Some(info)) if line.starts_with("$ ") => match info.as_str() {
                    "console" => {
                        assert!(line.starts_with("$ epoll-lab "), "unknown command: {place}");
                        executed += 1;
                    }
                    "console,ignore" => {}
                    other => panic!("a command in a block labelled {other:?}: {place}"),
                },
                _ => {}
            }
        }
        assert_eq!(label, None, "{}: a block is not closed", document.display());
    }
    assert!(executed >= 2, "only {executed} blocks are executed");
}

/// Links to files of the repository lead somewhere.
#[test]
fn links_lead_somewhere() {
    let mut followed = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let target = document.with_file_name(path);
            assert!(target.exists(), "{}: {link}", document.display());
            followed += 1;
        }
    }
    assert!(followed > 0);
}
