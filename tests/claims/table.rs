//! The list and the table of all claims, and those that are left out.

use epoll_lab::claims;

use crate::common::{run, shell, stdout};
use crate::ids::IDS;
use crate::{fits, left_out, verdicts};

#[test]
fn every_claim_is_listed_in_order() {
    let ids: Vec<&str> = claims::all().map(|claim| claim.id).collect();
    assert_eq!(ids, IDS);
    let list = stdout(&["claims", "--list"]);
    fits(&list);
    let listed = list.lines().filter_map(|line| line.strip_prefix("  "));
    let listed: Vec<&str> = listed.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, IDS);
}

#[test]
fn the_table_has_a_line_a_claim_and_totals() {
    let table = stdout(&["claims"]);
    fits(&table);
    let verdicts = verdicts(&table);
    assert_eq!(verdicts.len(), IDS.len(), "{table}");
    let count = |verdict: &str| verdicts.values().filter(|v| *v == verdict).count();
    let totals = format!(
        "85 claims: {} confirmed, {} refuted, {} depends, {} not tried",
        count("confirmed"),
        count("refuted"),
        count("depends"),
        count("not tried")
    );
    assert!(table.contains(&totals), "{totals}\n{table}");
}

#[test]
fn what_cannot_be_tried_says_why() {
    // No room for fd 1024, and for 10,000 eventfds.
    let script = "ulimit -n 256; $LAB claims fd-limit && $LAB claims tree-cost";
    let text = run(&mut shell(script)).ok().stdout();
    assert_eq!(text.matches("=> NOT TRIED: ").count(), 2, "{text}");
    assert!(text.contains("ulimit -n"), "{text}");
    assert!(text.contains("the hard limit is 256"), "{text}");
    fits(&text);
    // A low soft limit is no reason.
    let text = run(&mut shell("ulimit -Sn 64; $LAB claims")).stdout();
    let not_tried = format!(", {} not tried", left_out().len());
    assert!(text.contains(&not_tried), "{text}");
}

#[test]
fn nothing_else_is_left_out() {
    let table = stdout(&["claims"]);
    let not_tried: Vec<String> = verdicts(&table)
        .into_iter()
        .filter(|(_, verdict)| verdict == "not tried")
        .map(|(id, _)| id)
        .collect();
    let evidence = stdout(&["claims", "--evidence"]);
    assert_eq!(not_tried, left_out(), "{evidence}");
    fits(&evidence);
}
