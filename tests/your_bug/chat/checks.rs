//! The checks, one function each: `Ok` if the server keeps the rules of
//! lesson 11, by bytes and order. No pause decides anything.

use epoll_lab::trace::escape::quote;

use super::room::{Room, told};
use super::server::{Program, Verdict};

/// A line's greatest length, with its newline.
const MAX_LINE: usize = 16384;

/// More than the kernel holds for a client that does not read: its send buffer
/// grows to 4 MiB (the third number in /proc/sys/net/ipv4/tcp_wmem).
const FLOOD: usize = 6 << 20;

/// A line of `length` bytes of which each says where it belongs.
fn long_line(length: usize) -> Vec<u8> {
    let numbers = (0..).flat_map(|n: u32| format!("{n:06} ").into_bytes());
    let mut line: Vec<u8> = numbers.take(length - 1).collect();
    line.push(b'\n');
    line
}

pub fn two_clients(program: &Program) -> Verdict {
    let mut room = Room::open(program, 2)?;
    room.tells(1, b"hello\n")?;
    room.tells(2, b"hi\n")?;
    room.tells(2, b"nice weather for a chat\n")?;
    room.tells(1, b"yes\n")?;
    room.close()
}

pub fn three_clients(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    for line in [&b"a\n"[..], b"exactly 5\n", b"12345\n", b"1234\n", b"\n"] {
        for number in 1..=3 {
            room.tells(number, line)?;
        }
    }
    room.close()
}

/// Two lines arrive in pieces, by turns; nothing is passed on before the
/// newline, and no piece ends up in another's line.
pub fn a_line_in_pieces(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    for (one, two) in [("he", "good"), ("llo, wor", " mor"), ("l", "ning")] {
        room.says(1, one.as_bytes())?;
        room.says(2, two.as_bytes())?;
        // The server has seen the pieces: they came before this.
        room.tells(3, b"between\n")?;
    }
    room.says(2, b"\n")?;
    room.others_hear(2, b"2: good morning\n")?;
    room.says(1, b"d\nand the next")?;
    room.others_hear(1, b"1: hello, world\n")?;
    room.says(1, b" line\n")?;
    room.others_hear(1, b"1: and the next line\n")?;
    room.close()
}

pub fn several_lines_in_one_send(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.says(2, b"one\ntwo\n\nthis is four\n5\n")?;
    room.others_hear(2, b"2: one\n2: two\n2: \n2: this is four\n2: 5\n")?;
    room.close()
}

pub fn a_long_line(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.tells(1, &long_line(10_000))?;
    room.tells(2, b"short\n")?;
    room.tells(3, &long_line(MAX_LINE))?;
    room.tells(3, b"short again\n")?;
    room.close()
}

/// A line is bytes, not text: NUL, CR and what is no UTF-8 too.
pub fn a_line_of_any_bytes(program: &Program) -> Verdict {
    let mut room = Room::open(program, 2)?;
    let mut line: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').collect();
    line.push(b'\n');
    room.tells(1, &line)?;
    room.tells(2, b"\0\0\r\n")?;
    room.close()
}

/// Who sends more than a line may have loses the connection; the others stay.
pub fn a_line_too_long(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.says(2, &vec![b'x'; MAX_LINE + 1])?;
    let rest = room.rest_of(2, 1)?;
    if !rest.is_empty() {
        return Err("client 2 has sent no newline; something came back".into());
    }
    room.forget(2);
    room.tells(1, b"who was that?\n")?;
    room.close()
}

/// The half line of one who leaves is nobody's; nor is its number.
pub fn a_hang_up_within_a_line(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.says(2, b"a whole line\nand half a li")?;
    room.others_hear(2, b"2: a whole line\n")?;
    room.hangs_up(2)?;
    room.tells(1, b"gone\n")?;
    room.connect()?;
    room.roll_call()?;
    room.tells(1, b"hello, 4\n")?;
    room.close()
}

/// A line and the hang-up arrive in one event: the line counts, and the
/// connection is closed.
pub fn a_hang_up_right_after_a_line(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.server.stop()?;
    room.says(2, b"bye\n")?;
    room.shuts_down(2);
    room.server.go_on();
    room.is_let_go(2)?;
    room.others_hear(2, b"2: bye\n")?;
    room.tells(3, b"gone\n")?;
    room.close()
}

/// A line and a reset arrive in one event: what has arrived counts.
pub fn a_reset_right_after_a_line(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    room.server.stop()?;
    room.says(2, b"bye\n")?;
    room.resets(2);
    room.server.go_on();
    room.others_hear(2, b"2: bye\n")?;
    room.tells(3, b"gone\n")?;
    room.close()
}

