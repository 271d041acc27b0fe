//! The picture against the records of the same run, for random buffers,
//! messages and clients.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;
use serde_json::Value;

use crate::{Directory, State, data, page_of, states};

const SERVERS: [&[&str]; 8] = [
    &["lt"],
    &["lt", "--read", "drain"],
    &["lt", "--read", "drain", "--socket", "nonblocking"],
    &["et-blocking", "--read", "once"],
    &["et-blocking"],
    &["et-nonblock"],
    &["et-nonblock", "--read", "once"],
    &["blocking"],
];

#[derive(Clone, Debug)]
struct Case {
    server: usize,
    messages: Vec<Vec<u8>>,
    buffer: u32,
    clients: u32,
}

fn case() -> impl Strategy<Value = Case> {
    let message = prop_oneof![
        3 => prop::collection::vec(1..=255u8, 1..30),
        1 => prop::collection::vec(1..=255u8, 30..400),
    ];
    let messages = prop::collection::vec(message, 1..4);
    (0..SERVERS.len(), messages, 1..48u32, 1..=7u32).prop_map(
        |(server, messages, buffer, clients)| Case {
            server,
            messages,
            buffer,
            clients,
        },
    )
}

impl Case {
    fn run(&self) -> Value {
        let directory = Directory::new("fold");
        let mut args: Vec<OsString> = SERVERS[self.server].iter().map(OsString::from).collect();
        for message in &self.messages {
            args.push(OsString::from_vec([b"--message=", &message[..]].concat()));
        }
        let (buffer, clients) = (self.buffer.to_string(), self.clients.to_string());
        let rest = ["--buffer", &buffer, "--clients", &clients, "--stall", "0s"];
        args.extend(rest.map(OsString::from));
        let page = page_of(args, &directory.file("page.html"));
        data(&page)["runs"][0].clone()
    }
}

fn count(state: &State, name: &str, key: &str) -> u64 {
    let value = state.get(&format!("{name}.{key}"));
    value.and_then(Value::as_u64).unwrap_or(0)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The records that a moment was made from.
fn records<'a>(run: &'a Value, moment: &Value) -> &'a [Value] {
    let range = list(moment, "r");
    let at = |index: usize| range.get(index).and_then(Value::as_u64).unwrap_or(0) as usize;
    &list(run, "records")[at(0)..at(1)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_picture_is_what_the_records_say(case in case()) {
        let run = case.run();
        let (moments, states) = (list(&run, "moments"), states(&run));
        let summary = list(&run, "records").last().expect("a summary");
        prop_assert_eq!(&summary["type"], "summary");

        // The counters at the last moment.
        let last = states.last().expect("a moment");
        for row in list(summary, "clients") {
            let name = row["client"].as_str().expect("a name");
            for (key, named) in [
                ("rep", "reports"), ("hup", "hangups"), ("recv", "recv"), ("eag", "eagain"),
                ("sent", "sent"), ("read", "received"), ("back", "echoed"), ("un", "unread"),
            ] {
                prop_assert_eq!(&row[named], count(last, name, key), "{} of {}", named, name);
            }
        }
        let waits = last.get("waits").and_then(Value::as_u64).unwrap_or(0);
        prop_assert_eq!(&summary["wait"]["returns"], waits);
        let listener = last.get("lrep").and_then(Value::as_u64).unwrap_or(0);
        prop_assert_eq!(&summary["listener"]["reports"], listener);

        // What was derived met what was measured, and agreed.
        prop_assert_eq!(&run["differed"], 0);
        let (mut measured, mut rests) = (0, 0);
        for (k, moment) in moments.iter().enumerate() {
            let echoed = moment["k"] == "sleep";
            for record in records(&run, moment).iter().filter(|_| !echoed) {
                let named = [record].into_iter().chain(list(record, "events"));
                for told in named.filter(|told| told["unread"].is_u64()) {
                    let name = told["name"].as_str().expect("a name");
                    prop_assert_eq!(&told["unread"], count(&states[k], name, "un"), "{}", record);
                    measured += 1;
                }
                let asleep = record.get("server_asleep").unwrap_or(record);
                if let (Some(ready), true) = (asleep["ready"].as_bool(), k > 0) {
                    let derived = states[k - 1].contains_key("ready");
                    prop_assert_eq!(ready, derived, "before {}", record);
                    rests += 1;
                }
            }
        }
        prop_assert!(measured > 0);
        prop_assert_eq!(rests > 0, run["api"] == "epoll");
        let compared = run["compared"].as_u64().unwrap_or(0);
        prop_assert!(compared >= measured + rests, "{} of {}", compared, measured + rests);

        // Every line of the trace belongs to a moment, but for the headings.
        let (mut next, mut headings) = (0, 0);
        for moment in moments {
            let (first, last) = (moment["l"][0].as_u64(), moment["l"][1].as_u64());
            let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
            if moment["h"] != true {
                headings += first.saturating_sub(next);
            }
            prop_assert!(last < list(&run, "lines").len() as u64);
            if moment["h"] != true { next = next.max(last + 1); }
        }
        prop_assert_eq!(next, list(&run, "lines").len() as u64);
        prop_assert_eq!(headings, 2, "the headings of the columns");
    }
}
