//! What a page says twice it holds once: sentences that differ in names and
//! numbers only, and records that differ in a few fields. `model.js` has the
//! way back.
//!
//! With a hundred clients this is the difference between a page of a megabyte
//! and one of less than half.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::show::page::board::Delta;
use crate::show::page::moment::{Flow, Kind, Moment};

/// What several runs share.
#[derive(Debug, Default)]
pub struct Shared {
    /// See [`Texts`].
    pub texts: Texts,
    /// See [`Records`].
    pub records: Records,
}

/// The forms of all that is said: what stands between the names and numbers.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Texts {
    forms: Vec<Vec<String>>,
    #[serde(skip)]
    known: BTreeMap<Vec<String>, usize>,
}

impl Texts {
    /// The number of the form, and what stands in its gaps: `[7,"A",13]`;
    /// without gaps the number alone.
    pub fn add(&mut self, text: &str) -> Value {
        let (mut form, mut piece, mut gaps) = (Vec::new(), String::new(), Vec::new());
        for word in words(text) {
            match gap(word) {
                Some(value) => {
                    gaps.push(value);
                    form.push(std::mem::take(&mut piece));
                }
                None => piece += word,
            }
        }
        form.push(piece);
        let next = self.known.len();
        let number = *self.known.entry(form.clone()).or_insert(next);
        if number == next {
            self.forms.push(form);
        }
        match gaps.is_empty() {
            true => number.into(),
            false => [Value::from(number)].into_iter().chain(gaps).collect(),
        }
    }
}

/// Runs of letters and digits, and what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = is_word(rest.chars().next()?);
        let end = rest.find(|letter| is_word(letter) != kind);
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(word)
    })
}

/// A number, or what may be a client's name.
fn gap(word: &str) -> Option<Value> {
    match word.parse::<u32>() {
        Ok(number) if number.to_string() == word => return Some(number.into()),
        _ => {}
    }
    let is_name = word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    is_name.then(|| word.into())
}

/// A record, its fields in their order.
#[derive(Debug)]
struct Fields(Vec<Field>);

type Field = (String, Box<RawValue>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(InOrder)
    }
}

/// What a record brings that the last one with the same call and the same
/// fields has not.
#[derive(Debug)]
pub struct Changed(Vec<Field>);

impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A record.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Packed<'a> {
    /// The first of its kind; kinds are counted from 0.
    Whole(&'a RawValue),
    /// Its kind, and what has changed. `seq` goes on by one where it is not
    /// among it.
    Like(usize, Changed),
}

/// The last record of each kind, and the number of the last one.
#[derive(Debug, Default)]
pub struct Records {
    kinds: Vec<Vec<Field>>,
    seq: u64,
}

impl Records {
    /// The next one.
    pub fn add<'a>(&mut self, record: &'a RawValue) -> Packed<'a> {
        let Ok(Fields(fields)) = serde_json::from_str(record.get()) else {
            return Packed::Whole(record); // a record is an object
        };
        let expected = self.seq + 1;
        let seq = fields.iter().find(|(name, _)| name == "seq");
        self.seq = seq
            .and_then(|(_, seq)| seq.get().parse().ok())
            .unwrap_or(self.seq);
        let Some(kind) = self.kinds.iter().position(|kind| is_like(kind, &fields)) else {
            self.kinds.push(fields);
            return Packed::Whole(record);
        };
        let last = std::mem::replace(&mut self.kinds[kind], fields.clone());
        let changed = fields.into_iter().zip(last);
        let changed = changed.filter(|((name, new), (_, old))| match name.as_str() {
            "seq" => self.seq != expected,
            _ => new.get() != old.get(),
        });
        Packed::Like(kind, Changed(changed.map(|(field, _)| field).collect()))
    }
}

