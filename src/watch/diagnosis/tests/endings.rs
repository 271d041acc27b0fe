//! A client has hung up, or the server has before it had read all.

use super::*;

#[test]
fn the_end_is_left_open() {
    let open = "A has hung up, and its fd stays open, asleep in epoll_wait.";
    let says = |seen: &Seen, why: &str, lesson| {
        super::says(seen, "NOT CLOSED", &format!("{open}{why}"), Some(lesson));
    };
    let mut seen = well();
    seen.clients[0].left_open = true;
    says(&seen, " No recv has met the end.", TO_SHIP);
    seen.wait_call = Some("select");
    says(&seen, " No recv has met the end.", SELECT);

    seen.wait_call = Some("epoll_wait");
    seen.clients[0].edge = Some(true);
    says(&seen, " No recv has met the end.", EDGE_HANGS);
    seen.act = Act::Leave; // the end came with the bytes
    let sentence = " No recv has met the end: edge-triggered reports it once, with the last bytes.";
    says(&seen, sentence, EDGE_HANGS);
    seen.clients[0].one_shot = true;
    let sentence = " No recv has met the end: EPOLLONESHOT reports once, and not again before an \
                    EPOLL_CTL_MOD.";
    says(&seen, sentence, THE_API);

    seen.clients[0].counts.ended = true;
    says(&seen, " recv has returned 0: then close is due.", TO_SHIP);
}

#[test]
fn closed_before_all_was_read() {
    let mut seen = well();
    seen.clients[0].over = true;
    says(&seen, "OK", &judge(&well()).why, None); // it had read all
    seen.clients[0].back = 5;
    let counts = &mut seen.clients[0].counts;
    (counts.received, counts.echoed) = (5, 5);
    let sentence = "8 bytes of A never read: its fd was closed before.";
    says(&seen, "UNREAD", sentence, Some(TO_SHIP));
    assert_eq!(judge(&seen).clients, [A]);
    seen.act = Act::Leave;
    let told = " The end is reported while bytes wait: recv returns 0 after the last.";
    says(&seen, "UNREAD", &format!("{sentence}{told}"), Some(TO_SHIP));

    // An answer, and no wish to hear more.
    (seen.act, seen.echo) = (Act::Basic, false);
    assert_eq!(judge(&seen).verdict, Verdict::Ok);
    seen.clients[0].back = 0;
    seen.clients[0].counts.received = 0;
    assert_eq!(judge(&seen).verdict, Verdict::Unread);
}

#[test]
fn sent_to_somebody_else() {
    let mut seen = well();
    seen.clients[0].counts.echoed = 0;
    seen.clients[1].counts.echoed = 17;
    let sentence = "13 bytes of A were read, and nothing was sent back (B was sent 17 bytes, and \
                    had sent 4).";
    says(&seen, "LOST", sentence, Some(WRITING));
}
