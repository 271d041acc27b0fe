//! `--html`: the player, a run as one page that steps forward and back.
//!
//! [`fold`] turns what happens into moments; `part` puts the trace's lines
//! and the records beside them; `html` makes one file of it all. The page
//! itself (`page.html`, `page.css`, and what draws) only draws.

mod ask;
pub mod board;
pub mod file;
pub mod fold;
mod formats;
mod html;
mod listing;
pub mod moment;
mod pack;
mod part;
pub mod ready;

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde::Serialize;

use crate::lab::audience::{Audience, Event, OutputError};
pub use crate::show::page::ask::numbers;
use crate::show::page::file::Target;
use crate::show::page::formats::Formats;
pub use crate::show::page::formats::VIEW;
use crate::show::page::listing::{Function, Listing, Source};
pub use crate::show::page::moment::Asked;
use crate::show::page::pack::{Shared, Texts};
pub use crate::show::page::part::MOST;
use crate::show::page::part::Part;
use crate::show::page::part::data::Data;
use crate::show::{View, tell};
use crate::trace::error_text;

/// How several runs stand on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One after the other.
    Row,
    /// Beside each other, aligned by the clients' steps.
    Side,
}

/// The listener that makes a page; all clones are the same.
#[derive(Clone)]
pub struct Page(Arc<Mutex<State>>);

struct State {
    target: Target,
    layout: Layout,
    formats: Formats,
    parts: Vec<Part>,
    /// Where calls are made that no server makes.
    sources: &'static [Source],
    /// SIGINT or SIGTERM: nobody comes back to write the page.
    interrupted: bool,
}

#[derive(Serialize)]
struct All<'a> {
    layout: Layout,
    listing: &'a [Function],
    runs: Vec<Data<'a>>,
    texts: Texts,
}

impl Page {
    /// Nothing has happened yet; `text` shows a trace as the screen does.
    pub fn new(
        target: Target,
        layout: Layout,
        text: impl FnOnce(View, Box<dyn Write + Send>) -> Box<dyn Audience>,
    ) -> Page {
        Page(Arc::new(Mutex::new(State {
            target,
            layout,
            formats: Formats::new(text),
            parts: Vec::new(),
            sources: &[],
            interrupted: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run that is told only now, of which the page should say more than
    /// its events do: its command line, or the words of its question.
    pub fn name(&self, command: &str) {
        if let Some(part) = self.lock().parts.last_mut() {
            part.name(command);
        }
    }

    /// The last run was one of a program that is not the lab's.
    pub fn watched(&self, command: &str, head: &str) {
        if let Some(part) = self.lock().parts.last_mut() {
            part.watched(command);
            part.name(head);
        }
    }

    /// The files of an experiment that makes its calls itself: they are its
    /// listing.
    pub fn sources(&self, sources: &'static [Source]) {
        self.lock().sources = sources;
    }

    /// How many runs it has.
    pub fn runs(&self) -> u32 {
        self.lock().parts.len() as u32
    }

    /// What was asked about the whole of run number `run`, counted from 1.
    pub fn ask(&self, run: u32, asked: Asked) {
        if let Some(part) = self.lock().parts.get_mut((run as usize).wrapping_sub(1)) {
            part.ask(asked);
        }
    }

    /// What an experiment came to, in a sentence, and all that is said of it.
    pub fn conclude(&self, sentence: &str, text: &[u8]) {
        let mut state = self.lock();
        let State { parts, formats, .. } = &mut *state;
        if let Some(part) = parts.last_mut() {
            part.conclude(sentence, text, formats);
        }
    }

    /// Writes the file, and says so if it does not hold all.
    pub fn write(&self) -> Result<()> {
        self.lock().write()
    }

    /// Where it is.
    pub fn path(&self) -> std::path::PathBuf {
        self.lock().target.path().to_path_buf()
    }
}

impl State {
    fn write(&mut self) -> Result<()> {
        let mut listing = Listing::new(self.sources);
        for part in &mut self.parts {
            part.place(&mut listing);
        }
        let titles: Vec<&str> = self.parts.iter().map(Part::command).collect();
        let title = titles.join(match self.layout {
            Layout::Row => ", ",
            Layout::Side => " beside ",
        });
        let text: Vec<String> = self.parts.iter().map(Part::text).collect();
        let mut shared = Shared::default();
        let parts = self.parts.iter();
        let runs = parts.map(|part| part.data(&mut shared)).collect();
        let all = All {
            layout: self.layout,
            listing: &listing.parts,
            runs,
            texts: shared.texts,
        };
        let page = html::page(&title, &text.join("\n"), &all)?;
        self.target.replace(&page)?;
        if self.parts.iter().any(Part::is_cut) {
            tell(&format!(
                "epoll-lab: a page holds {MOST} moments, and this run is longer: it is cut off \
                 there"
            ));
        }
        Ok(())
    }
}

impl Audience for Page {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        let mut state = self.lock();
        let State { parts, formats, .. } = &mut *state;
        match event {
            Event::Run(run) => parts.push(Part::new(run, formats)),
            Event::Trial(id) => parts.push(Part::trial(id, formats)),
            event => {
                if let Some(part) = parts.last_mut() {
                    part.hear(event, formats);
                }
            }
        }
        state.interrupted |= matches!(event, Event::Interrupted);
        if state.interrupted
            && let Event::Summary(_) = event
            && let Err(error) = state.write()
        {
            tell(&format!("epoll-lab: {}", error_text(&error)));
        }
        Ok(())
    }
}
