//! The records of `watch` beside those of its traces.

use std::collections::BTreeMap;

use nix::errno::Errno;
use serde::Serialize;

use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;
use crate::trace::totals::{Counts, Totals};
use crate::trace::{Name, errno_name};
use crate::watch::act::Act;
use crate::watch::diagnosis::{Diagnosis, Seen, SeenClient, Verdict};

/// `run`: what the clients are about to do, to which program.
#[derive(Serialize)]
struct RunLine<'a> {
    command: &'static str,
    act: &'static str,
    program: &'a [String],
}

/// `summary`, with the fields of the servers' summaries. What varies from run
/// to run is null without `--timing`.
#[derive(Serialize)]
struct SummaryLine<'a> {
    act: &'static str,
    wait: Wait,
    listener: Listener,
    clients: Vec<Row>,
    stranded: u64,
    stuck: bool,
    echo_intact: bool,
    faults: BTreeMap<String, u64>,
    verdict: &'a str,
}

#[derive(Serialize)]
struct Wait {
    returns: Option<u64>,
    timeouts: Option<u64>,
}

#[derive(Serialize)]
struct Listener {
    reports: u64,
}

#[derive(Serialize)]
struct Row {
    client: String,
    trigger: Option<&'static str>,
    socket: Option<&'static str>,
    reports: Option<u64>,
    hangups: u64,
    recv: Option<u64>,
    eagain: Option<u64>,
    sent: u64,
    received: Option<u64>,
    echoed: u64,
    unread: u64,
}

/// `diagnosis`: what came of an act.
#[derive(Serialize)]
struct DiagnosisLine<'a> {
    act: &'static str,
    verdict: &'static str,
    clients: Vec<String>,
    call: Option<&'static str>,
    errno: Option<String>,
    why: &'a str,
    lesson: Option<&'static str>,
}

pub fn run(act: Act, number: u32, program: &[String], screen: &Screen) -> Result<(), OutputError> {
    let line = RunLine {
        command: "watch",
        act: act.name(),
        program,
    };
    screen.json("run", Some(number), &line)
}

/// What the whole act came to.
pub fn act(
    number: u32,
    totals: &Totals,
    end: &Seen,
    diagnosis: &Diagnosis,
    screen: &Screen,
) -> Result<(), OutputError> {
    let varies = end.varies() && !screen.view.times();
    let timed_out = totals.timeouts > 0 && !screen.view.times();
    let stranded = match diagnosis.verdict {
        Verdict::Stranded => end.clients.iter().map(|client| client.unread).sum(),
        _ => 0,
    };
    let summary = SummaryLine {
        act: end.act.name(),
        wait: Wait {
            returns: (!varies && !timed_out).then_some(totals.returns),
            timeouts: (!varies && !timed_out).then_some(totals.timeouts),
        },
        listener: Listener {
            reports: totals.listener_reports,
        },
        clients: end.clients.iter().map(|it| row(it, varies)).collect(),
        stranded,
        stuck: matches!(
            diagnosis.verdict,
            Verdict::Stuck | Verdict::StuckForASlowReader
        ),
        echo_intact: !end.echo || end.clients.iter().all(|client| client.intact),
        faults: faults(totals),
        verdict: &diagnosis.why,
    };
    screen.json("summary", Some(number), &summary)?;
    let line = DiagnosisLine {
        act: diagnosis.act.name(),
        verdict: diagnosis.verdict.name(),
        clients: diagnosis.clients.iter().map(Name::to_string).collect(),
        call: diagnosis.call,
        errno: diagnosis.errno.map(errno_name),
        why: &diagnosis.why,
        lesson: diagnosis.lesson,
    };
    screen.json("diagnosis", Some(number), &line)
}

/// `level`, `edge`.
pub fn trigger(client: &SeenClient) -> Option<&'static str> {
    client.edge.map(|edge| if edge { "edge" } else { "level" })
}

/// `blocking`, `nonblocking`.
pub fn socket(client: &SeenClient) -> Option<&'static str> {
    client.nonblocking.map(|nonblocking| match nonblocking {
        true => "nonblocking",
        false => "blocking",
    })
}

fn row(client: &SeenClient, varies: bool) -> Row {
    let counts: &Counts = &client.counts;
    let known = |count: u64| (!varies).then_some(count);
    Row {
        client: client.name.to_string(),
        trigger: trigger(client),
        socket: socket(client),
        reports: known(counts.reports),
        hangups: counts.hangups,
        recv: known(counts.recv),
        eagain: known(counts.eagain),
        sent: client.said,
        received: known(counts.received),
        echoed: client.back,
        unread: client.unread,
    }
}

/// Failures by name, as far as they are the same in every run.
fn faults(totals: &Totals) -> BTreeMap<String, u64> {
    let faults = totals.faults.iter();
    faults
        .map(|(errno, count)| (errno_name(Errno::from_raw(*errno)), *count))
        .collect()
}
