//! Which values of which columns predict the result: looked for in the rows.
//!
//! A rule is a set of values, such as `edge + once`, of which all rows that
//! have them came to the same result. The most general rules that together
//! cover all rows are the sentences below the table.

use crate::commands::matrix::rows::Combination;
use crate::lab::report::{Answered, Outcome};

/// How many columns a rule may speak of: trigger, socket, read.
const COLUMNS: usize = 3;

/// The columns' names, as a sentence has them.
const NAMES: [&str; COLUMNS] = ["trigger", "socket", "read"];

/// Rows with these values come to this result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// By column: the value that it takes; `None`: whatever stands there.
    pub values: [Option<&'static str>; COLUMNS],
    /// The result that all of its rows share.
    pub outcome: Outcome,
    /// The rows that it speaks of.
    pub rows: Vec<usize>,
}

/// The fewest and most general rules found that cover all rows, the broken
/// ones first.
pub fn rules(rows: &[Combination]) -> Vec<Rule> {
    use Outcome::{Incomplete, Ok, Stranded, Stuck};
    let all = [Stranded, Stuck, Incomplete, Ok];
    all.into_iter().flat_map(|one| cover(rows, one)).collect()
}

/// Rules for one result: again and again the one that covers most of what is
/// left. A row's own three values are a rule at the worst, so it ends.
fn cover(rows: &[Combination], outcome: Outcome) -> Vec<Rule> {
    let mut candidates = candidates(rows, outcome);
    // The general before the special, where both cover as much.
    candidates.sort_by_key(|rule| rule.values.iter().flatten().count());
    let mut left: Vec<usize> = (0..rows.len())
        .filter(|row| rows[*row].outcome == outcome)
        .collect();
    let mut found = Vec::new();
    while !left.is_empty() {
        let covered = |rule: &Rule| rule.rows.iter().filter(|row| left.contains(row)).count();
        // max_by_key takes the last of equals, and the first is wanted.
        let Some(best) = candidates.iter().rev().max_by_key(|rule| covered(rule)) else {
            break;
        };
        left.retain(|row| !best.rows.contains(row));
        found.push(best.clone());
    }
    found
}

/// All sets of values of which every row that has them came to `outcome`.
fn candidates(rows: &[Combination], outcome: Outcome) -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    for row in rows.iter().filter(|row| row.outcome == outcome) {
        for named in 0..1 << COLUMNS {
            let mut values = columns(row).map(Some);
            for (column, value) in values.iter_mut().enumerate() {
                if named & (1 << column) == 0 {
                    *value = None;
                }
            }
            let matching: Vec<usize> = (0..rows.len())
                .filter(|other| matches(&values, &rows[*other]))
                .collect();
            let pure = matching.iter().all(|row| rows[*row].outcome == outcome);
            if pure && !found.iter().any(|rule| rule.values == values) {
                found.push(Rule {
                    values,
                    outcome,
                    rows: matching,
                });
            }
        }
    }
    found
}

fn columns(row: &Combination) -> [&'static str; COLUMNS] {
    [row.trigger.name(), row.socket.name(), row.read.name()]
}

