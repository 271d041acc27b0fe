//! The house: imports run down from room to room, and no file imports one that
//! imports it.
//!
//! The rooms and their order stand in `house.rs`; what counts as an import, in
//! `source.rs`. That each rule is one that can be broken is shown on made-up
//! houses.

mod house;
mod source;

use std::path::Path;

use crate::house::{House, ROOMS};

fn ours() -> House {
    House::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))
}

#[test]
fn imports_run_down() {
    assert_eq!(ours().arrows_up(&[]), [""; 0]);
    assert_eq!(ours().floors(), None);
}

#[test]
fn imports_never_run_round() {
    assert_eq!(ours().rings(&ROOMS), [""; 0]);
}

/// Of a made-up house.
fn arrows_up(files: &[(&str, &str)]) -> Vec<String> {
    House::of(files.iter().copied()).arrows_up(&[])
}

fn rings(files: &[(&str, &str)]) -> Vec<String> {
    House::of(files.iter().copied()).rings(&ROOMS)
}

#[test]
fn an_arrow_up_is_found() {
    let down = [
        ("main.rs", "epoll_lab::commands::execute();"),
        ("lib.rs", "pub mod commands;"),
        ("commands/mod.rs", "use crate::lab::Lab;"),
        ("lab/mod.rs", "mod stage; pub use crate::lab::stage::Lab;"),
        ("lab/stage.rs", "use crate::trace::Call;"),
        ("trace/mod.rs", ""),
    ];
    assert_eq!(arrows_up(&down), [""; 0]);
    let mut up = down;
    up[4].1 = "fn draw() { crate::commands::draw() }";
    assert_eq!(
        arrows_up(&up),
        ["lab/stage.rs imports commands/mod.rs, which stands above"]
    );
    up[4].1 = "#[cfg(test)] mod tests { use crate::commands::draw; }";
    assert_eq!(arrows_up(&up), [""; 0]);
    let root = [("lib.rs", ""), ("trace/mod.rs", "use crate::Loose;")];
    assert_eq!(
        arrows_up(&root),
        ["trace/mod.rs imports lib.rs, which stands above"]
    );
}

#[test]
fn a_room_without_a_place_is_found() {
    assert_eq!(
        arrows_up(&[("stray.rs", ""), ("attic/mod.rs", "")]),
        [
            "attic/mod.rs: attic has no place among the rooms",
            "stray.rs: stray.rs has no place among the rooms"
        ]
    );
}

#[test]
fn a_ring_across_rooms_is_found() {
    let found = rings(&[
        ("lab/mod.rs", "use crate::sys::journal::Shared;"),
        (
            "sys/journal.rs",
            "//! They import one another.\nuse crate::server::Config;",
        ),
        ("server/mod.rs", "use super::lab;"),
    ]);
    assert_eq!(
        found,
        ["a ring across rooms: lab/mod.rs, server/mod.rs, sys/journal.rs"]
    );
}

#[test]
fn a_ring_in_a_room_needs_a_reason_and_stays_small() {
    let ring = |docs: &'static str| {
        let (one, other) = (format!("{docs}use super::b::B;"), "use crate::sys::a::A;");
        rings(&[("sys/a.rs", &one), ("sys/b.rs", other)])
    };
    assert_eq!(
        ring(""),
        ["a ring, and no docs say why its files import one another: sys/a.rs, sys/b.rs"]
    );
    assert_eq!(
        ring("//! A and B import\n//! one another: one type.\n"),
        [""; 0]
    );

    let reason = "//! All import one another.\n";
    let four: Vec<(String, String)> = (0..4)
        .map(|n| {
            let next = (n + 1) % 4;
            (
                format!("sys/f{n}.rs"),
                format!("{reason}use super::f{next}::F;"),
            )
        })
        .collect();
    let four: Vec<(&str, &str)> = four.iter().map(|(path, text)| (&**path, &**text)).collect();
    assert_eq!(
        rings(&four),
        ["a ring of more than 3 files: sys/f0.rs, sys/f1.rs, sys/f2.rs, sys/f3.rs"]
    );
}

#[test]
fn a_room_has_two_rings_at_most() {
    let pairs = |count: usize| {
        let file = |n: usize| {
            let text = format!("//! They import one another.\nuse super::f{};", n ^ 1);
            (format!("sys/f{n}.rs"), text)
        };
        let files: Vec<(String, String)> = (0..2 * count).map(file).collect();
        House::of(files.iter().map(|(path, text)| (&**path, &**text))).rings(&ROOMS)
    };
    assert_eq!(pairs(2), [""; 0]);
    assert_eq!(pairs(3), ["sys has 3 rings"]);
}

#[test]
fn floors_are_counted_from_the_top() {
    // Each room looks into the next one: ten floors.
    let files: Vec<(String, String)> = ROOMS
        .iter()
        .enumerate()
        .map(|(place, room)| {
            let path = match place {
                0 => "lib.rs".to_string(),
                _ => format!("{room}/mod.rs"),
            };
            let next = ROOMS
                .get(place + 1)
                .map(|room| format!("use crate::{room}::X;"));
            (path, next.unwrap_or_default())
        })
        .collect();
    let floors = |files: &[(String, String)]| {
        let house = House::of(files.iter().map(|(path, text)| (&**path, &**text)));
        house.floors().map(|stack| stack.len())
    };
    assert_eq!(floors(&files), Some(10));
    let nine: Vec<_> = files
        .into_iter()
        .filter(|(path, _)| path != "watch/mod.rs")
        .collect();
    assert_eq!(floors(&nine), None, "below lab the chain is broken");
}
