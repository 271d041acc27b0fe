//! What is said on standard error, so that data on standard output stays data.

use std::io::{self, IsTerminal, Write};

use crate::lab::audience::{Audience, Event, OutputError};
use crate::show::out::Out;
use crate::show::text::story::{evidence_text, waiting_text};
use crate::show::view::View;

/// A line on standard error. If that is closed or full, nobody is left to be
/// told so.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Beside every format: what no format has a place for.
#[derive(Debug)]
pub struct Aside {
    view: View,
    out: Out,
    /// The clients come from outside.
    outside: bool,
    interrupted: bool,
}

impl Aside {
    /// To be told of everything before the format that writes to `out`.
    pub fn new(view: View, out: Out) -> Aside {
        Aside {
            view,
            out,
            outside: false,
            interrupted: false,
        }
    }
}

impl Audience for Aside {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        match *event {
            Event::Run(run) => self.outside = run.clients == 0,
            Event::Listening(address) => {
                if !address.ip().to_canonical().is_loopback() {
                    tell(&format!(
                        "epoll-lab: warning: {address} can be reached from other machines"
                    ));
                }
                tell(&format!("epoll-lab: listening on {address}, Ctrl-C ends"));
            }
            // Nothing else is told while it runs.
            Event::Blocked { blocked, stall } if self.outside && !self.view.calls => {
                let mut told = vec![evidence_text(blocked, false)];
                told.extend(waiting_text(blocked, stall, false));
                let told = told.join("; ");
                let fd = blocked.fd.map_or(String::new(), |fd| fd.to_string());
                let call = blocked.call;
                tell(&format!("epoll-lab: server asleep in {call}({fd}): {told}"));
            }
            Event::Interrupted => {
                // The terminal has shown ^C, and perhaps a prompt, on a line
                // of its own.
                if io::stderr().is_terminal() {
                    tell("");
                }
                self.interrupted = true;
            }
            // Nothing is held back from those who break a run off.
            Event::Summary(_) if self.interrupted => self.out.release()?,
            _ => {}
        }
        Ok(())
    }
}
