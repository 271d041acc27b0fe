//! `--html`: the player, a run as one page that steps forward and back.
//!
//! [`fold`] turns what happens into moments; [`part`] puts the trace's lines
//! and the records beside them; [`html`] makes one file of it all. The page
//! itself (`page.html`, `page.css`, `page.js`) only draws.

mod ask;
pub mod board;
pub mod file;
pub mod fold;
mod html;
mod listing;
pub mod moment;
mod part;
pub mod ready;

use serde::Serialize;

use crate::lab::report::Run;
pub use crate::show::page::ask::numbers;
use crate::show::page::listing::{Listing, Part as Function};
pub use crate::show::page::moment::Asked;
use crate::show::page::part::{Data, Part};
pub use crate::show::page::part::{Happening, MOST};

/// How several runs stand on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One after the other.
    Row,
    /// Beside each other, aligned by the clients' steps.
    Side,
}

/// What is known of the runs so far.
#[derive(Debug, Default)]
pub struct Page {
    parts: Vec<Part>,
    listing: Listing,
}

#[derive(Serialize)]
struct All<'a> {
    layout: Layout,
    listing: &'a [Function],
    runs: Vec<Data<'a>>,
}

impl Page {
    /// A run begins.
    pub fn run(&mut self, run: &Run) {
        self.parts.push(Part::new(run));
    }

    /// Something happens in it.
    pub fn take(&mut self, happening: Happening<'_>) {
        if let Some(part) = self.parts.last_mut() {
            part.take(happening);
        }
    }

    /// What was asked about the whole of the last run.
    pub fn ask(&mut self, asked: Vec<Asked>) {
        if let Some(part) = self.parts.last_mut() {
            part.ask(asked);
        }
    }

    /// Whether a run has been cut off for its length.
    pub fn is_cut(&self) -> bool {
        self.parts.iter().any(Part::is_cut)
    }

    /// The runs of `other` after its own.
    pub fn append(&mut self, other: Page) {
        self.parts.extend(other.parts);
    }

    /// The whole of it.
    pub fn html(&mut self, layout: Layout) -> serde_json::Result<String> {
        for part in &mut self.parts {
            part.place(&mut self.listing);
        }
        let titles: Vec<&str> = self.parts.iter().map(Part::command).collect();
        let title = titles.join(match layout {
            Layout::Row => ", ",
            Layout::Side => " beside ",
        });
        let text: Vec<String> = self.parts.iter().map(Part::text).collect();
        let all = All {
            layout,
            listing: &self.listing.parts,
            runs: self.parts.iter().map(Part::data).collect(),
        };
        html::page(&title, &text.join("\n"), &all)
    }
}
