//! The same on a busy machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{Output, lab, run, stdout};
use crate::verdicts;

#[test]
fn the_same_bytes_every_time_on_a_busy_machine() {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..cores {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let five = || -> Vec<Output> { (0..5).map(|_| run(&mut lab("claims --trace"))).collect() };
        // Joined whatever becomes of them: the others spin until they are told.
        let outputs = scope.spawn(five).join();
        over.store(true, Ordering::Relaxed);
        let outputs = outputs.expect("five runs");
        for output in &outputs {
            assert_eq!(output.stdout(), outputs[0].stdout());
        }
    });
}

#[test]
fn several_processes_at_once_agree() {
    let first = verdicts(&stdout(&["claims"]));
    thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| verdicts(&stdout(&["claims"]))))
            .collect();
        for run in runs {
            assert_eq!(run.join().expect("a run"), first);
        }
    });
}
