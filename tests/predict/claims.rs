//! What a claim is asked, and that the answers are what its trace shows.

use serde_json::Value;

use crate::common::{Lines, lab, number, run, shell};
use crate::predictions;

fn asked(id: &str, predicted: &str) -> Lines {
    let line = format!("claims {id} --trace --format json --predict {predicted}");
    run(&mut lab(&line)).ok().json()
}

#[test]
fn a_verdict_is_predicted_in_any_of_its_words() {
    for (said, meant) in [
        ("true", "confirmed"),
        ("C", "confirmed"),
        ("no", "refuted"),
        ("dep", "depends"),
    ] {
        let lines = asked("ctl-errors", said);
        let verdict = lines.of("claim").next().unwrap();
        let [prediction] = predictions(&lines)[..] else {
            panic!("one question: {said}");
        };
        assert_eq!(prediction["predicted"], meant);
        assert_eq!(prediction["measured"], verdict["verdict"]);
    }
}

/// A claim that cannot be tried has no verdict to predict: no answer is right,
/// and the reason stands where the kernel's would.
#[test]
fn what_cannot_be_tried_is_not_measured() {
    let claim = |options: &str| {
        // No room for fd 1024.
        let line = "ulimit -n 256; exec \"$LAB\" claims fd-limit --predict depends";
        run(&mut shell(&format!("{line} {options}"))).ok()
    };
    let lines = claim("--format json").json();
    let verdict = lines.of("claim").next().unwrap();
    assert_eq!(verdict["verdict"], "not tried");
    let [prediction] = predictions(&lines)[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(prediction["predicted"], "depends");
    assert_eq!(prediction["measured"], Value::Null);
    let text = claim("").stdout();
    let row = text.lines().find(|line| line.starts_with("1. "));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    assert!(
        row.ends_with("  depends       -  fcntl(3<A>): EINVAL"),
        "{text}"
    );
}

/// The calls of a claim, as its trace has them.
struct Calls<'a>(Vec<&'a Value>);

impl Calls<'_> {
    fn from<'a>(records: impl Iterator<Item = &'a Value>) -> Calls<'a> {
        Calls(records.filter(|record| record["type"] == "call").collect())
    }

    /// The sum of what `call` returned, errors aside.
    fn returned(&self, call: &str) -> u64 {
        let calls = self.0.iter().filter(|record| record["call"] == call);
        calls.filter_map(|record| record["result"].as_u64()).sum()
    }

    fn events(&self) -> u64 {
        self.returned("epoll_wait")
    }

    fn received(&self) -> u64 {
        self.returned("recv")
    }
}

fn is_sent(record: &Value, data: &str) -> bool {
    record["action"] == "send" && record["data"] == data
}

/// Each is counted again from the records of the calls.
#[test]
fn a_count_is_what_the_trace_shows() {
    type Recount = dyn Fn(&[Value]) -> u64;
    let recounts: [(&str, &Recount); 5] = [
        ("lt-repeats", &|all| Calls::from(all.iter()).events()),
        ("et-once", &|all| 13 - Calls::from(all.iter()).received()),
        ("et-writable-once", &|all| Calls::from(all.iter()).events()),
        ("et-every-arrival", &|all| {
            let apart = all.iter().take_while(|record| !is_sent(record, "four"));
            Calls::from(apart).events()
        }),
        ("maxevents", &|all| {
            // The second of two instances is the edge-triggered one.
            let created = |record: &Value| record["call"] == "epoll_create1";
            let edge = all.iter().rposition(created).expect("two instances");
            Calls::from(all[edge..].iter()).events()
        }),
    ];
    for (id, recount) in recounts {
        let lines = asked(id, "0,confirmed");
        let [count, verdict] = predictions(&lines)[..] else {
            panic!("two questions: {id}");
        };
        assert_eq!(number(count, "measured"), recount(&lines.0), "{id}");
        let claim = lines.of("claim").next().unwrap();
        assert_eq!(verdict["measured"], claim["verdict"], "{id}");
    }
}

/// Wherever a count is asked for, the experiment has counted it.
#[test]
fn every_count_is_measured() {
    let ids = run(&mut lab("claims --list --format json")).ok().json();
    let mut counts = 0;
    for claim in ids.of("claim") {
        let id = claim["id"].as_str().expect("an id");
        let questions = run(&mut lab(&format!("claims {id} --predict ,,")));
        if !questions.stderr().contains("2 answers are asked for") {
            continue;
        }
        let lines = asked(id, "0,confirmed");
        let predictions = predictions(&lines);
        let claim = lines.of("claim").next().unwrap();
        let tried = claim["verdict"] != "not tried";
        assert_eq!(predictions[0]["measured"].is_u64(), tried, "{id}");
        counts += 1;
    }
    assert!(counts > 0);
}
