//! The acts in the JSON contract.

use serde::Serialize;

use crate::commands::screen::Screen;
use crate::commands::write_events::side::{Act, Played, Side};
use crate::commands::write_events::verdict::said;
use crate::lab::audience::OutputError;
use crate::lab::report::Trigger;

/// A `write`.
#[derive(Serialize)]
struct Write {
    trigger: Trigger,
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

/// The acts of one trigger, which are run number `run`.
pub fn side(side: &Side, run: u32, screen: &Screen) -> Result<(), OutputError> {
    let times = screen.view.times;
    side.acts.iter().try_for_each(|measured| {
        let is_drain = measured.act == Act::Drain;
        let record = Write {
            trigger: side.trigger,
            act: measured.act.name(),
            waits: measured.waits,
            reports: measured.reports,
            bytes: bytes(measured, times),
            verdict: said(measured),
            busy_ns: times.then_some(measured.busy_ns),
            queue: (times && is_drain).then_some([side.queue.full, side.queue.at_report]),
        };
        screen.json("write", Some(run), &record)
    })
}

fn bytes(measured: &Played, times: bool) -> Option<u64> {
    match measured.act {
        Act::Idle | Act::OnDemand => Some(measured.bytes),
        // How much fits, and how much must be free, is the kernel's affair.
        Act::Fill | Act::Drain => times.then_some(measured.bytes),
    }
}
