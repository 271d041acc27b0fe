//! The records of `watch` beside those of its traces.

use serde::Serialize;

use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;
use crate::lab::report::summary::{add_up, faults, gone_row, outside_row};
use crate::lab::report::{Answered, Row};
use crate::show::json::{ListenerLine, Manner, RowLine, SummaryLine, WaitLine};
use crate::trace::totals::{Counts, KEPT, Totals};
use crate::trace::{Name, errno_name};
use crate::watch::act::Act;
use crate::watch::attach::Followed;
use crate::watch::diagnosis::{Diagnosis, Seen, SeenClient, Verdict};
use crate::watch::odd::end_text;
use crate::watch::state::ServerEnd;

/// `run`: what the clients are about to do, to which program. How that works
/// is seen when it has been watched.
#[derive(Serialize)]
struct RunLine<'a> {
    command: &'static str,
    api: Option<()>,
    trigger: Option<()>,
    socket: Option<()>,
    read: Option<()>,
    buffer: Option<()>,
    clients: Option<()>,
    act: &'static str,
    program: &'a [String],
}

/// `summary` of an act.
#[derive(Serialize)]
struct ActLine {
    act: &'static str,
    #[serde(flatten)]
    summary: SummaryLine,
}

/// `summary` of what a program did while it was followed.
#[derive(Serialize)]
struct FollowedLine<'a> {
    #[serde(flatten)]
    summary: SummaryLine,
    end: Option<String>,
    lost_signals: &'a [i32],
    other_ports: &'a [String],
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
        api: None,
        trigger: None,
        socket: None,
        read: None,
        buffer: None,
        clients: None,
        act: act.name(),
        program,
    };
    screen.json("run", Some(number), &line)
}

/// What an act came to: `seen` while all were connected, `end` when all have
/// hung up. What varies from run to run is null without `--timing`.
pub fn act(
    number: u32,
    totals: &Totals,
    seen: &Seen,
    end: &Seen,
    diagnosis: &Diagnosis,
    screen: &Screen,
) -> Result<(), OutputError> {
    let varies = end.varies() && !screen.view.times;
    let timed_out = totals.timeouts > 0 && !screen.view.times;
    let known = |count: u64| (!varies).then_some(count);
    let waits = |count: u64| known(count).filter(|_| !timed_out);
    let stranded = match diagnosis.verdict {
        Verdict::Stranded => known(seen.clients.iter().map(|client| client.unread).sum()),
        _ => Some(0),
    };
    // A client that sends much is one connection all the same.
    let restless = end.restless.is_some() && !screen.view.times;
    let rows: Vec<Row> = end.clients.iter().map(|it| row(it, end.echo)).collect();
    let settled = |line: RowLine| match varies {
        true => line.varying(),
        false => line,
    };
    let clients = rows.iter().zip(&end.clients).map(|(row, client)| {
        settled(RowLine::client(row)).with(Manner {
            trigger: level_or_edge(client.edge),
            socket: blocking_or_not(client.nonblocking),
        })
    });
    let line = ActLine {
        act: end.act.name(),
        summary: SummaryLine {
            wait: WaitLine {
                returns: waits(totals.returns),
                timeouts: waits(totals.timeouts),
            },
            listener: ListenerLine {
                reports: (!restless).then_some(totals.listener_reports),
            },
            clients: clients.collect(),
            totals: settled(RowLine::totals(&add_up(&rows))),
            stranded,
            stuck: Some(matches!(
                diagnosis.verdict,
                Verdict::Stuck | Verdict::StuckForASlowReader
            )),
            // Whether a hole shows depends on how much was lost, and when.
            echo_intact: (end.echo && !varies)
                .then(|| end.clients.iter().all(|client| client.intact)),
            faults: (!varies).then(|| faults(totals)),
            verdict: Some(diagnosis.why.clone()),
        },
    };
    screen.json("summary", Some(number), &line)?;
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

/// What a running program did while it was followed. Nobody judges it, and
/// its clients are not the lab's.
pub fn followed(followed: &Followed, screen: &Screen) -> Result<(), OutputError> {
    let totals = &followed.totals;
    let mut rows = Vec::new();
    let mut clients = Vec::new();
    for (name, end) in &followed.ends {
        let Name::Client(index) = name else { continue };
        let counts = totals.connections.get(index).cloned();
        // Those are counted in one row.
        if counts.is_none() && *index >= KEPT {
            continue;
        }
        let row = outside_row((index, &counts.unwrap_or_default()));
        clients.push(outsider(&row, end));
        rows.push(row);
    }
    if let Some(row) = gone_row(totals) {
        clients.push(outsider(&row, &ServerEnd::default()));
        rows.push(row);
    }
    let mut sum = RowLine::totals(&add_up(&rows));
    sum.unread = clients.iter().map(|client| client.unread).sum();
    let line = FollowedLine {
        summary: SummaryLine {
            wait: WaitLine {
                returns: Some(totals.returns),
                timeouts: Some(totals.timeouts),
            },
            listener: ListenerLine {
                reports: Some(totals.listener_reports),
            },
            clients,
            totals: sum,
            stranded: None,
            stuck: None,
            echo_intact: None,
            faults: Some(faults(totals)),
            verdict: None,
        },
        end: followed.end.map(end_text),
        lost_signals: &followed.lost_signals,
        other_ports: &followed.others,
    };
    screen.json("summary", Some(1), &line)
}

fn outsider(row: &Row, end: &ServerEnd) -> RowLine {
    let mut line = RowLine::client(row);
    // The kernel is asked when something is reported, read or closed.
    let asked = |counts: &Counts| counts.reports + counts.hangups + counts.recv > 0;
    if !row.server.closed && !asked(&row.server) {
        line.unread = None;
    }
    line.with(Manner {
        trigger: level_or_edge(end.edge),
        socket: blocking_or_not(end.nonblocking),
    })
}

/// The word, where it is registered with epoll.
pub fn level_or_edge(edge: Option<bool>) -> Option<&'static str> {
    edge.map(|edge| if edge { "edge" } else { "level" })
}

/// The word, where it is known.
pub fn blocking_or_not(nonblocking: Option<bool>) -> Option<&'static str> {
    nonblocking.map(|nonblocking| match nonblocking {
        true => "nonblocking",
        false => "blocking",
    })
}

/// Whether an answer came at once or late is not kept.
fn row(client: &SeenClient, echo: bool) -> Row {
    let wanting = match echo {
        true => client.back < client.said,
        false => client.said > 0 && client.back == 0,
    };
    let mut server = client.counts.clone();
    server.unread = client.unread;
    Row {
        client: client.name.to_string(),
        server,
        sent: Some(client.said),
        echoed: client.back,
        answered: wanting.then_some(Answered::Never),
    }
}
