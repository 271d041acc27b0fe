//! What the measurement looks like, from made-up figures.

mod verdict;

use epoll_lab::commands::compare::cost_text::text;
use epoll_lab::commands::compare::json;
use epoll_lab::commands::compare::svg;
use epoll_lab::cost::{Active, Api, Cell, Cost, FdKind, Measurement, Plan, Skip};
use epoll_lab::show::Charset;

/// Straight lines: select 700 + 30 N up to 1,000, poll 500 + 28 N, epoll 400 + 90 K + 250 C.
fn made_up(plan: Plan) -> Measurement {
    let mut cells = Vec::new();
    for point in plan.points() {
        for api in Api::ALL {
            let fds = point.fds as f64;
            let median_ns = match api {
                Api::Select => 700.0 + 30.0 * fds,
                Api::Poll => 500.0 + 28.0 * fds,
                Api::Epoll => 310.0 + 90.0 * point.active as f64 + 250.0 * point.churn as f64,
            };
            let cost = Cost {
                median_ns,
                p10_ns: 0.95 * median_ns,
                p90_ns: 1.05 * median_ns,
                calls: 1_000,
            };
            let outcome = match api {
                Api::Select if point.fds > 1_000 => Err(Skip::FdSetSize { fd: 1024 }),
                _ => Ok(cost),
            };
            cells.push(Cell {
                api,
                point,
                outcome,
            });
        }
    }
    Measurement {
        plan,
        cells,
        threads: 1,
    }
}

fn plan(fds: &[usize], active: Active, churn: usize) -> Plan {
    Plan::new(fds.to_vec(), active, churn, FdKind::Eventfd).expect("a valid plan")
}

fn printed(measurement: &Measurement, charset: Charset) -> String {
    colored::control::set_override(false);
    let mut out = Vec::new();
    text(measurement, charset, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("UTF-8")
}

/// A text in one line, so that a sentence is found wherever its lines break.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_line_is_wider_than_80_columns() {
    let many: Vec<usize> = (1..=20).map(|step| step * 5_000).collect();
    let plans = [
        Plan::default(),
        plan(&[1], Active::Count(1), 0),
        plan(&[1, 2], Active::All, 0),
        plan(&[10, 11, 12], Active::Count(3), 7),
        plan(&[100_000], Active::Count(1), 10_000),
        plan(&[1, 10, 100, 1_000, 10_000, 100_000], Active::All, 0),
        plan(&many, Active::All, 0),
    ];
    for plan in plans {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let text = printed(&made_up(plan.clone()), charset);
            for line in text.lines() {
                assert!(
                    line.chars().count() <= 80,
                    "{} columns: {line}",
                    line.chars().count()
                );
                assert_eq!(line, line.trim_end(), "blanks at the end");
            }
        }
    }
}

#[test]
fn ascii_means_ascii() {
    assert!(printed(&made_up(Plan::default()), Charset::Ascii).is_ascii());
}

#[test]
fn the_chart_tells_the_series_apart_without_colour() {
    let text = printed(&made_up(Plan::default()), Charset::Ascii);
    let chart: Vec<&str> = text
        .lines()
        .filter(|line| line[..line.len().min(9)].ends_with(['|', '+']))
        .collect();
    let count = |letter: char| {
        chart
            .iter()
            .map(|line| line[9..].matches(letter).count())
            .sum::<usize>()
    };
    // A capital for each measured size: select has none for 10,000.
    assert_eq!((count('S'), count('P'), count('E')), (3, 4, 4), "{text}");
}

#[test]
fn json_lines_keep_the_contract() {
    let measurement = made_up(Plan::default());
    let mut out = Vec::new();
    json::json_lines(&measurement, 4, &mut out).expect("writing to memory");
    let text = String::from_utf8(out).expect("UTF-8");
    let records: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON value a line"))
        .collect();
    assert_eq!(records.len(), measurement.cells.len());
    let fields = [
        "active",
        "api",
        "calls",
        "churn",
        "fd_kind",
        "fds",
        "median_ns",
        "p10_ns",
        "p90_ns",
        "run",
        "skipped",
        "type",
    ];
    for record in &records {
        let mut names: Vec<&str> = record
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, fields);
        assert_eq!(
            (&record["type"], &record["run"]),
            (&"scaling".into(), &4.into())
        );
        assert_eq!(record["median_ns"].is_null(), !record["skipped"].is_null());
    }
    assert_eq!(
        text.lines().next(),
        Some(
            r#"{"type":"scaling","run":4,"api":"select","fds":10,"fd_kind":"eventfd","active":1,"churn":0,"median_ns":1000.0,"p10_ns":950.0,"p90_ns":1050.0,"calls":1000,"skipped":null}"#
        )
    );
}

#[test]
fn the_picture_is_well_formed_and_has_its_series_and_axes() {
    for plan in [Plan::default(), plan(&[10], Active::All, 0)] {
        let mut out = Vec::new();
        svg::write(&made_up(plan.clone()), &mut out).expect("a picture");
        let picture = String::from_utf8(out).expect("UTF-8");
        well_formed(&picture);
        assert!(picture.starts_with("<svg "), "{picture}");
        for text in [
            "select",
            "poll",
            "epoll",
            "fds in the set (N)",
            "time of one wait",
        ] {
            assert!(
                picture.lines().any(|line| line.trim() == text),
                "no text {text:?}"
            );
        }
        // The three lines by their colours: one in the chart, one in the legend.
        for colour in ["#D55E00", "#0072B2", "#009E73"] {
            let lines = picture
                .lines()
                .filter(|line| line.contains("<polyline") && line.contains(colour))
                .count();
            assert_eq!(
                lines,
                if plan.fds().len() > 1 { 2 } else { lines },
                "{colour}"
            );
        }
    }
}

#[test]
fn nothing_measured_is_no_failure() {
    let mut measurement = made_up(plan(&[5_000], Active::Count(1), 0));
    for cell in &mut measurement.cells {
        cell.outcome = Err(Skip::OpenFiles {
            needed: 5_064,
            hard: 256,
        });
    }
    let text = printed(&measurement, Charset::Ascii);
    assert!(
        unwrapped(&text).contains("sudo prlimit --pid $$ --nofile=5064:5064"),
        "{text}"
    );
    let mut out = Vec::new();
    svg::write(&measurement, &mut out).expect("a picture");
    well_formed(std::str::from_utf8(&out).expect("UTF-8"));
}

#[test]
fn a_closed_pipe_is_an_error_of_the_writer() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let measurement = made_up(Plan::default());
    let broken =
        |result: std::io::Result<()>| result.unwrap_err().kind() == std::io::ErrorKind::BrokenPipe;
    assert!(broken(text(&measurement, Charset::Ascii, &mut Closed)));
    assert!(broken(json::json_lines(&measurement, 1, &mut Closed)));
    assert!(
        svg::write(&measurement, &mut Closed)
            .unwrap_err()
            .downcast_ref::<std::io::Error>()
            .is_some()
    );
}

/// Every element that is opened is closed, in order; attributes are quoted; no bare `&` or `<` in between.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "a bare > in {text:?}");
        for reference in text.split('&').skip(1) {
            assert!(
                reference.find(';').is_some_and(|end| end <= 6),
                "a bare & in {text:?}"
            );
        }
        let end = start + rest[start..].find('>').expect("an unfinished tag");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}
