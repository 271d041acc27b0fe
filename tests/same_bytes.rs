//! The same bytes every time: without `--timing` the output of a command does
//! not vary from run to run, on a loaded machine as well.

mod common;

use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{MODES, lab, run};

/// Stops the busy threads, also when an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` while every core has something else to do.
fn while_busy(work: impl FnOnce()) {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&done);
        for _ in 0..cores {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    spin_loop();
                }
            });
        }
        work();
    });
}

/// Runs `line` as often as told; there is one output, and it says something.
#[track_caller]
fn one_output(line: &str, runs: usize) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..runs {
        *seen.entry(run(&mut lab(line)).ok().stdout()).or_default() += 1;
    }
    let outputs: Vec<(&String, &usize)> = seen.iter().collect();
    match outputs[..] {
        [(output, _)] => assert!(output.lines().count() > 20, "{line}: {output}"),
        _ => panic!("{line}: {}", difference(&outputs)),
    }
}

/// How often each output came, and the first line in which two differ.
fn difference(outputs: &[(&String, &usize)]) -> String {
    let often: Vec<&usize> = outputs.iter().map(|(_, often)| *often).collect();
    let (first, second) = (outputs[0].0, outputs[1].0);
    let mut lines = first.lines().zip(second.lines()).enumerate();
    let differ = lines.find(|(_, (one, other))| one != other);
    format!(
        "{} outputs, seen {often:?} times; first difference: {differ:#?}",
        outputs.len()
    )
}

/// 100 runs of each mode and more: as a lesson runs it, with several clients
/// and messages, in the other format; and what no mode does by itself. One
/// test, so that the load on each run is the one that is meant.
#[test]
fn a_hundred_runs_of_each_mode() {
    while_busy(|| {
        for mode in MODES {
            let several = "--clients 3 --message HELLOworld123 --message again --message x";
            one_output(&format!("{mode} --trace --stall 0s"), 40);
            one_output(&format!("{mode} --trace --stall 0s {several}"), 40);
            one_output(
                &format!("{mode} --trace --stall 0s --format json --clients 9"),
                20,
            );
        }
        for line in [
            "lt --read drain --socket nonblocking",
            "lt --read drain",
            "et-blocking --read once --clients 4",
            "et-nonblock --read once --message HELLOworld123 --message again",
            "lt --together --clients 9 --message HELLOworld123 --message again",
            "et-blocking --together",
            "et-nonblock --together --format json",
        ] {
            one_output(&format!("{line} --trace --stall 0s"), 10);
        }
    });
}
