//! Wrong servers, made of `lessons/chat.c` by replacing a few words of it: what
//! students get wrong, and what a checker must therefore see.

use std::fs;
use std::path::Path;

use super::server::{Program, Verdict, compile};
use super::{calls, checks};

/// A server that breaks one rule.
pub struct Wrong {
    pub name: &'static str,
    /// What stands once in chat.c, and what stands there instead.
    pub changes: &'static [(&'static str, &'static str)],
    /// The check that rejects it, and a part of the complaint.
    pub check: fn(&Program) -> Verdict,
    pub complaint: &'static str,
}

#[rustfmt::skip]
pub const WRONG_TO_CLIENTS: &[Wrong] = &[
    Wrong {
        name: "one recv per report",
        changes: &[("break;", "break;\nreturn;")],
        check: checks::several_lines_in_one_send,
        // As lesson 11 shows it.
        complaint: "client 1 is due 39 bytes, \
            \"2: one\\n2: two\\n2: \\n2: this is four\\n2: 5\\n\"\n  \
            it received 7 bytes, \"2: one\\n\", then nothing more\n  \
            the server sleeps in epoll_wait",
    },
    Wrong {
        name: "blocking sockets",
        changes: &[("NULL, NULL, SOCK_NONBLOCK | ", "NULL, NULL, ")],
        check: checks::two_clients,
        complaint: "sleeps in recv, on fd",
    },
    Wrong {
        name: "blocking in send",
        changes: &[("NULL, NULL, SOCK_NONBLOCK | ", "NULL, NULL, "),
                   ("sizeof buffer, 0)", "sizeof buffer, MSG_DONTWAIT)")],
        check: checks::one_that_never_reads,
        complaint: "sleeps in send, on fd",
    },
    Wrong {
        name: "what a full client misses is forgotten",
        changes: &[("drop(fd); /* a short send", "continue; /* a short send")],
        check: checks::one_that_never_reads,
        complaint: "nor the end of the connection",
    },
    Wrong {
        name: "a short read taken for the end of a drain",
        changes: &[("break;", "break;\nif (n < BUFFER) return;")],
        check: checks::a_hang_up_right_after_a_line,
        complaint: "waits for the end of the connection",
    },
    Wrong {
        name: "closed at EPOLLHUP, whatever is unread",
        changes: &[("else if (clients[fd] != NULL)\n                drain(fd);",
                    "else if (clients[fd] != NULL && (events[i].events & EPOLLHUP))\n\
                     drop(fd);\nelse if (clients[fd] != NULL)\ndrain(fd);")],
        check: checks::a_reset_right_after_a_line,
        complaint: "2: bye",
    },
    Wrong {
        name: "half lines thrown away at EAGAIN",
        changes: &[("return; /* drained", "clients[fd]->length = clients[fd]->prefix; /* drained"),
                   ("drop(fd);   /* a hang-up", "else drop(fd); /* a hang-up")],
        check: checks::a_line_in_pieces,
        complaint: "a wrong byte",
    },
    Wrong {
        name: "half lines passed on at a hang-up",
        changes: &[("drop(fd);   /* a hang-up", "tell_others(fd); drop(fd); /* a hang-up")],
        check: checks::a_hang_up_within_a_line,
        complaint: "a wrong byte",
    },
    Wrong {
        name: "every recv a line",
        changes: &[("if (bytes[i] == '\\n')", "if (bytes[i] == '\\n' || i == n - 1)")],
        check: checks::two_clients,
        complaint: "a wrong byte",
    },
    Wrong {
        name: "the sender hears itself",
        changes: &[(" || fd == sender", "")],
        check: checks::two_clients,
        complaint: "client 2 is due",
    },
    Wrong {
        name: "lines of text, ended by NUL",
        changes: &[("from->line, from->length, MSG", "from->line, __builtin_strlen(from->line), MSG")],
        check: checks::a_line_of_any_bytes,
        complaint: "client 2 is due",
    },
    Wrong {
        name: "no limit on a line",
        changes: &[("MAX_LINE = 16384", "MAX_LINE = 1 << 20")],
        check: checks::a_line_too_long,
        complaint: "nor the end of the connection",
    },
    Wrong {
        name: "a reset ends the server",
        changes: &[("drop(fd);   /* a hang-up", "if (n == -1) err(1, \"recv\");\ndrop(fd); /* a hang-up")],
        check: checks::a_reset,
        complaint: "the server has ended: exit status: 1",
    },
    Wrong {
        name: "SIGPIPE",
        changes: &[("from->length, MSG_NOSIGNAL)", "from->length, 0)")],
        check: checks::a_send_to_one_who_is_gone,
        complaint: "signal: 13 (SIGPIPE)",
    },
    Wrong {
        name: "EINTR ends the server",
        changes: &[("ready == -1 && errno != EINTR", "ready == -1")],
        check: checks::stopped_and_continued,
        complaint: "the server has ended: exit status: 1",
    },
    Wrong {
        name: "one accept per report",
        changes: &[("clients[fd] = client;", "clients[fd] = client;\nreturn;")],
        check: checks::connections_at_once,
        // Which of the roll calls it fails depends on who came together.
        complaint: "says \"here\" as soon as it has connected: is it accepted",
    },
];

/// The same for those that only strace finds out.
#[rustfmt::skip]
pub const WRONG_TO_STRACE: &[Wrong] = &[
    Wrong {
        name: "level-triggered",
        changes: &[("EPOLLIN | EPOLLET, { .fd = fd }", "EPOLLIN, { .fd = fd }")],
        check: calls::what_strace_sees,
        complaint: "without EPOLLET: epoll_ctl(",
    },
    Wrong {
        name: "blocking sockets and MSG_DONTWAIT",
        changes: &[("NULL, NULL, SOCK_NONBLOCK | ", "NULL, NULL, "),
                   ("sizeof buffer, 0)", "sizeof buffer, MSG_DONTWAIT)"),
                   ("MSG_NOSIGNAL)", "MSG_NOSIGNAL | MSG_DONTWAIT)")],
        check: calls::what_strace_sees,
        complaint: "without O_NONBLOCK: recvfrom(",
    },
    Wrong {
        name: "a large buffer",
        changes: &[("BUFFER = 5,", "BUFFER = 4096,")],
        check: calls::what_strace_sees,
        complaint: "a buffer of more than 5 bytes: recvfrom(",
    },
    Wrong {
        name: "a short read taken for EAGAIN",
        changes: &[("break;", "break;\nif (n < BUFFER) return;")],
        check: calls::what_strace_sees,
        complaint: "not drained: recvfrom(",
    },
];

impl Wrong {
    /// Builds it, and has it rejected.
    #[track_caller]
    pub fn is_rejected(&self) {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let right = fs::read_to_string(manifest.join("lessons/chat.c")).expect("chat.c");
        let name = format!("wrong {}.c", self.name);
        let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace(' ', "-"));
        fs::write(&source, self.listing(&right)).expect("write the listing");
        let Some(mut program) = compile(&name, &source, &[]) else {
            return; // no cc
        };
        program.quiet = true;
        match (self.check)(&program) {
            Ok(()) => panic!("accepted: {name}"),
            Err(told) => {
                let expected = self.complaint;
                assert!(
                    told.contains(expected),
                    "{name}: not {expected:?}, but:\n{told}"
                );
            }
        }
    }

    fn listing(&self, right: &str) -> String {
        let changes = self.changes.iter();
        changes.fold(right.to_string(), |listing, (from, to)| {
            let found = listing.matches(from).count();
            assert_eq!(found, 1, "{}: {from:?} in chat.c", self.name);
            listing.replace(from, to)
        })
    }
}
