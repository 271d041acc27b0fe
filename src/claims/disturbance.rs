//! What spoils a measurement, so that it decides nothing.

use std::fs;

use anyhow::{Result, bail};
use nix::errno::Errno;

use crate::claims::finding::{Finding, Verdict};
use crate::trace::OfCall;

/// Times from which nothing follows: somebody else takes the processor away.
pub const UNEVEN: &str = "too uneven to tell: the machine is busy";

/// Measures again, some times, while nothing follows from the times: a
/// neighbour may be quieter then.
pub fn until_told(mut measure: impl FnMut() -> Result<Finding>) -> Result<Finding> {
    const AGAIN: usize = 4;
    for _ in 0..AGAIN {
        let finding = measure()?;
        if finding.verdict != Verdict::NotTried {
            return Ok(finding);
        }
    }
    measure()
}

/// An error where a tracer stops this thread at its calls (ptrace(2)): each
/// takes a hundred times as long then, and gives the processor away.
pub fn alone() -> Result<()> {
    let path = "/proc/thread-self/status";
    let status = fs::read_to_string(path).of_call(format!("read({path})"))?;
    match tracer(&status) {
        None | Some("0") => Ok(()),
        Some(_) => bail!("a tracer stops this program at its calls"),
    }
}

/// The process that traces, 0 for none (proc_pid_status(5)).
fn tracer(status: &str) -> Option<&str> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    line.map(str::trim)
}

/// Errnos that no claim speaks of: the kernel had nothing left to give.
pub const LACKS: [Errno; 3] = [Errno::ENOMEM, Errno::ENOBUFS, Errno::ENFILE];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::finding::{confirmed, not_tried};

    #[test]
    fn what_is_told_is_not_measured_again() {
        let after = |uneven: usize| {
            let mut times = 0;
            let finding = until_told(|| {
                times += 1;
                Ok(match times > uneven {
                    true => confirmed("even"),
                    false => not_tried(UNEVEN),
                })
            });
            (finding.unwrap().verdict, times)
        };
        assert_eq!(after(0), (Verdict::Confirmed, 1));
        assert_eq!(after(2), (Verdict::Confirmed, 3));
        assert_eq!(after(9), (Verdict::NotTried, 5));
    }

    #[test]
    fn a_tracer_is_seen() {
        assert_eq!(tracer("Name:\tx\nTracerPid:\t0\nUid:\t0\n"), Some("0"));
        assert_eq!(tracer("Name:\tx\nTracerPid:\t4711\n"), Some("4711"));
        assert_eq!(tracer("Name:\tx\n"), None);
    }
}
