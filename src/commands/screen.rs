//! What a command shows things on: the listener of a format, and the standard
//! output that both write to.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use serde::Serialize;

use crate::commands::args::Format;
use crate::commands::page::{self, PageArgs};
use crate::lab::audience::{Audience, OutputError, Shared};
use crate::show::aside::Aside;
use crate::show::json::{self, Json};
use crate::show::page::file::Target;
use crate::show::page::{Layout, Page};
use crate::show::text::Text;
use crate::show::text::layout::wrap;
use crate::show::{Out, View, tell};

/// What shows a trace as text, over a writer.
type TextOf<'a> = &'a dyn Fn(View, Box<dyn Write + Send>) -> Box<dyn Audience>;

/// Standard output, in one of the formats.
pub struct Screen {
    /// As it was asked for.
    pub format: Format,
    /// As it was asked for.
    pub view: View,
    /// What the command itself has to show.
    pub out: Out,
    /// What it runs is told here.
    pub audience: Shared,
    /// The page that is made of it, and whether to open it.
    pub page: Option<(Page, bool)>,
}

impl Screen {
    /// Runs are shown as those of the servers.
    pub fn new(format: Format, view: View, to: &PageArgs, layout: Layout) -> Result<Screen> {
        Screen::with(format, view, to, layout, &|view, out| {
            Box::new(Text::new(view, out))
        })
    }

    /// Runs are shown by `text`, unless they are shown as JSON.
    pub fn with(
        format: Format,
        view: View,
        to: &PageArgs,
        layout: Layout,
        text: TextOf<'_>,
    ) -> Result<Screen> {
        let target = to.html.as_deref().map(Target::check).transpose()?;
        let page = target.map(|target| Page::new(target, layout, text));
        let out = Out::new();
        let shown = BufWriter::new(out.clone());
        let listener: Box<dyn Audience> = match format {
            Format::Text => text(view, Box::new(shown)),
            Format::Json => Box::new(Json::new(view, shown)),
        };
        let aside: Box<dyn Audience> = Box::new(Aside::new(view, out.clone()));
        let mut audience = vec![aside, listener];
        if let Some(page) = &page {
            audience.push(Box::new(page.clone()));
        }
        Ok(Screen {
            format,
            view,
            out,
            audience: Shared::new(audience),
            page: page.map(|page| (page, to.open)),
        })
    }

    /// Writes the page, if there is one.
    pub fn finish_page(&self) -> Result<()> {
        match &self.page {
            Some((page, open)) => page::finish(page, *open),
            None => Ok(()),
        }
    }

    /// What is about to happen, before somebody is asked what will come of it.
    pub fn set_up(&self, sentence: &str) -> Result<(), OutputError> {
        let sentence = wrap(sentence, 0);
        match self.format {
            Format::Text => self.text(|out| writeln!(out, "{sentence}\n")),
            // It belongs to the questions, and those are for people.
            Format::Json => {
                tell(&sentence);
                Ok(())
            }
        }
    }

    /// Shows text, where that is the format.
    pub fn text(&self, write: impl FnOnce(&mut Out) -> io::Result<()>) -> Result<(), OutputError> {
        if self.format == Format::Text {
            let mut out = self.out.clone();
            write(&mut out)?;
            out.flush()?;
        }
        Ok(())
    }

    /// Shows a record of run number `run`, where JSON is the format.
    pub fn json<T: Serialize>(
        &self,
        r#type: &'static str,
        run: Option<u32>,
        data: &T,
    ) -> Result<(), OutputError> {
        if self.format == Format::Json {
            let mut out = self.out.clone();
            json::line(r#type, run, data, &mut out)?;
            out.flush()?;
        }
        Ok(())
    }

    /// Below the trace of one run of several.
    pub fn part_is_over(&self) -> Result<(), OutputError> {
        if self.view.calls {
            self.text(|out| writeln!(out))?;
        }
        Ok(())
    }
}
