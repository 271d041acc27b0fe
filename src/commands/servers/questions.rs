//! What the servers are asked: all of it counted at the moment when every
//! client has sent and none has hung up.

use nix::errno::Errno;

use crate::commands::predict::{Answer, Kind, Measured, Question, YES_NO, yes_no};
use crate::lab::report::scene::{BeforeHangUp, Eve};
use crate::lab::report::verdict::plural;
use crate::lab::report::{EventLoop, Run, Summary, Trigger};
use crate::lab::script::Script;
use crate::server::mode::{Read, SocketKind};
use crate::trace::escape::quote;
use crate::trace::totals::FIRST;
use crate::trace::{Name, errno_name};

/// Columns for a message in the set-up.
const MESSAGE_WIDTH: usize = 24;
/// Clients and messages that the set-up names one by one.
const NAMED: usize = 3;

/// The one or two questions that this server answers best.
pub fn questions(run: &Run, script: &Script) -> Vec<Question<Summary>> {
    let wait = run.api.wait_call().unwrap_or("nobody"); // not asked then
    let sent: usize = script.messages[0].iter().map(Vec::len).sum();
    let count = |text: String, measure: fn(&Summary) -> Measured| {
        Question::new(text, Kind::Count, Some(1), measure)
    };
    let reports = count(format!("How often will {wait} report A?"), reports);
    let recv = count("How often will the server call recv for A?".into(), recv);
    let echoed = match sent {
        1 => "How many bytes will come back to A?".to_string(),
        _ => format!("How many of A's {sent} bytes will come back?"),
    };
    let answered = Question::new("Will B have its answer?", YES_NO, Some(1), answered);
    let returns = count(
        format!("How many returns of {wait} will report a client?"),
        returns,
    );
    let alone = script.messages.len() == 1;
    match (run.api, run.trigger, run.socket, run.read) {
        (EventLoop::None, ..) if alone => vec![recv],
        (EventLoop::None, ..) => vec![recv, answered],
        (_, _, SocketKind::Nonblocking, _) | (_, _, _, Read::Once) if script.together => {
            vec![reports, returns]
        }
        (_, Some(Trigger::Edge), _, Read::Once) => vec![reports, count(echoed, self::echoed)],
        (_, _, SocketKind::Blocking, Read::Drain) if !alone => vec![recv, answered],
        _ => vec![reports, recv],
    }
}

/// What is about to happen, and until when it counts.
pub fn set_up(run: &Run, script: &Script) -> String {
    let clients = script.messages.iter().enumerate();
    let mut sentences: Vec<String> = clients
        .take(NAMED)
        .map(|(index, messages)| {
            let bytes: usize = messages.iter().map(Vec::len).sum();
            let quoted: Vec<String> = messages
                .iter()
                .take(NAMED)
                .map(|message| quote(message, MESSAGE_WIDTH))
                .collect();
            let more = match messages.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let name = Name::Client(index as u32);
            let bytes = plural(bytes as u64, "byte");
            format!("{name} sends {}{more}, {bytes}.", quoted.join(", "))
        })
        .collect();
    match script.messages.len() {
        1 => sentences.push("A stays connected.".into()),
        _ if script.together => {
            sentences.push("All send before the server waits again, and stay connected.".into())
        }
        2..=NAMED => sentences.push("All stay connected.".into()),
        n => sentences.push(match n - NAMED {
            1 => "1 more does the same. All stay connected.".into(),
            more => format!("{more} more do the same. All stay connected."),
        }),
    }
    if run.socket == SocketKind::Blocking && run.read == Read::Drain {
        sentences.push("A call counts when it begins.".into());
    }
    sentences.join(" ")
}

/// The answer that `read` finds in what was the case before the first hang-up.
fn before(
    summary: &Summary,
    client: usize,
    read: fn(&BeforeHangUp, &Eve) -> (Answer, String),
) -> Measured {
    let before = summary.scene.before_hang_up.as_ref();
    let found = before.and_then(|before| Some(read(before, before.clients.get(client)?)));
    let (answer, reason) = found.unzip();
    Measured {
        answer,
        reason: reason.unwrap_or("the server ended before".into()),
    }
}

