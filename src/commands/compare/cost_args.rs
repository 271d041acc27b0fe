//! The flags of the measurement.

use std::path::PathBuf;

use clap::Args;

use crate::commands::args::{Word, one_of};
use crate::cost::plan_error::{MAX_CHURN, MAX_FDS};
use crate::cost::{Active, FdKind, Plan, PlanError};

/// How the cost of a wait is measured, for `--help`.
pub const METHOD: &str = "\
How the cost of a wait is measured:
  One wait as a program needs it: the call, select's copy of its fd_set, and the
  search for the ready fds until all are found. K of the N fds stay readable
  throughout, the middle ones of K equal parts, and the timeout is -1; no wait
  sleeps. Calls are timed in batches of 5 ms, 21 times, APIs and sizes taking
  turns; median, 10th and 90th percentile. A warm-up round does not count.
  Another number of ready fds than expected ends the run.

  Pitfalls: where the ready fds are decides how long select and poll take,
  because the search ends with the last of them, and the kernel stops queueing
  at the first. With other threads in the process every fd of select and poll
  costs more. Measure with a release build, on a machine that does nothing else. One
  wait is not a server: the time a server spends in recv and send is the same
  with all three.";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cost of one wait")]
pub struct ScalingArgs {
    /// Sizes of the set to measure, 1 to 100000, separated by commas; a size given twice is measured once
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "10,100,1000,10000", value_parser = parse_fds)]
    pub fds: Vec<usize>,

    /// How many fds of each set are ready: a number, or 'all'
    #[arg(long, value_name = "K|all", default_value = "1", value_parser = parse_active)]
    pub active: Active,

    /// Changes of interest before each wait, 0 to 10000: an idle fd off, the next time on again
    #[arg(long, value_name = "C", default_value_t = 0, value_parser = parse_churn)]
    pub churn: usize,

    /// What the fds are
    #[arg(long, value_name = "KIND", default_value = "eventfd", value_parser = one_of(&FD_KINDS))]
    pub fd_kind: FdKind,

    /// Write the chart as a picture (SVG) to this file as well
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Under --fd-kind.
const FD_KINDS: [Word<FdKind>; 2] = [
    (
        FdKind::Eventfd,
        "eventfd",
        Some(
            "A counter in the kernel, readable while it is above 0 (`eventfd(2)`): the cheapest fd there is to ask",
        ),
    ),
    (
        FdKind::Tcp,
        "tcp",
        Some("The accepted end of a TCP connection over loopback, as in a server: two fds each"),
    ),
];

impl ScalingArgs {
    /// What is asked for, or why it makes no sense: an error of usage.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        Plan::new(self.fds.clone(), self.active, self.churn, self.fd_kind)
    }
}

fn parse_fds(text: &str) -> Result<usize, String> {
    in_range(text, 1, MAX_FDS)
        .ok_or_else(|| format!("a set has 1 to {MAX_FDS} fds; sizes are written 10,100,1000"))
}

fn parse_churn(text: &str) -> Result<usize, String> {
    in_range(text, 0, MAX_CHURN)
        .ok_or_else(|| format!("give 0 to {MAX_CHURN} changes before each wait"))
}

fn parse_active(text: &str) -> Result<Active, String> {
    match text {
        "all" => Ok(Active::All),
        "0" => Err(
            "with nothing ready a wait would sleep for ever; give 1 or more, or 'all'".to_owned(),
        ),
        _ => in_range(text, 1, MAX_FDS)
            .map(Active::Count)
            .ok_or_else(|| format!("give 1 to {MAX_FDS}, at most the smallest of --fds, or 'all'")),
    }
}

fn in_range(text: &str, low: usize, high: usize) -> Option<usize> {
    text.trim()
        .parse()
        .ok()
        .filter(|number| (low..=high).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Cli {
        #[command(flatten)]
        scaling: ScalingArgs,
    }

    fn parse(args: &[&str]) -> Result<ScalingArgs, String> {
        let all = ["scaling"].iter().chain(args);
        Cli::try_parse_from(all)
            .map(|cli| cli.scaling)
            .map_err(|error| error.to_string())
    }

    fn refused(args: &[&str]) -> String {
        match parse(args) {
            Err(message) => message,
            Ok(given) => given.plan().expect_err("should be refused").to_string(),
        }
    }

    #[test]
    fn the_defaults_are_the_default_plan() {
        assert_eq!(parse(&[]).unwrap().plan().unwrap(), Plan::default());
    }

    #[test]
    fn a_size_given_twice_is_measured_once() {
        let plan = parse(&["--fds", "100,10,100"]).unwrap().plan().unwrap();
        assert_eq!(plan.fds(), [10, 100]);
    }

    #[test]
    fn an_empty_set_is_refused() {
        let message = refused(&["--fds", "0"]);
        assert!(
            message.contains("'0'") && message.contains("1 to 100000"),
            "{message}"
        );
        // The comma of a thousand is a list of 10 and 000.
        assert!(refused(&["--fds", "10,000"]).contains("10,100,1000"));
    }

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        for size in ["1k", "-1", "", "100001", "99999999999999999999"] {
            let message = refused(&[&format!("--fds={size}")]);
            assert!(message.contains("1 to 100000"), "{size}: {message}");
        }
    }

    #[test]
    fn more_ready_fds_than_the_smallest_set_has_are_refused() {
        let message = refused(&["--fds", "10,100", "--active", "11"]);
        assert!(
            message.contains("--active 11") && message.contains("at most 10"),
            "{message}"
        );
        assert!(
            parse(&["--fds", "10,100", "--active", "10"])
                .unwrap()
                .plan()
                .is_ok()
        );
        assert!(refused(&["--active", "0"]).contains("sleep for ever"));
        assert!(refused(&["--active", "some"]).contains("'all'"));
    }

    #[test]
    fn churn_needs_an_idle_fd() {
        let message = refused(&["--fds", "10", "--active", "all", "--churn", "1"]);
        assert!(message.contains("none is idle"), "{message}");
        assert!(refused(&["--churn", "10001"]).contains("0 to 10000"));
    }

    #[test]
    fn too_many_sizes_are_refused() {
        let sizes: Vec<String> = (1..=21).map(|size| size.to_string()).collect();
        assert!(refused(&["--fds", &sizes.join(",")]).contains("at most 20"));
    }
}
