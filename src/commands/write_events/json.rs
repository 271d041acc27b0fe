//! `write-events` in the JSON contract.

use std::io::{self, Write};

use serde::Serialize;

use crate::commands::write_events::bench::{Folded, Line as Shown};
use crate::commands::write_events::run::{Act, Measured, Side};
use crate::commands::write_events::verdict::said;
use crate::show::json::Json;
use crate::show::{Timing, Trace};
use crate::trace::Record;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Write(WriteLine),
    Folded(FoldedLine),
}

#[derive(Serialize)]
struct WriteLine {
    run: u32,
    trigger: &'static str,
    act: &'static str,
    waits: u64,
    reports: u64,
    /// Null where it varies from run to run, unless such things are asked for.
    bytes: Option<u64>,
    verdict: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_ns: Option<u64>,
    /// Bytes under way: when the buffer was full, and when EPOLLOUT came.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<[u64; 2]>,
}

/// Calls of a loop that have no record of their own.
#[derive(Serialize)]
struct FoldedLine {
    run: u32,
    seq: u64,
    /// How many; null where it varies.
    calls: Option<u64>,
}

/// A line of the trace.
pub fn line(line: &Shown<'_>, json: &mut Json, out: &mut impl Write) -> io::Result<()> {
    match line {
        Shown::SetUp(records) => records
            .iter()
            .try_for_each(|record| json.record(record, out)),
        Shown::Act(_) => Ok(()), // the order of the calls says it
        // How much has come to P when the buffers are full is the kernel's affair.
        Shown::Call(record, _) if json.look().timing == Timing::Hidden => {
            let unread = None;
            let record = Record {
                unread,
                ..(*record).clone()
            };
            json.record(&record, out)
        }
        Shown::Call(record, _) => json.record(record, out),
        Shown::Folded(folded) => fold(folded, json, out),
    }
}

fn fold(folded: &Folded, json: &mut Json, out: &mut impl Write) -> io::Result<()> {
    if json.look().trace == Trace::Summary {
        return Ok(());
    }
    let known = folded.what.is_none() || json.look().timing == Timing::Shown;
    let line = Line::Folded(FoldedLine {
        run: json.run_number(),
        seq: json.next_seq(),
        calls: known.then(|| folded.calls.values().sum()),
    });
    write_line(&line, out)
}

/// The acts of one trigger.
pub fn side(side: &Side, json: &mut Json, out: &mut impl Write) -> io::Result<()> {
    let timing = json.look().timing == Timing::Shown;
    for measured in &side.acts {
        let is_drain = measured.act == Act::Drain;
        let line = Line::Write(WriteLine {
            run: json.run_number(),
            trigger: side.trigger.name(),
            act: measured.act.name(),
            waits: measured.waits,
            reports: measured.reports,
            bytes: bytes(measured, timing),
            verdict: said(measured),
            busy_ns: timing.then_some(measured.busy_ns),
            queue: (timing && is_drain).then_some([side.queue.full, side.queue.at_report]),
        });
        write_line(&line, out)?;
    }
    Ok(())
}

fn bytes(measured: &Measured, timing: bool) -> Option<u64> {
    match measured.act {
        Act::Idle | Act::OnDemand => Some(measured.bytes),
        // How much fits, and how much must be free, is the kernel's affair.
        Act::Fill | Act::Drain => timing.then_some(measured.bytes),
    }
}

fn write_line(line: &Line, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