pub fn a_reset(program: &Program) -> Verdict {
    let mut room = Room::open(program, 4)?;
    room.says(2, b"a whole line\nand half a li")?;
    room.others_hear(2, b"2: a whole line\n")?;
    room.resets(2);
    room.tells(1, b"gone?\n")?;
    room.tells(4, b"gone\n")?;
    room.resets(3);
    room.connect()?;
    room.roll_call()?;
    room.tells(1, b"hello, 5\n")?;
    room.close()
}

/// The server sends to a client before it has learnt that this one is gone.
/// The first send fails, by EPIPE; without MSG_NOSIGNAL, SIGPIPE kills.
pub fn a_send_to_one_who_is_gone(program: &Program) -> Verdict {
    let mut room = Room::open(program, 4)?;
    room.server.stop()?;
    // What came first is reported first.
    room.says(1, b"is\nanybody\nthere?\n")?;
    room.shuts_down(2);
    room.resets(2);
    room.resets(4);
    room.server.go_on();
    room.hears(3, b"1: is\n1: anybody\n1: there?\n")?;
    room.tells(3, b"me\n")?;
    room.close()
}

/// Ctrl-Z and fg: epoll_wait is interrupted, and nothing is lost.
pub fn stopped_and_continued(program: &Program) -> Verdict {
    let mut room = Room::open(program, 2)?;
    for _ in 0..3 {
        room.server.stop()?;
        room.server.go_on();
        room.tells(1, b"still there?\n")?;
    }
    room.server.stop()?;
    room.says(1, b"meanwhile\n")?;
    room.says(2, b"likewise\n")?;
    room.server.go_on();
    room.hears(2, b"1: meanwhile\n")?;
    room.hears(1, b"2: likewise\n")?;
    room.close()
}

/// Several connections wait for one wake-up.
pub fn connections_at_once(program: &Program) -> Verdict {
    let mut room = Room::open(program, 2)?;
    room.server.stop()?;
    for _ in 0..5 {
        room.connect()?;
    }
    room.server.go_on();
    room.roll_call()?;
    room.close()
}

/// Client 3 never reads while the others chat. It stops nobody; and when it
/// reads at last, it hears all that it was due, or the beginning of that and
/// then the end of the connection: nothing is missing in the middle.
pub fn one_that_never_reads(program: &Program) -> Verdict {
    let mut room = Room::open(program, 3)?;
    let mut due = Vec::new();
    let line = long_line(MAX_LINE);
    while due.len() < FLOOD {
        for (number, other, line) in [(1, 2, &line[..]), (2, 1, b"yes, go on\n")] {
            room.says(number, line)?;
            let told = told(number, line);
            room.hears(other, &told)?;
            due.extend(told);
        }
    }
    let rest = room.rest_of(3, due.len())?;
    if !due.starts_with(&rest) {
        return Err(
            "client 3 has heard something else than the others said, or in another \
                    order, or with a gap"
                .into(),
        );
    }
    room.forget(3);
    room.tells(1, b"3 was very quiet\n")?;
    room.close()
}

pub fn fifty_clients(program: &Program) -> Verdict {
    const CLIENTS: usize = 50;
    let mut room = Room::open(program, CLIENTS)?;
    for number in 1..=CLIENTS {
        room.tells(number, format!("I am {number}\n").as_bytes())?;
    }
    // All of them while the server is stopped: one wait, many events.
    room.server.stop()?;
    for number in 1..=CLIENTS {
        room.says(number, format!("{number} again\nand again\n").as_bytes())?;
    }
    room.server.go_on();
    for number in 1..=CLIENTS {
        let others = (1..=CLIENTS).filter(|other| *other != number);
        let lines = others.map(|other| format!("{other}: {other} again\n{other}: and again\n"));
        let due = lines.collect::<String>().into_bytes();
        let heard = room.rest_of(number, due.len())?;
        // Each sender's lines in order; who comes first is not laid down.
        if by_sender(&heard) != by_sender(&due) {
            let heard = quote(&heard, 200);
            let state = room.server.state();
            return Err(format!(
                "after SIGSTOP and SIGCONT, client {number} is due two lines of each other: \
                 {heard}; {state}"
            ));
        }
    }
    room.close()
}

fn by_sender(heard: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = heard.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_by_key(|line| line.split(|byte| *byte == b':').next());
    lines
}
