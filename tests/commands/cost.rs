//! `select-poll-compare`, the cost of a wait: what is told before anything is
//! measured, and what after Ctrl-C. What it looks like is tried in `tests/cost`.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{interruptible, lab, run};

#[test]
fn a_wrong_size_is_told_before_anything_runs() {
    let output = run(&mut lab("select-poll-compare --fds 0"));
    assert_eq!(output.status.code(), Some(2), "{}", output.told());
    assert!(output.stdout.is_empty(), "{}", output.told());
    assert_eq!(output.stderr().lines().count(), 1, "{}", output.told());
}

/// A picture that cannot be written, or that there is nothing to draw for.
#[test]
fn the_picture_is_told_by_its_call_or_not_opened() {
    let path = std::env::temp_dir().join(format!("epoll-lab-svg-{}", std::process::id()));
    let svg = |line: &str, path: &str| {
        let mut command = lab(line);
        run(command.args(["--svg", path]))
    };
    let cost = "select-poll-compare --only cost --fds 10";
    for (path, told) in [
        (
            "/dev/null/x.svg",
            "open(/dev/null/x.svg): ENOTDIR (Not a directory)",
        ),
        (
            "/dev/full",
            "write(/dev/full): ENOSPC (No space left on device)",
        ),
    ] {
        let output = svg(cost, path);
        assert_eq!(output.shell_status(), 1, "{}", output.told());
        assert!(output.stderr().contains(told), "{}", output.told());
        assert!(!output.stderr().contains("os error"), "{}", output.told());
    }
    let name = path.to_str().expect("UTF-8");
    svg("select-poll-compare --only servers", name).ok();
    assert!(!path.exists(), "an empty file where nothing is measured");
}

/// However early or late it comes: the exit status, and what was measured by
/// then, by its number of rounds.
#[test]
fn ctrl_c_shows_what_has_been_measured() {
    interruptible();
    for wait in [0, 300, 1_000, 2_000, 4_000] {
        let mut command = lab("select-poll-compare --only cost");
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        thread::sleep(Duration::from_millis(wait));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
        let output = child.wait_with_output().expect("its end");
        let status = output.status;
        let [stdout, stderr] = [output.stdout, output.stderr];
        let [stdout, stderr] = [stdout, stderr].map(|it| String::from_utf8(it).expect("UTF-8"));
        let rounds = stderr.strip_prefix("epoll-lab: stopped after ");
        match rounds.and_then(|text| text.split(' ').next()) {
            Some(rounds) => {
                let median = format!("median of {rounds}, p10-p90");
                assert!(stdout.contains(&median), "{stderr}{stdout}");
                assert!(stdout.contains("next: "), "{stderr}{stdout}");
                assert_eq!(status.code(), Some(130), "{stderr}");
                return;
            }
            // Before it could catch the signal.
            None if stderr.is_empty() => assert_eq!(status.signal(), Some(2)),
            None => {
                let told = "epoll-lab: stopped before anything was measured\n";
                assert_eq!((stdout.as_str(), stderr.as_str()), ("", told));
                assert_eq!(status.code(), Some(130), "{stderr}");
            }
        }
    }
    panic!("never later than the first round");
}
