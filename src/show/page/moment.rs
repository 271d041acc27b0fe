//! A moment: what there is to see of one line of the trace.

use serde::Serialize;

use crate::show::page::board::Delta;
use crate::trace::Name;

/// What kind of thing happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The server's socket and its epoll instance come into being.
    #[default]
    Setup,
    /// A call of the server's has returned.
    Call,
    /// A wait call has reported a client.
    Report,
    /// The server goes to sleep, for anybody.
    Sleep,
    /// The server sleeps in a call for one client.
    Stuck,
    /// Bytes are unread that nobody will be told of.
    Stranded,
    /// Somebody waits while the server sleeps for another.
    Blocked,
    /// A client acts.
    Client,
    /// What is said between the calls.
    Note,
    /// It is over.
    End,
}

/// Bytes on their way, drawn as an arrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow(pub String, pub Way, pub String);

/// Where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From the client to the kernel.
    To,
    /// From the server to the client.
    Back,
}

/// A question that stands before a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Before which moment it is asked, counted from 0.
    pub at: usize,
    /// The moment that answers it.
    pub shown: usize,
    /// What is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// A question without its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// One sentence.
    #[serde(rename = "q")]
    pub question: String,
    /// What may be answered.
    #[serde(rename = "o")]
    pub options: Vec<String>,
    /// Which of these the kernel has answered.
    #[serde(rename = "a")]
    pub answer: usize,
    /// What the answer is made of.
    #[serde(rename = "why", skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// What kind of thing happens.
    pub k: Kind,
    /// It, in a sentence or two.
    pub s: String,
    /// Whose doing it is, where it is a client's.
    pub c: Option<String>,
    /// The first and the last of its lines in the trace.
    pub l: (usize, usize),
    /// Only the right half of the last line is to be seen yet.
    pub h: bool,
    /// The first of its records, and the one after the last.
    pub r: (usize, usize),
    /// What to look at.
    pub w: Vec<String>,
    /// An arrow.
    pub f: Option<Flow>,
    /// The part of the listing, and the line in it, that made the call.
    pub p: Option<(usize, usize)>,
    /// What has changed in the picture.
    pub d: Delta,
    /// The file and the line of the server's that made the call.
    pub place: Option<(&'static str, u32)>,
    /// A question that this moment answers.
    pub ask: Option<Asked>,
}

impl Moment {
    /// One that has no place in the trace yet.
    pub fn new(kind: Kind, say: impl Into<String>) -> Moment {
        Moment {
            k: kind,
            s: say.into(),
            ..Moment::default()
        }
    }

    /// Draws the eye to something.
    pub fn look(mut self, at: impl Into<String>) -> Moment {
        self.w.push(at.into());
        self
    }

    /// A client's doing.
    pub fn of(mut self, client: Name) -> Moment {
        self.c = Some(client.to_string());
        self
    }

    /// With an arrow.
    pub fn flow(mut self, client: Name, way: Way, text: impl Into<String>) -> Moment {
        self.f = Some(Flow(client.to_string(), way, text.into()));
        self
    }

    /// Asked before it.
    pub fn ask(mut self, ask: Option<Asked>) -> Moment {
        self.ask = ask;
        self
    }
}
