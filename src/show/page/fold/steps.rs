//! What the clients change, and how it ends.

use serde_json::Value;

use crate::lab::report::Summary;
use crate::lab::report::scene::{Action, Step};
use crate::lab::report::verdict::{plural, sentence};
use crate::show::page::fold::Fold;
use crate::show::page::fold::calls::spot;
use crate::show::page::fold::client::Place;
use crate::show::page::moment::{Kind, Moment, Way};
use crate::trace::{Name, errno_name};

impl Fold {
    pub(super) fn step(&mut self, step: &Step) -> Option<Moment> {
        let name = step.client;
        let bytes = step.data.len() as u64;
        let asleep = step.asleep.and_then(|asleep| asleep.for_one());
        let (fd, place) = (self.client(name).fd, self.client(name).place);
        let watched = fd.filter(|fd| self.rules && self.list.interest.contains_key(fd));
        let listed = match watched {
            Some(fd) => format!(", and puts fd {fd} on the ready list"),
            None => String::new(),
        };
        let moment = |say: String| Moment::new(Kind::Client, say).of(name);
        let shown = match step.action {
            Action::Connect => self.connect(name, step),
            Action::Send => {
                let client = self.client(name);
                client.sent += bytes;
                client.unread += bytes;
                client.measured = false;
                if let Some(fd) = watched {
                    self.list.arrive(fd);
                }
                let say = format!("{name} sends {}.", plural(bytes, "byte"));
                let say = match (asleep, fd) {
                    (Some(other), Some(fd)) if other.raw != fd && watched.is_some() => format!(
                        "{say} fd {fd} is on the ready list, but the thread is asleep in recv \
                         for {}.",
                        other.name
                    ),
                    (_, Some(fd)) => format!("{say} The kernel holds them for fd {fd}{listed}."),
                    (_, None) => {
                        format!("{say} The kernel holds them; nobody has accepted {name}.")
                    }
                };
                moment(say)
                    .look(spot(name))
                    .look("ready")
                    .flow(name, Way::To, bytes.to_string())
            }
            Action::Recv => {
                let client = self.client(name);
                client.back += bytes;
                let (back, sent) = (client.back, client.sent);
                moment(match (bytes, back == bytes) {
                    (0, _) => format!("{name} receives nothing: nothing has come back."),
                    (_, true) => {
                        format!("{name} receives what came back: {back} of its {sent} bytes.")
                    }
                    (_, false) => {
                        format!("{name} receives {bytes} more: {back} of its {sent} bytes.")
                    }
                })
            }
            Action::Shutdown => {
                let client = self.client(name);
                client.state = Some("has hung up");
                client.eof = place != Place::Closed;
                if let Some(fd) = watched {
                    self.list.arrive(fd);
                }
                let whose = match fd {
                    Some(fd) => format!("of fd {fd}"),
                    None => "that it has sent".into(),
                };
                let listed = match watched {
                    Some(fd) => format!(", and fd {fd} is on the ready list"),
                    None => String::new(),
                };
                moment(format!(
                    "{name} hangs up. The end of the file waits behind the last byte {whose}\
                     {listed}."
                ))
                .look(spot(name))
                .look("ready")
                .flow(name, Way::To, "end")
            }
            Action::Close | Action::Reset => {
                self.client(name).state = Some("gone");
                let says = match step.action {
                    Action::Reset => format!("{name} resets its connection."),
                    _ => format!("{name} closes its end."),
                };
                // After a hang-up this is no news, and no line of the trace.
                match step.asleep.is_some() {
                    true => return None,
                    false => moment(says),
                }
            }
        };
        let mut shown = shown.look(format!("c-{name}"));
        if let Some(errno) = step.failed {
            shown.s = format!("{name}'s connection has failed: {}.", errno_name(errno));
        }
        Some(shown)
    }

    fn connect(&mut self, name: Name, step: &Step) -> Moment {
        let client = self.client(name);
        client.state = Some("connected");
        let moment = |say: String| Moment::new(Kind::Client, say).of(name);
        // In an experiment clients are accepted unseen.
        if step.asleep.is_none() {
            client.place = Place::Open;
            return moment(format!("{name} is connected."));
        }
        client.place = Place::Queue;
        self.queue.push(name);
        let say =
            format!("{name} connects. The kernel puts the connection into the listener's queue");
        let listener = self
            .listener
            .filter(|fd| self.rules && self.list.interest.contains_key(fd));
        match listener {
            Some(fd) => {
                self.list.arrive(fd);
                moment(format!("{say}, and fd {fd} on the ready list."))
            }
            None => moment(format!("{say}.")),
        }
        .look("L")
        .look("ready")
    }

    pub(super) fn shut_down(&mut self) -> Moment {
        self.shut_down = true;
        if let Some(fd) = self.listener {
            self.list.arrive(fd);
        }
        Moment::new(
            Kind::Client,
            "The lab shuts the listener down, which ends the run.",
        )
        .look("L")
    }

    pub(super) fn end(&mut self, summary: &Summary) -> Moment {
        self.thread("end", "");
        self.buffer(None);
        for client in self.clients.values_mut().filter(|client| client.unclear) {
            client.clear_up(false);
            client.touched = true;
        }
        for row in &summary.rows {
            let answered = row.answered.map(|answered| answered.name());
            self.board
                .set(format!("{}.ans", row.client), Value::from(answered));
        }
        Moment::new(Kind::End, sentence(summary))
    }
}
