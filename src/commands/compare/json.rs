//! The cost of one wait as JSON Lines: one `scaling` record for each API at each point.

use std::io;

use serde::Serialize;

use crate::cost::{Api, Cell, FdKind, Measurement};
use crate::show::json::line;

/// The record, as the README documents it.
#[derive(Serialize)]
struct Scaling {
    api: Api,
    fds: usize,
    fd_kind: FdKind,
    active: usize,
    churn: usize,
    /// Nanoseconds a call; null where `skipped` says why.
    median_ns: Option<f64>,
    p10_ns: Option<f64>,
    p90_ns: Option<f64>,
    calls: u64,
    skipped: Option<String>,
}

impl Scaling {
    fn of(cell: &Cell, fd_kind: FdKind) -> Scaling {
        let (cost, skipped) = match &cell.outcome {
            Ok(cost) => (Some(cost), None),
            Err(skip) => (None, Some(skip.to_string())),
        };
        Scaling {
            api: cell.api,
            fds: cell.point.fds,
            fd_kind,
            active: cell.point.active,
            churn: cell.point.churn,
            median_ns: cost.map(|cost| tenths(cost.median_ns)),
            p10_ns: cost.map(|cost| tenths(cost.p10_ns)),
            p90_ns: cost.map(|cost| tenths(cost.p90_ns)),
            calls: cost.map_or(0, |cost| cost.calls),
            skipped,
        }
    }
}

/// A tenth of a nanosecond is already finer than two runs agree on.
fn tenths(ns: f64) -> f64 {
    (ns * 10.0).round() / 10.0
}

/// `run` is the number of this experiment within the output of the command.
pub fn json_lines(measurement: &Measurement, run: u32, out: &mut impl io::Write) -> io::Result<()> {
    for cell in &measurement.cells {
        let record = Scaling::of(cell, measurement.plan.fd_kind);
        line("scaling", Some(run), &record, out)?;
    }
    Ok(())
}
