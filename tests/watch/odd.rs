//! Programs that cannot be watched: a sentence, an exit status, and no process
//! that stays.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::epoll_lab;
use crate::common::run;
use crate::servers::{diagnosis, records, scratch, server, watch};

/// Its heading on standard output, one line on standard error, nothing left.
#[track_caller]
fn refuses(program: &[&str], status: i32, sentence: &str) {
    let output = watch(&["--acts", "basic"], program);
    assert_eq!(output.shell_status(), status, "{}", output.told());
    let heading = format!("watch | {}\n\n", program.join(" "));
    assert_eq!(output.stdout(), heading);
    let stderr = output.stderr();
    assert_eq!(stderr.lines().count(), 1, "{}", output.told());
    assert!(stderr.contains(sentence), "{sentence}\n{}", output.told());
    let left = run(std::process::Command::new("pgrep").args(["-f", "-x", &program.join(" ")]));
    assert_eq!(left.stdout(), "", "left behind: {program:?}");
}

/// `--` is for a program whose name begins with a dash; its arguments are its
/// own without it too.
#[test]
fn dashes_before_the_program_may_be_left_out() {
    let output = run(&mut epoll_lab([
        "watch", "--acts", "basic", "sh", "-c", "exit 7",
    ]));
    assert_eq!(output.shell_status(), 1, "{}", output.told());
    let stderr = output.stderr();
    assert!(stderr.contains("exit(7)"), "{stderr}");
}

#[test]
fn programs_that_are_no_servers() {
    let Some(path) = server("odd") else { return };
    let odd = path.to_string_lossy().into_owned();
    for (what, status, sentence) in [
        (
            "ends",
            1,
            "has ended before it listened on a TCP port: exit(3); its last line: nothing",
        ),
        ("reads", 1, "waits in read(0) for its standard input"),
        (
            "background",
            1,
            "has gone into the background: start it in the foreground",
        ),
        (
            "two",
            2,
            "listens on the ports 7001 and 7002: choose one with --port",
        ),
        ("unix", 1, "listens on no TCP port, but on a Unix socket"),
        ("taken", 1, "after bind = -1 EADDRINUSE"),
    ] {
        refuses(&[&odd, what], status, sentence);
    }
}

#[test]
fn a_program_that_sleeps_and_never_listens() {
    let Some(path) = server("odd") else { return };
    let odd = path.to_string_lossy().into_owned();
    refuses(
        &[&odd, "sleeps"],
        1,
        "listens on no TCP port: it sleeps in pause",
    );
}

#[test]
fn what_is_no_program() {
    let file = |name: &str, text: &[u8], mode| {
        let path = scratch().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path.to_string_lossy().into_owned()
    };
    let plain = file("plain.py", b"print()", 0o644);
    let script = file("no-interpreter", b"echo hello\n", 0o755);
    let missing = file("missing-interpreter", b"#!/nowhere/sh\n", 0o755);
    let mut elf = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
    elf.resize(64, 0);
    let narrow = file("elf32", &elf, 0o755);
    for (program, status, sentence) in [
        ("no-such-command", 2, "no such command in PATH"),
        ("/nowhere/server", 2, "ENOENT"),
        ("/tmp", 2, "is a directory"),
        (&*plain, 2, "is not executable: chmod +x"),
        (&*script, 2, "nor a script that begins with #!"),
        (&*missing, 2, "its first line names /nowhere/sh"),
        (&*narrow, 1, "is a 32-bit program"),
    ] {
        let output = watch(&[], &[program]);
        assert_eq!(output.shell_status(), status, "{}", output.told());
        assert!(output.stderr().contains(sentence), "{}", output.told());
        assert_eq!(output.stderr().lines().count(), 1, "{}", output.told());
    }
}

#[test]
fn ipv6_alone_and_a_terminal_are_no_hindrance() {
    let Some(path) = server("odd") else { return };
    let odd = path.to_string_lossy().into_owned();
    let output = watch(&["--acts", "basic"], &[&odd, "v6"]).ok();
    assert!(
        output
            .stdout()
            .contains("basic: STUCK: asleep in read(4<A>)"),
        "{}",
        output.told()
    );
    // It would have ended without one.
    let output = watch(&["--acts", "basic", "--stall", "0s"], &[&odd, "terminal"]).ok();
    assert!(
        output.stdout().contains("basic: NOT ACCEPTED: A and B"),
        "{}",
        output.told()
    );
}

#[test]
fn a_signal_that_cannot_be_delivered_is_told() {
    let Some(path) = server("odd") else { return };
    let flags = ["--acts", "basic", "--stall", "0s"];
    let output = watch(&flags, &[&path.to_string_lossy(), "setuid"]).ok();
    assert!(
        output.stdout().contains("Signal 33 was not delivered"),
        "{}",
        output.told()
    );
}

#[test]
fn a_port_can_be_chosen() {
    let Some(path) = server("odd") else { return };
    let odd = path.to_string_lossy().into_owned();
    let flags = ["--acts", "basic", "--stall", "0s", "--port"];
    let chosen = watch(&[&flags[..], &["7002"]].concat(), &[&odd, "two"]).ok();
    assert!(
        chosen.stdout().contains("NOT ACCEPTED"),
        "{}",
        chosen.told()
    );
    let wrong = watch(&[&flags[..], &["7009"]].concat(), &[&odd, "two"]);
    let told = "does not listen on port 7009; it listens on 7001 and 7002: give the right one";
    assert!(wrong.stderr().contains(told), "{}", wrong.told());
}

#[test]
fn wrong_usage() {
    for args in [
        &["watch"][..],
        &["watch", "--once", "--", "true"],
        &["watch", "--pid", "0"],
        &["watch", "--pid", "1", "--", "true"],
        &["watch", "--acts", "dance", "--", "true"],
    ] {
        let output = run(&mut epoll_lab(args));
        assert_eq!(output.shell_status(), 2, "{}", output.told());
        assert_eq!(output.stderr().lines().count(), 1, "{}", output.told());
    }
}

/// Bytes that were looked at are still to be read (MSG_PEEK, recv(2)).
#[test]
fn a_look_is_no_read() {
    let Some(path) = server("lt -DPEEK") else {
        return;
    };
    let lines = records(&["--acts", "basic"], &[&path.to_string_lossy()]);
    let told = lines.of("diagnosis").next().expect("a diagnosis");
    assert_eq!(told["verdict"], "OK", "{told}");
    for client in lines.of("summary") {
        assert_eq!(client["received"], client["echoed"], "{client}");
    }
}

/// What goes through a pipe by splice(2) comes back, and no watched call has
/// sent it: neither OK nor a fault of the program's.
#[test]
fn what_other_calls_send_is_not_seen() {
    let Some(path) = server("lt -DSPLICE") else {
        return;
    };
    let told = diagnosis("basic", &[&path.to_string_lossy()]);
    assert_eq!(told["verdict"], "NOT SEEN", "{told}");
}