fn matches(values: &[Option<&'static str>; COLUMNS], row: &Combination) -> bool {
    let columns = columns(row);
    let mut pairs = values.iter().zip(columns);
    pairs.all(|(value, column)| value.is_none_or(|value| value == column))
}

impl Rule {
    /// `edge + once strands, whatever the socket: 8 bytes unread, asleep in
    /// epoll_wait.`
    pub fn sentence(&self, rows: &[Combination]) -> String {
        let named: Vec<&str> = self.values.iter().flatten().copied().collect();
        let subject = if named.is_empty() {
            "every combination".to_string()
        } else {
            named.join(" + ")
        };
        let verb = match self.outcome {
            Outcome::Ok => "serves all",
            Outcome::Stranded => "strands",
            Outcome::Stuck => "sticks",
            Outcome::Incomplete => "loses bytes",
        };
        let free: Vec<&str> = (NAMES.iter().zip(&self.values))
            .filter_map(|(name, value)| value.is_none().then_some(*name))
            .collect();
        let whatever = match free[..] {
            [] | [_, _, _] => String::new(),
            _ => format!(", whatever the {}", free.join(" and the ")),
        };
        let how = self
            .how(rows)
            .map_or(String::new(), |how| format!(": {how}"));
        format!("{subject} {verb}{whatever}{how}.")
    }

    /// What the rows of a broken one show, where they all show the same; of a
    /// whole one, who was answered late.
    fn how(&self, rows: &[Combination]) -> Option<String> {
        if self.outcome == Outcome::Ok {
            let late = self
                .rows
                .iter()
                .filter(|row| rows[**row].b == Answered::Late);
            return match late.count() {
                0 => None,
                late => Some(format!("B late in {late} of {}", self.rows.len())),
            };
        }
        let first = rows.get(*self.rows.first()?)?;
        let same = |row: &usize| {
            let row = &rows[*row];
            (row.a.unread, row.asleep.whom()) == (first.a.unread, first.asleep.whom())
        };
        if !self.rows.iter().all(same) {
            return None;
        }
        let asleep = match first.asleep.whom() {
            (call, Some(name)) => format!("asleep in {call} for {name}"),
            (call, None) => format!("asleep in {call}"),
        };
        Some(match first.a.unread {
            0 => asleep,
            1 => format!("1 byte of A unread, {asleep}"),
            unread => format!("{unread} bytes of A unread, {asleep}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::matrix::rows::Counts;
    use crate::commands::matrix::rows::combinations;
    use crate::lab::report::scene::{Asleep, WaitsFor};
    use crate::lab::report::{Answered, Trigger};
    use crate::server::mode::{Mode, Read, SocketKind};

    /// Eight rows whose results are whatever `outcome` makes of them.
    fn made_up(outcome: impl Fn(&Mode, Trigger) -> Outcome) -> Vec<Combination> {
        let row = |mode: &Mode| Combination {
            trigger: Trigger::of(mode.interest),
            socket: mode.socket,
            read: mode.read,
            server: None,
            a: Counts::default(),
            b: Answered::AtOnce,
            asleep: Asleep {
                call: "epoll_wait",
                syscall: "epoll_wait",
                fd: None,
                waits_for: WaitsFor::Anyone,
                steps: 0,
                ready: None,
            },
            outcome: outcome(mode, Trigger::of(mode.interest)),
        };
        combinations().iter().map(row).collect()
    }

    fn sentences(rows: &[Combination]) -> Vec<String> {
        rules(rows).iter().map(|rule| rule.sentence(rows)).collect()
    }

    #[test]
    fn two_values_that_predict() {
        let rows = made_up(|mode, trigger| match (trigger, mode.socket, mode.read) {
            (Trigger::Edge, _, Read::Once) => Outcome::Stranded,
            (_, SocketKind::Blocking, Read::Drain) => Outcome::Stuck,
            _ => Outcome::Ok,
        });
        assert_eq!(
            sentences(&rows),
            [
                "edge + once strands, whatever the socket: asleep in epoll_wait.",
                "blocking + drain sticks, whatever the trigger: asleep in epoll_wait.",
                "level + once serves all, whatever the socket.",
                "nonblocking + drain serves all, whatever the trigger.",
            ]
        );
    }

    #[test]
    fn a_kernel_that_answers_otherwise() {
        let all = |outcome| sentences(&made_up(|_, _| outcome));
        assert_eq!(all(Outcome::Ok), ["every combination serves all."]);
        let mut rows = made_up(|_, _| Outcome::Ok);
        (rows[2].b, rows[3].b) = (Answered::Late, Answered::Late);
        assert_eq!(
            sentences(&rows),
            ["every combination serves all: B late in 2 of 8."]
        );
        let rows = made_up(|mode, _| match mode.socket {
            SocketKind::Blocking => Outcome::Ok,
            SocketKind::Nonblocking => Outcome::Incomplete,
        });
        let said = sentences(&rows);
        assert!(said[0].starts_with("nonblocking loses bytes, whatever the trigger and the read"));
        assert!(said[1].starts_with("blocking serves all"));
    }

    #[test]
    fn where_no_two_values_predict_all_rows_are_covered() {
        // Exclusive or: every row needs all three of its values.
        let rows = made_up(|mode, trigger| {
            let odd = [
                trigger == Trigger::Edge,
                mode.socket == SocketKind::Blocking,
                mode.read == Read::Drain,
            ];
            match odd.iter().filter(|one| **one).count() % 2 {
                0 => Outcome::Ok,
                _ => Outcome::Stuck,
            }
        });
        let found = rules(&rows);
        assert_eq!(found.len(), rows.len());
        assert!(found.iter().all(|rule| rule.rows.len() == 1));
    }

    #[test]
    fn rows_that_differ_are_not_spoken_of_as_one() {
        let mut rows = made_up(|_, _| Outcome::Stranded);
        rows[0].a.unread = 8;
        assert_eq!(sentences(&rows), ["every combination strands."]);
        for row in &mut rows {
            row.a.unread = 8;
        }
        let said = "every combination strands: 8 bytes of A unread, asleep in epoll_wait.";
        assert_eq!(sentences(&rows), [said]);
    }
}
