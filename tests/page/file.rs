//! The file: what it may be called, what becomes of an old one, what is in it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{LIMIT, epoll_lab, program, run};
use crate::{Directory, data, page, page_of, states};

/// The runs of the lessons.
const LESSONS: [&str; 8] = [
    "blocking",
    "lt",
    "et-blocking --read once",
    "et-blocking",
    "et-nonblock",
    "select-poll-compare --only servers",
    "write-events",
    "claims et-once",
];

#[test]
fn the_same_bytes_every_time_and_under_100_kb() {
    let directory = Directory::new("bytes");
    for line in LESSONS {
        let once = page(line, &directory.file("a.html"));
        let other = format!("{line} --trace --color always");
        let again = page(&other, &directory.file("b.html"));
        assert_eq!(once, again, "{line}");
        assert!(once.len() < 100_000, "{line}: {} bytes", once.len());
    }
    let line = "et-nonblock --clients 100";
    let crowd = page(line, &directory.file("a.html"));
    assert!(crowd.len() < 500_000, "{line}: {} bytes", crowd.len());
}

#[test]
fn the_records_are_those_of_the_json() {
    let directory = Directory::new("records");
    for line in LESSONS {
        let runs = data(&page(line, &directory.file("page.html")))["runs"].take();
        let told = format!("{line} --trace --format json");
        let json = run(&mut epoll_lab(told.split_ascii_whitespace())).ok();
        let json: Vec<Value> = json.stdout().lines().map(parsed).collect();
        let records = runs.as_array().unwrap().iter();
        let records: Vec<&Value> = records
            .flat_map(|run| run["records"].as_array().unwrap())
            .collect();
        for record in &records {
            assert!(json.contains(record), "{line}: {record}");
        }
        // What a command adds of its own, it has not told the page.
        let own = |it: &Value| matches!(it["type"].as_str(), Some("write" | "claim"));
        let rest = json.iter().filter(|it| !own(it)).count();
        assert_eq!(records.len(), rest, "{line}");
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn the_output_on_the_screen_is_as_without_it() {
    let directory = Directory::new("beside");
    for how in ["", "--trace", "--trace --format json", "--predict 2,no"] {
        let line = format!("et-blocking --stall 0s {how}");
        let words = || line.split_ascii_whitespace().map(OsString::from);
        let plain = run(&mut epoll_lab(words())).ok();
        let html = ["--html".into(), directory.file("page.html").into()];
        let with = run(&mut epoll_lab(words().chain(html))).ok();
        assert_eq!(plain.stdout(), with.stdout(), "{line}");
        assert_eq!(plain.stderr(), with.stderr(), "{line}");
    }
}

#[test]
fn an_old_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    let directory = Directory::new("old");
    let (path, link) = (directory.file("page.html"), directory.file("link.html"));
    fs::write(&path, "x".repeat(1_000_000)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let new = page("lt", &link);
    assert!(new.starts_with("<!doctype html>") && new.trim_end().ends_with("</html>"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2,
        "nothing is left over"
    );
}

#[test]
fn where_the_disk_is_full_the_old_file_stays() {
    let directory = Directory::new("full");
    let path = directory.file("page.html");
    fs::write(&path, "old").unwrap();
    // As of a full disk, write(2) fails: beyond a limit, with EFBIG.
    let script = "ulimit -f 8; exec \"$0\" lt --html \"$1\"";
    let mut shell = Command::new("sh");
    let output = run(shell.args(["-c", script, program()]).arg(&path));
    assert_eq!(output.status.code(), Some(1), "{}", output.told());
    assert!(output.stderr().contains("write"), "{}", output.told());
    assert!(output.stderr().contains("EFBIG"), "{}", output.told());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let left = fs::read_dir(directory.file("")).unwrap().count();
    assert_eq!(left, 1, "nothing is left over");
}

#[test]
fn a_path_that_cannot_be_written_is_told_before_anything_is_run() {
    let directory = Directory::new("refused");
    let missing = directory.file("missing/page.html");
    let missing = missing.to_str().unwrap();
    let this = directory.file("");
    let (nowhere, circle) = (directory.file("nowhere"), directory.file("circle"));
    symlink("missing.html", &nowhere).unwrap();
    symlink("circle", &circle).unwrap();
    for (path, status, told) in [
        (missing, 1, "No such file or directory"),
        (this.to_str().unwrap(), 1, "regular file"),
        ("/dev/null", 1, "regular file"),
        (nowhere.to_str().unwrap(), 1, "ENOENT"),
        (circle.to_str().unwrap(), 1, "ELOOP"),
        ("-", 2, "--html"),
        ("", 2, "--html"),
    ] {
        let output = run(&mut epoll_lab(["lt", "--html", path]));
        assert_eq!(output.status.code(), Some(status), "{}", output.told());
        assert_eq!(output.stdout(), "", "{}", output.told());
        assert!(output.stderr().contains(told), "{}", output.told());
    }
    assert!(nowhere.is_symlink() && circle.is_symlink());
}

/// Renamed over the file that standard output is, it would take the results'
/// place.
#[test]
fn a_page_is_not_put_where_the_results_go() {
    let directory = Directory::new("stdout");
    let path = directory.file("results");
    let results = fs::File::create(&path).unwrap();
    let mut shell = Command::new("sh");
    let script = "exec \"$0\" lt --html /dev/stdout 2>&1";
    let output = shell.args(["-c", script, program()]).stdout(results);
    assert_eq!(output.status().unwrap().code(), Some(1));
    let told = fs::read_to_string(&path).unwrap();
    assert!(told.contains("the results go there"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn open_asks_xdg_open_and_says_so_where_there_is_none() {
    let directory = Directory::new("open");
    let (path, told) = (directory.file("-page.html"), directory.file("told"));
    let fake = directory.file("xdg-open");
    let html = format!("--html={}", path.display());
    // No xdg-open: one line, and the page is there.
    let mut lab = epoll_lab(["lt", "--open", &html]);
    let output = run(lab.env("PATH", directory.file(""))).ok();
    let line = output.stderr();
    assert!(line.starts_with("epoll-lab: --open: xdg-open: "), "{line}");
    assert!(
        line.contains("ENOENT") && line.lines().count() == 1,
        "{line}"
    );
    assert!(path.is_file());

    let script = format!(
        "#!/bin/sh\necho \"$@\" > {0}.new\n/bin/mv {0}.new {0}\n",
        told.display()
    );
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    // By its name alone, from where it lies: no flag of xdg-open's.
    let mut lab = epoll_lab(["lt", "--open", "--html=-page.html"]);
    lab.current_dir(directory.file(""));
    run(lab.env("PATH", directory.file(""))).ok();
    let began = Instant::now();
    while !told.is_file() {
        assert!(began.elapsed() < LIMIT, "xdg-open was not asked");
        thread::sleep(Duration::from_millis(5));
    }
    let opened = fs::read_to_string(&told).unwrap();
    let path = fs::canonicalize(path).unwrap();
    assert_eq!(opened.trim_end(), path.to_str().unwrap());

    let output = run(&mut epoll_lab(["lt", "--open"]));
    assert_eq!(output.status.code(), Some(2), "{}", output.told());
}

#[test]
fn clients_from_outside_have_no_page() {
    let output = run(&mut epoll_lab([
        "lt",
        "--listen",
        "127.0.0.1:0",
        "--html",
        "x.html",
    ]));
    assert_eq!(output.status.code(), Some(2), "{}", output.told());
    assert!(output.stderr().contains("--listen"), "{}", output.told());
}

#[test]
fn a_run_that_is_longer_than_a_page_is_cut_and_says_so() {
    let directory = Directory::new("long");
    let path = directory.file("page.html");
    let message = "x".repeat(6000);
    let args = ["lt", "--buffer", "1", "--message", &message, "--html"];
    let output = run(epoll_lab(args).arg(&path)).ok();
    assert!(
        output.stderr().contains("10000 moments"),
        "{}",
        output.told()
    );
    let data = data(&fs::read_to_string(path).unwrap());
    let run = &data["runs"][0];
    let moments = run["moments"].as_array().unwrap();
    assert!(moments.len() <= 10_001, "{}", moments.len());
    assert_eq!(run["cut"], true);
    assert_eq!(moments.last().unwrap()["k"], "end");
}

#[test]
fn whatever_bytes_a_client_sends_they_stay_text() {
    let directory = Directory::new("hostile");
    let every: Vec<u8> = (1..=255).collect();
    let evil = "</script><script>alert(1)</script><!--{{JS}}]]>\"'\\\u{202e}\u{2028}";
    let all = [every, evil.into()];
    let messages = all.map(|bytes| OsString::from_vec([b"--message=", &bytes[..]].concat()));
    let args = ["lt", "--buffer", "64"].map(OsString::from);
    let args = args.into_iter().chain(messages).collect();
    let page = page_of(args, &directory.file("page.html"));
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<!--") && !page.contains('\u{202e}') && !page.contains('\u{2028}'));
    let run = &data(&page)["runs"][0];
    assert_eq!(run["differed"], 0);
    let last = states(run).pop().unwrap();
    assert_eq!(last["A.back"], 255 + evil.len());
}

#[test]
fn an_experiment_is_its_own_listing() {
    let directory = Directory::new("own");
    let page = page("claims et-once", &directory.file("page.html"));
    let all = data(&page);
    let part = &all["listing"][0];
    assert_eq!(part["file"], "src/claims/reading/edge.rs");
    assert!(part["text"].as_str().unwrap().starts_with("fn et_once("));
    let lines: Vec<&str> = part["text"].as_str().unwrap().lines().collect();
    let moments = all["runs"][0]["moments"].as_array().unwrap();
    let recv = moments
        .iter()
        .find(|moment| moment["s"].as_str().unwrap().starts_with("recv "));
    let line = recv.expect("a recv")["p"][1].as_u64().unwrap() as usize;
    assert!(lines[line].contains("t.recv(&a, 5)"), "{}", lines[line]);
}

/// A run that was killed has left its file, and numbers of processes come
/// again.
#[test]
fn a_file_left_over_is_in_nobodys_way() {
    let directory = Directory::new("left-over");
    let script = "touch \"$1/.page.html.$$\"; exec \"$0\" lt --html \"$1/page.html\"";
    let mut shell = Command::new("sh");
    let there = directory.file("");
    run(shell.args(["-c", script, program()]).arg(&there)).ok();
    assert_eq!(fs::read_dir(&there).unwrap().count(), 2);
    assert!(directory.file("page.html").is_file());
}
