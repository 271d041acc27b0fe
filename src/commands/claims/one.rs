//! One claim: how it is tried, and first what is thought of it.

use std::io::Write;

use anyhow::Result;

use crate::claims::sources::SOURCES;
use crate::claims::{Claim, Tried, try_out};
use crate::commands::args::Format;
use crate::commands::claims::{json, questions, text};
use crate::commands::conduct::Experiment;
use crate::commands::next;
use crate::commands::page::PageArgs;
use crate::commands::predict::args::PredictArgs;
use crate::commands::predict::{Compared, Question, text as predict};
use crate::commands::screen::Screen;
use crate::lab::audience::OutputError;
use crate::show::page::{Layout, VIEW};
use crate::show::text::Text;
use crate::show::text::fold::Same;
use crate::show::{View, tell};

/// See the module.
pub struct OneClaim(pub &'static Claim);

/// Where a claim is tried in full: all its calls are shown as text.
pub fn screen(format: Format, view: View, to: &PageArgs) -> Result<Screen> {
    Screen::with(format, view, to, Layout::Row, &|view, out| {
        let view = View {
            calls: true,
            ..view
        };
        Box::new(Same::new(Text::new(view, out)))
    })
}

impl Experiment for OneClaim {
    type Found = Tried;

    fn questions(&self) -> Vec<Question<Tried>> {
        questions::questions(self.0)
    }

    fn set_up(&self) -> String {
        format!("{}: {}", self.0.id, self.0.claim)
    }

    fn announce(&self, screen: &Screen, predict: &PredictArgs) -> Result<()> {
        match screen.format {
            Format::Text => screen.text(|out| text::question(self.0, out))?,
            Format::Json if predict.asks() => tell(&self.set_up()),
            Format::Json => {}
        }
        Ok(())
    }

    fn run(&self, screen: &Screen) -> Result<Tried> {
        Ok(try_out(self.0, &mut *screen.audience.lock())?)
    }

    fn text(&self, tried: &Tried, compared: &[Compared], screen: &Screen) -> Result<()> {
        let next = next::after_claim(self.0, !compared.is_empty());
        Ok(screen.text(|out| {
            text::answer(tried, screen.view, out)?;
            if !compared.is_empty() {
                writeln!(out)?;
                predict::text("", compared, out)?;
            }
            writeln!(out, "\n{next}")
        })?)
    }

    fn conclude(&self, tried: &Tried, screen: &Screen) -> Result<()> {
        if let Some((page, _)) = &screen.page {
            page.sources(&SOURCES);
            let mut text = Vec::new();
            text::answer(tried, VIEW, &mut text)?;
            page.name(&format!("{} | {}", self.0.id, self.0.claim));
            let finding = &tried.finding;
            let (first, rest) = finding.verdict.name().split_at(1);
            let verdict = first.to_uppercase() + rest;
            page.conclude(&format!("{verdict}: {}.", finding.evidence), &text);
        }
        Ok(())
    }

    fn json(&self, tried: &Tried, screen: &Screen) -> Result<(), OutputError> {
        json::tried(tried, 1, screen)
    }
}
