//! How a record is written: the one place where JSON is made.

use std::io::{self, Write};

use serde::Serialize;

/// A record: its type, where it belongs, and what it says.
#[derive(Serialize)]
pub(super) struct Line<'a, T: Serialize> {
    pub(super) r#type: &'static str,
    /// Which run of the command, counted from 1; null: of none.
    pub(super) run: Option<u32>,
    /// The order of what happened, over all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    #[serde(flatten)]
    pub(super) data: &'a T,
}

/// Writes a record of this type that stands in no trace; `run`: the number of
/// the run that it is about, if of one.
pub fn line<T: Serialize>(
    r#type: &'static str,
    run: Option<u32>,
    data: &T,
    out: &mut impl Write,
) -> io::Result<()> {
    let line = Line {
        r#type,
        run,
        seq: None,
        data,
    };
    write_line(&line, out)
}

/// Writes a record, whatever it is: in one piece, because serde_json writes
/// each key and each comma by itself, and `out` may have a lock to take.
pub(super) fn write_line<T: Serialize>(line: &Line<'_, T>, out: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::with_capacity(512);
    serde_json::to_writer(&mut text, line)?;
    text.push(b'\n');
    out.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_first_then_the_run_and_each_key_once() {
        #[derive(Serialize)]
        struct Data {
            calls: Option<u64>,
        }
        let mut out = Vec::new();
        line("folded", Some(2), &Data { calls: Some(3) }, &mut out).unwrap();
        line("claim", None, &Data { calls: None }, &mut out).unwrap();
        let lines = "{\"type\":\"folded\",\"run\":2,\"calls\":3}\n\
                     {\"type\":\"claim\",\"run\":null,\"calls\":null}\n";
        assert_eq!(String::from_utf8(out).unwrap(), lines);
    }
}
