//! A run as the page reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lab::report::EventLoop;
use crate::server::mode::SocketKind;
use crate::show::page::html::escape;
use crate::show::page::moment::Ask;
use crate::show::page::pack::{self, Packed, Shared, Short};
use crate::show::page::part::Part;
use crate::trace::escape::escape as as_strace;

/// The run as the page reads it.
#[derive(Serialize)]
pub struct Data<'a> {
    command: &'a str,
    traced: String,
    title: &'a str,
    chips: Vec<&'a str>,
    api: &'static str,
    wait: Option<&'static str>,
    rules: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    foreign: bool,
    nonblock: bool,
    buffer: usize,
    names: Vec<String>,
    streams: BTreeMap<&'a str, String>,
    records: Vec<Packed<'a>>,
    moments: Vec<Short<'a>>,
    asks: &'a [Ask],
    compared: u64,
    differed: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

impl Part {
    /// As a program without pictures prints it, for whoever has no JavaScript,
    /// and for paper. The page takes the lines of its trace from here.
    pub fn text(&self) -> String {
        let trace = escape(&self.lines.join("\n"));
        let (command, head) = (escape(&self.traced()), escape(&self.head));
        let tail = escape(self.tail.trim_end());
        format!(
            "<h2>$ {command}</h2>\n<pre>{head}\n\n<span class=\"lines\">{trace}</span>\n{tail}</pre>"
        )
    }

    /// The command line that prints the trace.
    fn traced(&self) -> String {
        match self.foreign {
            true => self
                .command
                .replacen("epoll-lab watch", "epoll-lab watch --trace", 1),
            false => format!("{} --trace", self.command),
        }
    }

    /// See [`Data`].
    pub fn data(&self, shared: &mut Shared) -> Data<'_> {
        let run = self.run.as_ref();
        let chips = self.head.strip_prefix(&self.title).unwrap_or(&self.head);
        let checks = self.fold.checks();
        let streams = self.streams.iter();
        Data {
            command: &self.command,
            traced: self.traced(),
            title: &self.title,
            chips: chips.split(" | ").filter(|chip| !chip.is_empty()).collect(),
            api: run.map_or(EventLoop::Epoll, |run| run.api).name(),
            wait: run.map_or(Some("epoll_wait"), |run| run.api.wait_call()),
            rules: self.fold.has_rules(),
            foreign: self.foreign,
            nonblock: run.is_none_or(|run| run.socket == SocketKind::Nonblocking),
            buffer: run.map_or(0, |run| run.buffer),
            names: self.fold.names(),
            streams: streams
                .map(|(name, bytes)| (name.as_str(), as_strace(bytes)))
                .collect(),
            records: self
                .records
                .iter()
                .map(|it| shared.records.add(it))
                .collect(),
            moments: pack::moments(&self.moments, &mut shared.texts),
            asks: &self.asks,
            compared: checks.compared,
            differed: checks.differed,
            cut: self.cut,
        }
    }
}
