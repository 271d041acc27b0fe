//! The player: the page that `--html` writes. What it says is compared with the
//! records of the same run; how it behaves is tried in a real browser.

#[path = "../common/mod.rs"]
mod common;

mod browser;
mod drawn;
mod file;
mod fold;
mod lessons;
mod player;
mod unpack;
mod watched;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{epoll_lab, run};
use serde_json::Value;

/// A directory of one's own, gone at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        // Each its own: tests run beside each other.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("epoll-lab-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Directory(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command that writes a page to `path`, and gives the page.
#[track_caller]
pub fn page(line: &str, path: &Path) -> String {
    let args = line.split_ascii_whitespace().map(OsString::from);
    page_of(args.collect(), path)
}

#[track_caller]
pub fn page_of(mut args: Vec<OsString>, path: &Path) -> String {
    args.extend(["--html".into(), path.into()]);
    run(&mut epoll_lab(args)).ok();
    std::fs::read_to_string(path).expect("the page is there")
}

/// What a page draws, as its script reads it.
pub fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("the data");
    let (data, _) = rest.split_once("</script>").expect("their end");
    let mut data = serde_json::from_str(data).expect("JSON");
    unpack::all(&mut data, page);
    data
}

pub type State = BTreeMap<String, Value>;

fn apply(state: &mut State, delta: &Value) {
    for (key, value) in delta.as_object().into_iter().flatten() {
        match value {
            Value::Null => state.remove(key),
            value => state.insert(key.clone(), value.clone()),
        };
    }
}

/// What each moment of a run shows.
pub fn states(run: &Value) -> Vec<State> {
    let mut state = State::new();
    let moments = run["moments"].as_array().expect("moments");
    let each = moments.iter().map(|moment| {
        apply(&mut state, &moment["d"]);
        state.clone()
    });
    each.collect()
}
