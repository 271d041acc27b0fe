//! What `model.js` does with the data before anything is drawn: the page holds
//! only once what it says twice.

use serde_json::{Map, Value, json};

pub fn all(data: &mut Value, page: &str) {
    let texts = data["texts"].take();
    let lines = page.split("<span class=\"lines\">").skip(1);
    let runs = data["runs"].as_array_mut().expect("runs");
    let mut last = Last::default();
    for (run, lines) in runs.iter_mut().zip(lines) {
        let (lines, _) = lines.split_once("</span>").expect("its end");
        run["lines"] = plain(lines).split('\n').collect();
        records(&mut run["records"], &mut last);
        moments(&mut run["moments"], &texts);
    }
}

fn plain(html: &str) -> String {
    let plain = html.replace("&lt;", "<").replace("&gt;", ">");
    let plain = plain.replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&amp;", "&")
}

/// A form with its gaps filled.
fn text(packed: &Value, texts: &Value) -> String {
    let one = [packed.clone()];
    let parts = packed.as_array().map_or(&one[..], Vec::as_slice);
    let form = texts[parts[0].as_u64().expect("a form") as usize].as_array();
    let form = form
        .expect("pieces")
        .iter()
        .map(|it| it.as_str().expect("a piece"));
    let gaps = parts[1..].iter().map(|gap| match gap {
        Value::String(name) => name.clone(),
        number => number.to_string(),
    });
    let gaps: Vec<String> = gaps.chain([String::new()]).collect();
    assert_eq!(gaps.len(), form.len());
    form.zip(gaps)
        .map(|(piece, gap)| format!("{piece}{gap}"))
        .collect()
}

/// The last record of each kind, and the number of the last one.
#[derive(Default)]
struct Last {
    kinds: Vec<Map<String, Value>>,
    seq: u64,
}

/// What differs from the last of its kind.
fn records(records: &mut Value, last: &mut Last) {
    let Last { kinds, seq } = last;
    for record in records.as_array_mut().expect("records") {
        match record {
            Value::Array(packed) => {
                let kind = packed[0].as_u64().expect("a kind") as usize;
                if kinds[kind].contains_key("seq") {
                    kinds[kind].insert("seq".into(), json!(*seq + 1));
                }
                kinds[kind].extend(packed[1].as_object().expect("fields").clone());
                *record = kinds[kind].clone().into();
            }
            ref whole => kinds.push(whole.as_object().expect("a record").clone()),
        }
        *seq = record["seq"].as_u64().unwrap_or(*seq);
    }
}

/// A moment goes on where the last one ended.
fn moments(moments: &mut Value, texts: &Value) {
    let (mut line, mut record) = (0, 0);
    for moment in moments.as_array_mut().expect("moments") {
        moment["s"] = text(&moment["s"], texts).into();
        if !moment["w"].is_null() {
            let look = text(&moment["w"], texts);
            moment["w"] = look.split(' ').collect();
        }
        for key in ["call", "call2"] {
            let said = moment["d"].get_mut(key).filter(|said| !said.is_null());
            if let Some(said) = said {
                *said = text(said, texts).into();
            }
        }
        if moment["k"].is_null() {
            moment["k"] = "call".into();
        }
        let [(first, to), made] = [range(&moment["l"], line), range(&moment["r"], record)];
        moment["l"] = json!([first, to - 1]);
        moment["r"] = json!([made.0, made.1]);
        if moment["h"] != true {
            (line, record) = (to, made.1);
        }
    }
}

/// A length, or from where to where.
fn range(told: &Value, next: u64) -> (u64, u64) {
    match told {
        Value::Array(both) => (both[0].as_u64().unwrap(), both[1].as_u64().unwrap()),
        Value::Null => (next, next + 1),
        length => (next, next + length.as_u64().expect("a length")),
    }
}
