//! The flags `--html` and `--open`: the run as a page.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::commands::predict::{Answer, Kind, Measured, Question};
use crate::show::page::{Asked, Page, numbers};
use crate::show::tell;
use crate::trace::io_error_text;

/// Where a page goes, and what becomes of it.
#[derive(Clone, Debug, Default, Args)]
pub struct PageArgs {
    /// Write the run as a page that steps forward and back
    #[arg(long, value_name = "FILE", help_heading = "The page")]
    #[arg(value_parser = file())]
    pub html: Option<PathBuf>,

    /// Open that page with the desktop's browser
    #[arg(long, requires = "html", help_heading = "The page")]
    pub open: bool,
}

/// Takes a file's name: a page is replaced as a whole, which standard output
/// is not.
pub fn file() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some("") => Err("it takes the name of a file"),
        Some("-") => Err("a page is a file, and replaced as a whole: it takes a name"),
        _ => Ok(text.into()),
    })
}

/// Puts the questions of a command on its page, with what was measured.
pub fn ask<R>(page: &Page, questions: Vec<Question<R>>, found: &R) {
    for question in questions {
        let Measured { answer, reason } = (question.measure)(found);
        let Some(answer) = answer else {
            continue; // the run did not come to it
        };
        // What is asked of all runs together stands with the last one.
        let run = question.run.unwrap_or_else(|| page.runs());
        let (options, answer) = match (question.kind, answer) {
            (_, Answer::Count(count)) => numbers(&question.text, count),
            (Kind::Word(choices), Answer::Word(word)) => {
                let words: Vec<String> = choices.iter().map(|c| c.word.to_string()).collect();
                let answer = words.iter().position(|known| known == word);
                (words, answer.unwrap_or(0))
            }
            (Kind::Count, Answer::Word(_)) => continue,
        };
        let asked = Asked {
            question: question.text,
            options,
            answer,
            reason,
        };
        page.ask(run, asked);
    }
}

/// Writes the page, and opens it where that is wanted.
pub fn finish(page: &Page, open: bool) -> Result<()> {
    page.write()?;
    if open {
        // From the root on: a name that begins with - is none of its flags.
        let path = page.path();
        let path = path.canonicalize().unwrap_or(path);
        let started = Command::new("xdg-open")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        // It is not waited for: it may become the browser.
        if let Err(error) = started {
            // The page is there all the same.
            tell(&format!(
                "epoll-lab: --open: xdg-open: {}; the page is {}",
                io_error_text(&error),
                path.display()
            ));
        }
    }
    Ok(())
}
