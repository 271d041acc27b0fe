//! What a claim is asked: how often something will happen, where that is a
//! number that every run agrees on; and whether the claim is true.

use crate::claims::finding::{Figure, Verdict};
use crate::claims::{Claim, Tried};
use crate::commands::predict::{Answer, Choice, Kind, Measured, Question};

const VERDICTS: Kind = Kind::Word(&[
    Choice::new("confirmed", &["true", "yes"]),
    Choice::new("refuted", &["false", "no"]),
    Choice::new("depends", &[]),
]);

/// A question about a count of an experiment.
struct Count {
    /// [`Claim::id`].
    id: &'static str,
    /// What is asked, after what the claim says of its experiment.
    text: &'static str,
    /// Which of the figures answers it.
    figure: &'static str,
}

const fn count(id: &'static str, text: &'static str, figure: &'static str) -> Count {
    Count { id, text, figure }
}

/// For the claims whose experiment comes down to a count.
#[rustfmt::skip]
static COUNTS: [Count; 42] = [
    count("maxevents", "Edge-triggered: how many of the six waits report an fd?", "edge_reports"),
    count("wait-count", "What does epoll_wait return with maxevents 2?", "of_2"),
    count("no-mmap", "How many mappings of the eventpoll file are there?", "mappings"),
    count("lt-repeats", "How many reports are there?", "reports"),
    count("lt-both-sockets", "How many reports on the socket with O_NONBLOCK?", "nonblocking_reports"),
    count("et-once", "How many of the 13 bytes stay unread?", "unread"),
    count("et-new-data", "How many reports do the 3 bytes bring?", "reports"),
    count("et-every-arrival", "Three sends with a wait after each: how many reports?", "reports_apart"),
    count("et-masked-loss", "How many of the 130 bytes will be read?", "read"),
    count("et-short-read", "A: how many reports after the short recv?", "reports_after"),
    count("et-listener", "Two still wait: how many reports before the fourth?", "reports_while_two_wait"),
    count("et-faster", "The small message, ET drained: how many calls?", "et_drain_calls_small"),
    count("et-rearm", "How many reports does the MOD bring?", "after_mod"),
    count("oneshot", "How many reports while it is disarmed?", "while_disarmed"),
    count("drain-starves", "How many recv of A before B's turn, if A is drained?", "before_b"),
    count("lt-writable-spin", "How many of the 1,000 waits report EPOLLOUT?", "reports"),
    count("et-writable-once", "How many of the 1,000 waits report EPOLLOUT?", "reports"),
    count("et-writable-refill", "How many reports does the first byte read bring?", "at_first_byte"),
    count("half-close", "We send 12 bytes: how many arrive?", "arrived"),
    count("mask-zero", "A: how many of the three waits report the reset?", "level_reports"),
    count("close-unregisters", "How many reports after the first close?", "reports_after_close"),
    count("herd", "Plain: how many wake-ups for the 10 clients?", "plain_wakeups"),
    count("textbook-server", "How many of the four does the textbook's survive?", "textbook_survives"),
    count("exclusive-mod", "How many of the four does the kernel refuse?", "refused"),
    count("user-buffer", "Two lines are left in the buffer: how many reports?", "reports_of_the_rest"),
    count("out-once", "TCP: how many reports do the five sends bring?", "tcp"),
    count("out-needs-eagain", "85 % full, no EAGAIN, no poll: how many reports?", "without_eagain"),
    count("hup-peer", "How many bytes come after our own SHUT_RD?", "bytes_after"),
    count("eof-unclosed", "Level-triggered: how many of the 1,000 waits report it?", "level_reports"),
    count("backlog", "Nobody accepts: how many of the 8 are connected?", "waiting"),
    count("shared-epoll", "Level-triggered: how many of the 8 threads wake?", "level_woken"),
    count("et-one-thread", "EPOLLET: how many reports does the second thread get?", "second_thread"),
    count("ctl-while-waiting", "After ADD: how many events does the sleeping wait return?", "after_add"),
    count("close-wakes", "How many of the three closes wake the thread?", "woken_by_close"),
    count("fork-shares", "After the child's wait: how many reports of the byte do we get?", "edge_parent"),
    count("number-twice", "How many entries does the interest list have?", "entries"),
    count("signalfd-fork", "How many of its own signals does the child's wait report?", "inherited"),
    count("eventfd-read", "Edge-triggered: how many reports do the five writes bring?", "edge_reports"),
    count("timerfd-ticks", "How many reports of the timer that is never read?", "unread_reports"),
    count("udp-short", "How many datagrams are stranded?", "stranded"),
    count("fifo-idle", "How many of the 1,000 waits after the last writer report?", "after_last_writer"),
    count("nested", "How many epolls can stand in a chain?", "deep"),
];

/// One or two questions about a claim.
pub fn questions(claim: &Claim) -> Vec<Question<Tried>> {
    let asked = "What will become of the claim?";
    let truth = Question::new(asked, VERDICTS, Some(1), verdict);
    let count = COUNTS.iter().find(|count| count.id == claim.id);
    let count = count.map(|count| {
        let counted = |tried: &Tried| counted(tried, count.figure);
        Question::new(count.text, Kind::Count, Some(1), counted)
    });
    count.into_iter().chain([truth]).collect()
}

fn counted(tried: &Tried, wanted: &str) -> Measured {
    let mut figures = tried.finding.figures.iter();
    let answer = figures.find_map(|(name, figure)| match figure {
        Figure::Count(counted) if *name == wanted => Some(Answer::Count(*counted)),
        _ => None,
    });
    measured(tried, answer)
}

fn verdict(tried: &Tried) -> Measured {
    let answer = match tried.finding.verdict {
        Verdict::NotTried => None,
        verdict => Some(Answer::Word(verdict.name())),
    };
    measured(tried, answer)
}

/// What was seen stands above the answers; what there was not to see, beside them.
fn measured(tried: &Tried, answer: Option<Answer>) -> Measured {
    let reason = match tried.finding.verdict {
        Verdict::NotTried => tried.finding.evidence.clone(),
        _ => String::new(),
    };
    Measured { answer, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::find;

    #[test]
    fn each_count_is_of_a_claim_and_a_claim_has_one_at_most() {
        for count in &COUNTS {
            assert!(find(count.id).is_some(), "{}", count.id);
            assert!(count.text.ends_with('?'), "{}", count.text);
            let same = COUNTS.iter().filter(|other| other.id == count.id);
            assert_eq!(same.count(), 1, "{}", count.id);
        }
    }
}
