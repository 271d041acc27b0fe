//! The same bytes in every run, for servers with one thread.

use crate::common::narrow;
use crate::servers::{server, watch};
use crate::textbook::build;

#[test]
fn twenty_runs_are_one() {
    for spec in [
        "lt",
        "et",
        "et -DNO_NONBLOCK",
        "et -DONE_RECV",
        "et -DONE_ACCEPT",
    ] {
        let Some(path) = server(spec) else { return };
        let program = path.to_string_lossy().into_owned();
        let flags = ["--trace", "--stall", "1ms", "--acts", "basic,burst,reset"];
        let first = watch(&flags, &[&program]).ok().stdout();
        for _ in 1..20 {
            assert_eq!(watch(&flags, &[&program]).ok().stdout(), first, "{spec}");
        }
    }
}

#[test]
fn a_slow_reader_too() {
    let Some(path) = server("et") else { return };
    let program = path.to_string_lossy().into_owned();
    let flags = ["--trace", "--acts", "slow"];
    let first = watch(&flags, &[&program]).ok().stdout();
    for _ in 1..3 {
        assert_eq!(watch(&flags, &[&program]).ok().stdout(), first);
    }
}

/// What varies is null: the turns of a busy server, and how much comes back to
/// a slow reader from one that loses some of it.
#[test]
fn the_records_too() {
    for (spec, acts, runs) in [
        ("et", "basic,burst,reset,leave", 5),
        ("et", "slow", 5),
        ("et -DONE_RECV", "slow", 5),
        ("busy", "basic", 3),
    ] {
        let Some(path) = server(spec) else { return };
        the_same_records(&[&path.to_string_lossy()], acts, runs);
    }
    if let Some(loses) = build("et-print", "et") {
        the_same_records(&[&loses, "9999"], "slow", 30);
    }
}

#[track_caller]
fn the_same_records(program: &[&str], acts: &str, runs: u32) {
    let flags = [
        "--format", "json", "--trace", "--stall", "1ms", "--acts", acts,
    ];
    let first = watch(&flags, program).ok().stdout();
    for _ in 1..runs {
        let again = watch(&flags, program).ok().stdout();
        assert_eq!(again, first, "{program:?} {acts}");
    }
}

#[test]
fn no_line_is_wider_than_a_screen() {
    for spec in ["lt", "et", "et -DNO_NONBLOCK", "busy", "threads"] {
        let Some(path) = server(spec) else { return };
        // A short command line: the header repeats it.
        let link = crate::servers::scratch().join("s");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        for flags in [
            &["--acts", "basic,burst"][..],
            &["--acts", "basic", "--trace", "--ascii"],
        ] {
            let output = watch(flags, &[&link.to_string_lossy()]).ok().stdout();
            let body = output.split_once("\n\n").expect("a header").1;
            let body: Vec<&str> = body
                .lines()
                .filter(|line| !line.starts_with("next:"))
                .collect();
            narrow(&body.join("\n"));
        }
    }
}
