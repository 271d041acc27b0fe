//! The JSON contract: the table of the README, and records held against it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::Lines;
use super::markdown::root;

/// What a record has, or an object in one.
#[derive(Debug, Default)]
pub struct Fields {
    /// In each of them.
    always: Vec<Field>,
    /// Where the table says so.
    sometimes: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    /// What its objects have, where the table names that.
    within: Option<Fields>,
}

/// The table: by type, what its records have.
pub struct Contract(Vec<(String, Fields)>);

impl Contract {
    pub fn of_the_readme() -> Contract {
        let readme = fs::read_to_string(root().join("README.md")).expect("the README");
        let section = readme.split("\n## JSON\n").nth(1).expect("JSON");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| {
            let (kind, cell) = line.strip_prefix("| `")?.split_once("` | ")?;
            (kind != "type").then(|| (kind.to_string(), Fields::parse(cell)))
        });
        Contract(rows.collect())
    }

    /// Each record has a type of the table, all that the table promises, and
    /// nothing that it does not name.
    #[track_caller]
    pub fn holds(&self, lines: &Lines, command: &str) {
        assert!(!lines.0.is_empty(), "{command} has printed nothing");
        for record in &lines.0 {
            let kind = record["type"].as_str().expect("a type");
            let row = self.0.iter().find(|(name, _)| name == kind);
            let (_, fields) = row.unwrap_or_else(|| panic!("{command}: no {kind} in the table"));
            let mut faults = Vec::new();
            fields.compare(record, kind, &["type", "run", "seq"], &mut faults);
            assert!(faults.is_empty(), "{command}: {faults:#?}\n{record}");
            assert!(record.get("run").is_some(), "{command}: no run in {record}");
        }
    }

    /// All keys that the table names: `summary.clients.recv`.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (kind, fields) in &self.0 {
            fields.name(kind, &mut names);
        }
        names
    }
}

impl Fields {
    /// A cell, or what stands between its braces: names in backticks, and
    /// behind them what their objects have. What is in parentheses explains.
    pub fn parse(text: &str) -> Fields {
        let mut fields = Fields::default();
        let mut conditional = false;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let mut length = first.len_utf8();
            let list = match conditional {
                true => &mut fields.sometimes,
                false => &mut fields.always,
            };
            match first {
                ';' => conditional = true,
                // The next sentence speaks of something else.
                '.' if rest.starts_with(". ") => break,
                '`' => {
                    length = 2 + rest[1..].find('`').expect("a second backtick");
                    let name = &rest[1..length - 1];
                    // Commands and their flags stand among the names.
                    let is_key = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                    let explains = rest[length..].starts_with(':');
                    if is_key && !explains && !is_command(name) {
                        list.push(Field {
                            name: name.into(),
                            within: None,
                        });
                    }
                }
                '(' | '[' | '{' => {
                    length = group(rest);
                    let inner = rest[1..length - 1].trim_matches(['{', '}']);
                    let of = list.last_mut().filter(|_| inner.starts_with('`'));
                    if let Some(of) = of.filter(|_| rest.starts_with('{') || rest.starts_with("[{"))
                    {
                        of.within = Some(Fields::parse(inner));
                    }
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        fields
    }

    /// What is wrong with an object.
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.compare(value, "it", &[], &mut faults);
        faults
    }

    fn compare(&self, value: &Value, path: &str, besides: &[&str], faults: &mut Vec<String>) {
        let Some(object) = value.as_object() else {
            return faults.push(format!("{path} is no object"));
        };
        for field in &self.always {
            if !object.contains_key(&field.name) {
                faults.push(format!("{path} has no {}", field.name));
            }
        }
        for (key, value) in object {
            let all = self.always.iter().chain(&self.sometimes);
            let field = all.clone().find(|field| field.name == *key);
            let path = format!("{path}.{key}");
            match (field, value) {
                (None, _) if besides.contains(&&**key) => {}
                (None, _) => faults.push(format!("{path} is not in the table")),
                (_, Value::Null) => {}
                (Some(field), value) => {
                    let one = std::slice::from_ref(value);
                    let each = value.as_array().map_or(one, Vec::as_slice);
                    if let Some(within) = &field.within {
                        for value in each {
                            within.compare(value, &path, &[], faults);
                        }
                    }
                }
            }
        }
    }

    fn name(&self, path: &str, names: &mut BTreeSet<String>) {
        for field in self.always.iter().chain(&self.sometimes) {
            let path = format!("{path}.{}", field.name);
            if let Some(within) = &field.within {
                within.name(&path, names);
            }
            names.insert(path);
        }
    }
}

/// Words that say whose records these are.
fn is_command(name: &str) -> bool {
    ["watch", "matrix", "claims"].contains(&name)
}

/// The length of what the bracket at the start of `text` encloses, with it.
fn group(text: &str) -> usize {
    let mut depth = 0;
    for (at, char) in text.char_indices() {
        depth += i32::from("([{".contains(char));
        depth -= i32::from(")]}".contains(char));
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("no end: {text}")
}

/// All keys of these records: `summary.clients.recv`.
pub fn keys(lines: &Lines) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for record in &lines.0 {
        add_keys(record, record["type"].as_str().expect("a type"), &mut keys);
    }
    keys
}

fn add_keys(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = format!("{path}.{key}");
                add_keys(value, &path, keys);
                keys.insert(path);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| add_keys(value, path, keys)),
        _ => {}
    }
}
