//! How things stand when an act is judged.

use crate::lab::tcp_table::Row;
use crate::trace::Name;
use crate::trace::totals::Totals;
use crate::watch::act::Act;
use crate::watch::acts::ActOutcome;
use crate::watch::diagnosis::{Seen, SeenClient, judge};
use crate::watch::rest::Rest;
use crate::watch::session::Session;
use crate::watch::sockets;

impl Session<'_> {
    /// The verdict on an act, and what it was judged by.
    pub(super) fn judge(&mut self, act: Act) -> ActOutcome {
        let seen = self.seen(act);
        ActOutcome {
            diagnosis: judge(&seen),
            seen,
        }
    }

    /// What the whole act has come to.
    pub fn come_to(&self, act: Act) -> (Totals, Seen) {
        let seen = self.seen(act);
        (self.shared.lock().totals.clone(), seen)
    }

    /// The server's end of the connection of the client from this port.
    fn server_end(&self, port: u16) -> Option<Row> {
        let (main, listener) = {
            let state = self.shared.lock();
            (state.main, state.listener.map_or(0, |it| it.address.port()))
        };
        let mut rows = sockets::table(main).into_iter();
        rows.find(|row| row.local.port() == listener && row.remote.port() == port)
    }

    /// Bytes of the client from this port that nobody has read.
    pub(super) fn unread(&self, port: u16) -> u64 {
        self.server_end(port).map_or(0, |row| row.unread())
    }

    /// The client has hung up, and the server's end of its connection is open
    /// still: in CLOSE_WAIT, until the server calls close (tcp(7)).
    pub(super) fn is_left_open(&self, place: usize) -> bool {
        let client = &self.clients[place];
        let end = self.server_end(client.port);
        client.hung_up && end.is_some_and(|row| row.is_left_open())
    }

    /// How things stand.
    pub fn seen(&self, act: Act) -> Seen {
        let unread: Vec<u64> = self
            .clients
            .iter()
            .map(|client| self.unread(client.port))
            .collect();
        let state = self.shared.lock();
        let mut totals = state.totals.clone();
        // A call that does not return is one all the same.
        if let Some(sleeper) = self.sleeper().filter(|it| it.is_for_one())
            && let Some(call) = &sleeper.whole
        {
            totals.count_begun(call);
        }
        let clients = self.clients.iter().zip(unread).map(|(client, unread)| {
            let end = state.end_of(client.name).copied().unwrap_or_default();
            let counts = match client.name {
                Name::Client(index) => totals.connections.get(&index).cloned(),
                _ => None,
            };
            SeenClient {
                name: client.name,
                said: client.said.len() as u64,
                back: client.back.len() as u64,
                intact: client.said.starts_with(&client.back),
                over: client.over(),
                accepted: end.accepted,
                unread,
                edge: end.edge,
                one_shot: end.one_shot,
                watched: end.watched,
                wants_out: end.wants_out,
                nonblocking: end.nonblocking,
                lazy: client.lazy,
                reset: client.reset,
                left_open: client.left_open,
                short_sends: end.short_sends,
                counts: counts.unwrap_or_default(),
            }
        });
        Seen {
            act,
            echo: self.plan.echo,
            clients: clients.collect(),
            sleeper: self.sleeper().cloned(),
            end: match self.rest {
                Rest::Ended(end) => Some(end),
                _ => None,
            },
            restless: match self.rest {
                Rest::Restless { calls, returns } => Some((calls, returns)),
                _ => None,
            },
            listener_edge: state.listener.is_some_and(|listener| listener.edge),
            wait_call: state.wait_call,
            workers: state.started > 1,
            repeats: state.repeats(),
            uring: state.uring,
            last: state.last_call(),
        }
    }
}
