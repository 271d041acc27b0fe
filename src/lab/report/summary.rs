//! The summary of a run: one row a client, and what they add up to.

use std::collections::BTreeMap;

use nix::errno::Errno;
use serde::Serialize;

use crate::lab::report::run::Run;
use crate::lab::report::scene::{ClientSide, Scene};
use crate::trace::totals::{Counts, Totals};
use crate::trace::{Name, WaitCost, errno_name};

/// When a client had its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answered {
    /// All of it, each time before the server slept again.
    AtOnce,
    /// All of it, but at least once the server slept first.
    Late,
    /// Not all of it, to the end of the run.
    Never,
}

impl Answered {
    /// The words in the table and in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Answered::AtOnce => "at once",
            Answered::Late => "late",
            Answered::Never => "never",
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `A`, or how many clients the row stands for.
    pub client: String,
    /// The counts of the server's calls for it.
    pub server: Counts,
    /// Bytes sent by the client; `None` where the client is not the lab's.
    pub sent: Option<u64>,
    /// Bytes that came back to the client; where the client is not the lab's,
    /// bytes that the kernel took for it.
    pub echoed: u64,
    /// `None` where it sent nothing, or is not the lab's.
    pub answered: Option<Answered>,
}

/// The summary of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// What the counts are of.
    pub run: Run,
    /// Wake-ups: returns of the wait call without error.
    pub returns: u64,
    /// Those of them that brought nothing because time was up.
    pub timeouts: u64,
    /// Reports of connections to accept, and of the listener's own end.
    pub listener_reports: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// What the waits moved and looked at.
    pub cost: WaitCost,
    /// Calls of epoll_ctl that changed the interest list.
    pub changes: u64,
    /// One a client, A first; beyond [`KEPT`](crate::trace::totals::KEPT) clients
    /// from outside, one row for all that have gone.
    pub rows: Vec<Row>,
    /// The rows added up.
    pub sum: Row,
    /// Bytes stranded when all had sent and none had hung up.
    pub stranded: u64,
    /// The clients' side of it.
    pub scene: Scene,
    /// Every byte that came back is the one that was sent; if not, the
    /// program fails.
    pub echo_intact: bool,
    /// Failures that the server lived through: errno and how often.
    pub faults: BTreeMap<String, u64>,
    /// The verdict in one word, computed from all of this.
    pub outcome: Outcome,
}

/// The verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// None of the following.
    Ok,
    /// Bytes unread, while the server slept where no report would come.
    Stranded,
    /// The server slept in a call for one client.
    Stuck,
    /// Not all came back, or not what was sent.
    Incomplete,
}

impl Outcome {
    /// The word in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "OK",
            Outcome::Stranded => "STRANDED",
            Outcome::Stuck => "STUCK",
            Outcome::Incomplete => "INCOMPLETE",
        }
    }
}

impl Summary {
    /// Puts together what the server's calls and the lab's clients came to.
    pub fn new(run: &Run, totals: &Totals, scene: &Scene) -> Summary {
        let mut rows: Vec<Row> = match scene.clients.is_empty() {
            true => totals.connections.iter().map(outside_row).collect(),
            false => (0..)
                .zip(&scene.clients)
                .map(|(index, side)| script_row(index, side, totals))
                .collect(),
        };
        rows.extend(gone_row(totals));
        let stranded: u64 = scene.clients.iter().map(|side| side.stranded).sum();
        let stranded = stranded + scene.stranded_outside;
        let mut summary = Summary {
            run: run.clone(),
            returns: totals.returns,
            timeouts: totals.timeouts,
            listener_reports: totals.listener_reports,
            accepted: totals.accepted.into(),
            cost: totals.cost,
            changes: totals.changes,
            sum: add_up(&rows),
            rows,
            stranded,
            scene: scene.clone(),
            echo_intact: !scene.clients.iter().any(|side| side.damaged),
            faults: faults(totals),
            outcome: Outcome::Ok,
        };
        summary.outcome = outcome(&summary);
        summary
    }
}

fn outcome(summary: &Summary) -> Outcome {
    match summary {
        _ if !summary.echo_intact => Outcome::Incomplete,
        _ if summary.scene.stuck.is_some() => Outcome::Stuck,
        _ if summary.stranded > 0 => Outcome::Stranded,
        _ if summary.sum.answered == Some(Answered::Never) => Outcome::Incomplete,
        _ => Outcome::Ok,
    }
}

fn script_row(index: u32, side: &ClientSide, totals: &Totals) -> Row {
    let answered = match side {
        _ if side.sent == 0 => None,
        _ if side.came_back < side.sent => Some(Answered::Never),
        _ if side.late => Some(Answered::Late),
        _ => Some(Answered::AtOnce),
    };
    Row {
        client: Name::Client(index).to_string(),
        server: totals.connections.get(&index).cloned().unwrap_or_default(),
        sent: Some(side.sent),
        echoed: side.came_back,
        answered,
    }
}

/// The row of a client that is not the lab's.
pub fn outside_row((index, connection): (&u32, &Counts)) -> Row {
    Row {
        client: Name::Client(*index).to_string(),
        server: connection.clone(),
        sent: None,
        echoed: connection.echoed,
        answered: None,
    }
}

/// The row of all clients that have gone and have none of their own.
pub fn gone_row(totals: &Totals) -> Option<Row> {
    (totals.others_count > 0).then(|| Row {
        client: format!("{} more", totals.others_count),
        server: totals.others.clone(),
        sent: None,
        echoed: totals.others.echoed,
        answered: None,
    })
}

/// Failures other than EAGAIN, by name.
pub fn faults(totals: &Totals) -> BTreeMap<String, u64> {
    let faults = totals.faults.iter();
    faults
        .map(|(errno, n)| (errno_name(Errno::from_raw(*errno)), *n))
        .collect()
}

/// The row of all clients.
pub fn add_up(rows: &[Row]) -> Row {
    let mut server = Counts::default();
    rows.iter().for_each(|row| server.add(&row.server));
    Row {
        client: "all".into(),
        server,
        sent: rows.iter().map(|row| row.sent).sum(),
        echoed: rows.iter().map(|row| row.echoed).sum(),
        answered: rows.iter().filter_map(|row| row.answered).max(),
    }
}