fn reports(summary: &Summary) -> Measured {
    before(summary, 0, |_, eve| {
        let server = &eve.server;
        let mut unread: Vec<String> = server.first_unread.iter().map(u64::to_string).collect();
        if server.reports > FIRST as u64 {
            unread.push("...".into());
        }
        let mut reason = match server.reports {
            0 => "none came".to_string(),
            _ => format!("with {} unread", unread.join(", ")),
        };
        match (server.unread, server.closed) {
            (0, _) => {}
            (unread, true) => reason += &format!("; closed with {unread} unread"),
            (unread, false) => reason += &format!("; none for the last {unread}"),
        }
        (Answer::Count(server.reports), reason)
    })
}

fn returns(summary: &Summary) -> Measured {
    before(summary, 0, |before, _| {
        let reports = before.clients.iter().map(|eve| eve.server.reports);
        let reason = format!("with {}", plural(reports.sum::<u64>(), "report"));
        (Answer::Count(before.returns), reason)
    })
}

fn recv(summary: &Summary) -> Measured {
    before(summary, 0, |_, eve| {
        let calls = eve.server.recv;
        let returned = returned(&eve.server.first_recv, calls - u64::from(eve.in_recv));
        let reason = match (returned, eve.in_recv) {
            (None, true) => "asleep in the first".into(),
            (None, false) => "none was made".into(),
            (Some(returned), true) => returned + ", then asleep",
            (Some(returned), false) => returned,
        };
        (Answer::Count(calls), reason)
    })
}

/// `5 + 5 + 3 bytes, then EAGAIN`: what so many calls of recv returned, of
/// which the `first` are known.
fn returned(first: &[Result<i32, Errno>], calls: u64) -> Option<String> {
    let parts = first.chunk_by(|one, next| one.is_ok() && next.is_ok());
    let parts = parts.map(|part| match part {
        [Err(errno), ..] => errno_name(*errno),
        [Ok(1)] => "1 byte".into(),
        bytes => {
            let bytes: Vec<String> = bytes.iter().flatten().map(i32::to_string).collect();
            format!("{} bytes", bytes.join(" + "))
        }
    });
    let mut text = parts.collect::<Vec<_>>().join(", then ");
    if calls > first.len() as u64 {
        text += ", ...";
    }
    (!text.is_empty()).then_some(text)
}

fn echoed(summary: &Summary) -> Measured {
    before(summary, 0, |_, eve| {
        let server = &eve.server;
        let mut reason = match returned(&server.first_recv, server.recv) {
            Some(returned) => format!("recv: {returned}"),
            None => "no recv was made".into(),
        };
        if server.unread > 0 {
            reason += &format!("; {} unread", server.unread);
        }
        (Answer::Count(eve.came_back), reason)
    })
}

fn answered(summary: &Summary) -> Measured {
    before(summary, 1, |before, eve| {
        let asleep = &before.asleep;
        let reason = match asleep.for_one() {
            Some(fd) => format!("server asleep: {}({fd})", asleep.call),
            None => format!("server asleep: {}, for anyone", asleep.call),
        };
        (yes_no(eve.unanswered == 0), reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_recv_returned() {
        let said = |results: &[_], calls| returned(results, calls).unwrap_or_default();
        let drained = [Ok(5), Ok(5), Ok(3), Err(Errno::EAGAIN)];
        assert_eq!(said(&drained, 4), "5 + 5 + 3 bytes, then EAGAIN");
        assert_eq!(said(&drained[..1], 9), "5 bytes, ...");
        assert_eq!(said(&[], 0), "");
        let twice = [Ok(5), Err(Errno::EAGAIN), Ok(1)];
        assert_eq!(said(&twice, 3), "5 bytes, then EAGAIN, then 1 byte");
    }
}