/// The same fields, of the same call.
fn is_like(one: &[Field], other: &[Field]) -> bool {
    let is_same = |((name, value), (other, there)): (&Field, &Field)| {
        let tells = matches!(name.as_str(), "type" | "call");
        name == other && (!tells || value.get() == there.get())
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// A moment, without what follows from the one before it.
#[derive(Debug, Serialize)]
pub struct Short<'a> {
    /// `call`, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<Kind>,
    s: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: &'a Option<String>,
    /// Its lines, see [`range`].
    #[serde(skip_serializing_if = "Option::is_none")]
    l: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    h: bool,
    /// Its records, see [`range`].
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    f: &'a Option<Flow>,
    /// The place of the last moment, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<Option<(usize, usize)>>,
    #[serde(skip_serializing_if = "Delta::is_empty")]
    d: Delta,
}

/// All moments of a run.
pub fn moments<'a>(moments: &'a [Moment], texts: &mut Texts) -> Vec<Short<'a>> {
    let (mut line, mut record, mut place) = (0, 0, None);
    let short = moments.iter().map(|moment| {
        let (from, to) = (moment.l.0, moment.l.1 + 1);
        let lines = range(from, to, line);
        let made = range(moment.r.0, moment.r.1, record);
        if !moment.h {
            // Half a line: the other half is the next moment's.
            (line, record) = (to, moment.r.1);
        }
        // A thread that sleeps, or whose client acts, stays in its line.
        let called = matches!(moment.k, Kind::Call | Kind::Report);
        let stands = if called { moment.p } else { moment.p.or(place) };
        let new_place = Some(stands).filter(|stands| *stands != place);
        place = stands;
        Short {
            k: Some(moment.k).filter(|kind| *kind != Kind::Call),
            s: texts.add(&moment.s),
            c: &moment.c,
            l: lines,
            h: moment.h,
            r: made,
            w: (!moment.w.is_empty()).then(|| texts.add(&moment.w.join(" "))),
            f: &moment.f,
            p: new_place,
            d: delta(&moment.d, texts),
        }
    });
    short.collect()
}

/// What has changed; the calls among it are texts.
fn delta(delta: &Delta, texts: &mut Texts) -> Delta {
    let mut delta = delta.clone();
    for key in ["call", "call2"] {
        if let Some(Value::String(text)) = delta.get(key) {
            let packed = texts.add(text);
            delta.insert(key.into(), packed);
        }
    }
    delta
}

/// Where a range goes on at `next`, its length will do; one is not said.
fn range(from: usize, to: usize, next: usize) -> Option<Value> {
    match (from == next, to - from) {
        (true, 1) => None,
        (true, length) => Some(length.into()),
        (false, _) => Some(vec![from, to].into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_share_what_stands_between_names_and_numbers() {
        let mut texts = Texts::default();
        assert_eq!(texts.add("A sends 13 bytes."), json!([0, "A", 13]));
        assert_eq!(texts.add("BC sends 4 bytes."), json!([0, "BC", 4]));
        assert_eq!(texts.add("Nobody."), json!(1));
        assert_eq!(
            texts.add("007 é 99999999999"),
            json!(2),
            "only what comes back the same"
        );
        let forms = json!([
            ["", " sends ", " bytes."],
            ["Nobody."],
            ["007 é 99999999999"]
        ]);
        assert_eq!(serde_json::to_value(&texts).unwrap(), forms);
    }

    #[test]
    fn a_record_says_what_has_changed() {
        let lines = [
            r#"{"type":"run","run":1}"#,
            r#"{"type":"call","run":1,"seq":1,"call":"recv","data":"a"}"#,
            r#"{"type":"call","run":1,"seq":2,"call":"close"}"#,
            r#"{"type":"call","run":1,"seq":3,"call":"recv","data":"b"}"#,
            r#"{"type":"call","run":1,"seq":9,"call":"recv","data":"b"}"#,
        ];
        let raw = lines.map(|line| RawValue::from_string(line.into()).unwrap());
        let mut records = Records::default();
        let packed = raw
            .iter()
            .map(|raw| serde_json::to_value(records.add(raw)).unwrap());
        let packed: Vec<Value> = packed.collect();
        assert_eq!(packed[1]["call"], "recv");
        assert_eq!(packed[3], json!([1, {"data": "b"}]));
        assert_eq!(packed[4], json!([1, {"seq": 9}]));
    }
}
