//! The chat server of lesson 11: the two of the course keep its rules, and so
//! does, or does not, the one of a student:
//!
//! ```text
//! CHAT_SERVER="./chat" cargo test --test chat -- --nocapture
//! ```

#[path = "chat/calls.rs"]
mod calls;
#[path = "chat/checks.rs"]
mod checks;
#[path = "../common/mod.rs"]
mod common;
#[path = "chat/room.rs"]
mod room;
#[path = "chat/server.rs"]
mod server;
#[path = "chat/wrong.rs"]
mod wrong;

use std::path::Path;
use std::process::Command;

use common::{run, skip, strace};
use server::{Program, Verdict, programs};
use wrong::{WRONG_TO_CLIENTS, WRONG_TO_STRACE, Wrong};

/// Each server passes `check`.
#[track_caller]
fn pass(name: &str, check: fn(&Program) -> Verdict) {
    for program in programs() {
        if let Err(complaint) = check(program) {
            panic!("{name}: {}\n  {complaint}", program.name);
        }
    }
}

/// A test for each check, under its name.
macro_rules! checks {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            pass(stringify!($name), checks::$name);
        }
    )*};
}

checks! {
    two_clients
    three_clients
    a_line_in_pieces
    several_lines_in_one_send
    a_long_line
    a_line_of_any_bytes
    a_line_too_long
    a_hang_up_within_a_line
    a_hang_up_right_after_a_line
    a_reset_right_after_a_line
    a_reset
    a_send_to_one_who_is_gone
    stopped_and_continued
    connections_at_once
    one_that_never_reads
    fifty_clients
}

#[test]
fn what_strace_sees() {
    if strace::is_there("the chat servers under strace") {
        pass("what_strace_sees", calls::what_strace_sees);
    }
}

/// A checker that cannot fail checks nothing.
#[test]
fn wrong_servers_are_rejected() {
    if checks_ours("wrong chat servers") {
        WRONG_TO_CLIENTS.iter().for_each(Wrong::is_rejected);
    }
}

#[test]
fn wrong_servers_are_rejected_by_strace() {
    let what = "wrong chat servers under strace";
    if checks_ours(what) && strace::is_there(what) {
        WRONG_TO_STRACE.iter().for_each(Wrong::is_rejected);
    }
}

/// `CHAT_SERVER=./chat`, from the directory of the clone or by its full path.
#[test]
fn a_server_is_chosen_by_its_path() {
    let what = "choosing a chat server";
    let Some(ours) = programs().first().filter(|_| checks_ours(what)) else {
        return;
    };
    let check = |path: &Path| {
        let this = std::env::current_exe().expect("the path of this test");
        let mut test = Command::new(this);
        test.args(["--exact", "two_clients"]);
        run(test.env("CHAT_SERVER", path))
    };
    check(&ours.path).ok();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Ok(relative) = ours.path.strip_prefix(root) {
        check(&Path::new(".").join(relative)).ok();
    }
    let output = check(Path::new("./README.md"));
    let told = output.stdout();
    assert!(
        !output.status.success() && told.contains("cannot start"),
        "{told}"
    );
}

/// Whether it is the servers of the course that are being checked.
fn checks_ours(what: &str) -> bool {
    let theirs = std::env::var_os("CHAT_SERVER").is_some();
    if theirs {
        skip(what, "CHAT_SERVER names the server to check");
    }
    !theirs
}
