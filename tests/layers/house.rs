//! The house as the imports show it: which file looks into which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::Imports;

/// From the top: whoever stands here may look into what stands below.
pub const ROOMS: [&str; 10] = [
    TOP, "commands", "show", "claims", "watch", "lab", "cost", "server", "sys", "trace",
];

/// `main.rs` and `lib.rs`.
pub const TOP: &str = "the top";

/// Rooms that stand on one another, the top among them.
const FLOORS: usize = 9;

/// Rings of files that a room may have, and files in such a ring.
const RINGS: usize = 2;
const SMALL: usize = 3;

/// What says, in the module docs of one of its files, why there is a ring.
const REASON: &str = "import one another";

/// Every file, and those that it imports; by their paths in `src`.
#[derive(Debug)]
pub struct House {
    files: BTreeMap<String, BTreeSet<String>>,
    with_a_reason: BTreeSet<String>,
}

impl House {
    /// Of path and text of each file.
    pub fn of<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> House {
        let sources: BTreeMap<&str, &str> = sources.into_iter().collect();
        let modules: BTreeMap<Vec<String>, &str> = sources
            .keys()
            .filter(|path| **path != "main.rs")
            .map(|path| (module(path), *path))
            .collect();
        let mut files = BTreeMap::new();
        let mut with_a_reason = BTreeSet::new();
        let mut for_tests = BTreeSet::new();
        for (path, source) in &sources {
            let place = module(path);
            let imports = Imports::of(source, &place);
            let home = |path: &Vec<String>| {
                (0..=path.len())
                    .rev()
                    .find_map(|end| modules.get(&path[..end]).copied())
            };
            let mut looks_into: BTreeSet<String> = imports
                .paths
                .iter()
                .filter_map(home)
                .map(String::from)
                .collect();
            looks_into.remove(*path);
            files.insert(path.to_string(), looks_into);
            for name in imports.test_modules {
                let module = [place.clone(), vec![name]].concat();
                for_tests.extend(modules.get(&module).map(|path| path.to_string()));
            }
            let docs = source.lines().filter_map(|line| line.strip_prefix("//!"));
            let docs: Vec<&str> = docs.map(str::trim).collect();
            if docs.join(" ").contains(REASON) {
                with_a_reason.insert(path.to_string());
            }
        }
        files.retain(|path, _| !for_tests.contains(path));
        House {
            files,
            with_a_reason,
        }
    }

    /// Of all `.rs` files below a directory.
    pub fn read(src: &Path) -> House {
        let mut sources = Vec::new();
        collect(src, src, &mut sources);
        House::of(
            sources
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        )
    }

    /// Imports that look upwards, of the files in these rooms; and rooms that
    /// nobody has given a place.
    pub fn arrows_up(&self, rooms: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (path, imported) in self.of_rooms(rooms) {
            let Some(place) = height(path) else {
                wrong.push(format!(
                    "{path}: {} has no place among the rooms",
                    room(path)
                ));
                continue;
            };
            let up = imported
                .iter()
                .filter(|other| height(other).is_none_or(|it| it < place));
            wrong.extend(up.map(|other| format!("{path} imports {other}, which stands above")));
        }
        wrong
    }

    /// Rings of files that nobody may have, through these rooms: across rooms,
    /// too large, without a reason, or too many in one room.
    pub fn rings(&self, rooms: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut allowed: BTreeMap<&str, usize> = BTreeMap::new();
        for ring in self.all_rings() {
            let through: BTreeSet<&str> = ring.iter().map(|path| room(path)).collect();
            if !rooms.iter().any(|room| through.contains(room)) {
                continue;
            }
            let files = ring.iter().copied().collect::<Vec<_>>().join(", ");
            if through.len() > 1 {
                wrong.push(format!("a ring across rooms: {files}"));
            } else if ring.len() > SMALL {
                wrong.push(format!("a ring of more than {SMALL} files: {files}"));
            } else if !ring.iter().any(|path| self.with_a_reason.contains(*path)) {
                wrong.push(format!(
                    "a ring, and no docs say why its files {REASON}: {files}"
                ));
            } else {
                *allowed
                    .entry(room(ring.iter().next().unwrap_or(&"")))
                    .or_default() += 1;
            }
        }
        let many = allowed.into_iter().filter(|(_, rings)| *rings > RINGS);
        wrong.extend(many.map(|(room, rings)| format!("{room} has {rings} rings")));
        wrong
    }

    /// The rooms from the top down, if more stand on one another than may.
    pub fn floors(&self) -> Option<Vec<&str>> {
        let mut deepest: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        // From the lowest up: what a room looks into is known already.
        for here in ROOMS.into_iter().rev() {
            let only = [here];
            let below = self.of_rooms(&only).flat_map(|(_, imported)| imported);
            let below: BTreeSet<&str> = below.map(|path| room(path)).collect();
            let stack = below.iter().filter_map(|room| deepest.get(room));
            let mut stack = stack
                .max_by_key(|stack| stack.len())
                .cloned()
                .unwrap_or_default();
            stack.insert(0, here);
            deepest.insert(here, stack);
        }
        deepest.remove(TOP).filter(|stack| stack.len() > FLOORS)
    }

    fn of_rooms(&self, rooms: &[&str]) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.files
            .iter()
            .filter(move |(path, _)| rooms.is_empty() || rooms.contains(&room(path)))
    }

    /// Sets of files each of which reaches every other one.
    fn all_rings(&self) -> BTreeSet<BTreeSet<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .files
            .keys()
            .map(|path| (path.as_str(), self.reached_from(path)))
            .collect();
        let ring = |path: &&str| -> BTreeSet<&str> {
            let there = reached[path].iter().copied();
            there
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(path)))
                .collect()
        };
        reached
            .keys()
            .map(ring)
            .filter(|ring| ring.len() > 1)
            .collect()
    }

    fn reached_from<'a>(&'a self, path: &str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = self.files[path].iter().map(String::as_str).collect();
        while let Some(path) = next.pop() {
            if seen.insert(path) {
                next.extend(
                    self.files
                        .get(path)
                        .into_iter()
                        .flatten()
                        .map(String::as_str),
                );
            }
        }
        seen
    }
}

/// `[sys, wait]` for `sys/wait.rs`, `[sys]` for `sys/mod.rs`.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    match path {
        "lib" | "main" => Vec::new(),
        _ => path.split('/').map(String::from).collect(),
    }
}

/// The room that a file stands in; a loose file is a room of its own.
fn room(path: &str) -> &str {
    match path {
        "main.rs" | "lib.rs" => TOP,
        _ => path.split('/').next().unwrap_or(path),
    }
}

/// Its place in the list of rooms, counted from the top.
fn height(path: &str) -> Option<usize> {
    ROOMS.iter().position(|name| *name == room(path))
}

fn collect(root: &Path, directory: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory of src") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            collect(root, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below src");
            let name = name.to_str().expect("a name in UTF-8").to_string();
            into.push((name, std::fs::read_to_string(&path).expect("a source file")));
        }
    }
}
