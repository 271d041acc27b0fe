//! The table: what belongs together, and what tries it.

use super::{alone, chat, clients, watching};

/// Where a session is tried.
pub enum Tried {
    /// Here: the function is given the lines of the session.
    Here(fn(&[&str])),
    /// By this file.
    By(&'static str),
}
use Tried::{By, Here};

/// The lines that belong together, and where they are tried.
pub const SESSIONS: &[(&[&str], Tried)] = &[
    // README.md, lessons/README.md
    (
        &[
            "cargo run --release -- lt --message ping --trace",
            "cargo test",
            "cargo test --test listing documents",
            "TRYCMD=overwrite cargo test --test listing documents",
            "cargo install --locked --path .",
            "RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build --release --target x86_64-unknown-linux-gnu",
        ],
        By(".ci/run"),
    ),
    (&["epoll-lab lt --trace"], Here(alone::runs)),
    (
        &[
            "epoll-lab lt --format json | jq 'select(.type == \"summary\").clients[] | {client, reports}'",
            "epoll-lab et-nonblock --buffer 4 --message \"Ada Lovelace\" --predict 1,3 --format json | jq -c 'select(.type == \"prediction\") | [.predicted, .measured]'",
        ],
        Here(alone::jq_picks_the_counts),
    ),
    (
        &[
            "epoll-lab et-blocking --trace --listen 127.0.0.1:9999",
            "nc 127.0.0.1 9999",
        ],
        Here(clients::the_second_waits_unread),
    ),
    (
        &["epoll-lab watch --acts basic --trace -- lessons/c/lt-print 9999"],
        By("tests/listing/documents.rs"),
    ),
    (
        &["epoll-lab watch -- ./server"],
        By("tests/watch/verdicts.rs"),
    ),
    (
        &[
            "epoll-lab et-blocking --html run.html",
            "epoll-lab side-by-side both.html \"lt\" \"et-blocking --read once\"",
            "epoll-lab et-blocking --html /tmp/run.html",
            "chromium --headless --hide-scrollbars --window-size=1280,720 --screenshot=lessons/player.png \"file:///tmp/run.html#20\"",
            "epoll-lab lt --html lt.html",
            "epoll-lab side-by-side et.html \"lt\" \"et-blocking --read once\"",
            "epoll-lab et-blocking --html loop.html",
            "epoll-lab et-nonblock --html drained.html",
        ],
        By("tests/page/lessons.rs"),
    ),
    // lessons/teaching.md
    // Lesson 12
    (
        &[
            "cc -o lessons/c/lt lessons/c/lt.c",
            "cc -o lessons/c/et lessons/c/et.c",
        ],
        By("tests/listing/documents.rs"),
    ),
    (
        &[
            "epoll-lab watch -- python3 server.py",
            r"epoll-lab watch --answer any --message 'PING\r\n' -- redis-server",
            "epoll-lab watch --pid $(pgrep -o nginx) --once",
        ],
        By("tests/watch/foreign.rs"),
    ),
    // Lesson 13
    (
        &[
            r#"sed -e 's/buffer\[BUFFER\];/buffer[BUFFER] = "";/' -e '/write(fd/i printf("%s\\n", buffer);' lessons/c/lt.c | cc -x c -o lessons/c/lt-print -"#,
            r#"sed -e 's/buffer\[BUFFER\];/buffer[BUFFER] = "";/' -e '/write(fd/i printf("%s\\n", buffer);' lessons/c/et.c | cc -x c -o lessons/c/et-print -"#,
            r#"sed -e 's/buffer\[BUFFER\];/buffer[BUFFER] = "";/' -e '/write(fd/i printf("%s\\n", buffer);' lessons/c/et.c | cc -fsanitize=address -x c -o lessons/c/et-asan -"#,
            "epoll-lab watch --acts basic -- lessons/c/et-asan 9999",
        ],
        By("tests/watch/textbook.rs"),
    ),
    // Lesson 1
    (
        &["epoll-lab blocking --trace --listen 127.0.0.1:9999"],
        Here(clients::the_second_waits_in_the_backlog),
    ),
    // Lesson 3
    (
        &[
            "epoll-lab et-blocking --read once --clients 1 --message HELLOworld123 --message again --trace",
        ],
        Here(alone::old_bytes_come_first),
    ),
    // Lesson 4
    (
        &[
            "epoll-lab et-blocking --trace --step",
            "ps -L -o lwp,stat,wchan:20,comm -p $(pidof epoll-lab)",
            "ss -tn",
        ],
        Here(watching::asleep_from_outside),
    ),
    // Lesson 5
    (
        &["epoll-lab matrix --buffer 1024"],
        Here(alone::a_large_buffer_hides_what_once_does),
    ),
    // Lesson 6
    (
        &[
            "epoll-lab et-nonblock --trace --listen 127.0.0.1:9999",
            "nc 127.0.0.1 9999",
            "grep tfd /proc/$(pidof epoll-lab)/fdinfo/4",
        ],
        Here(watching::the_interest_list),
    ),
    // Lesson 7
    (
        &["epoll-lab write-events --trigger lt --trace"],
        Here(alone::a_writer_that_waits),
    ),
    (
        &["epoll-lab write-events --waits 100000 --timing"],
        Here(alone::a_busy_loop_is_timed),
    ),
    (
        &[
            "epoll-lab lt --buffer 65536 --trace --listen 127.0.0.1:9999",
            "head -c 8000000 /dev/zero | nc -N 127.0.0.1 9999 | (sleep 30; wc -c)",
            "echo hi | nc -N 127.0.0.1 9999",
            "ss -tn 'sport = :9999'",
        ],
        Here(clients::an_echo_held_up),
    ),
    // Lesson 8
    (
        &[
            "epoll-lab select-poll-compare --only servers --trace",
            "epoll-lab select-poll-compare --only servers --clients 20",
            "epoll-lab select-poll-compare --only servers --clients 100",
        ],
        Here(alone::who_is_asked),
    ),
    // Lesson 9
    (
        &[
            "epoll-lab select-poll-compare --only cost",
            "epoll-lab select-poll-compare --only cost --active all",
            "epoll-lab select-poll-compare --only cost --churn 9",
            "epoll-lab select-poll-compare --only cost --fd-kind tcp --fds 10,100,1000",
        ],
        Here(alone::what_a_wait_costs),
    ),
    // Lesson 10
    (
        &["epoll-lab claims drain-starves"],
        Here(alone::a_drain_that_does_not_end),
    ),
    (
        &[
            "strace -f -o /dev/null -e trace=recvfrom -e inject=recvfrom:error=ECONNRESET:when=2 epoll-lab et-nonblock --trace",
        ],
        Here(alone::a_fault_by_hand),
    ),
    (
        &[
            "epoll-lab et-nonblock --listen 127.0.0.1:9999",
            "nc 127.0.0.1 9999 < /dev/zero > /dev/null",
            "echo ping | nc -N 127.0.0.1 9999",
        ],
        Here(clients::a_client_that_never_stops),
    ),
    // Lesson 11
    (
        &[
            "cc -Wall -Wextra -O2 -o chat chat.c",
            "strace -o chat.log -e trace=epoll_ctl,epoll_wait,accept4,recvfrom,sendto,close ./chat 127.0.0.1:9999",
            "nc 127.0.0.1 9999",
        ],
        Here(chat::the_log_of_a_talk),
    ),
    (
        &["(printf he; sleep 2; printf 'llo\\n'; sleep 2) | nc -N 127.0.0.1 9999"],
        Here(chat::a_line_in_two_pieces),
    ),
    (
        &[
            "epoll-lab watch --trace --acts basic,reset,leave --answer any --message 'HELLOworld12\\n' --message 'ping\\n' -- ./chat 127.0.0.1:9999",
        ],
        Here(chat::watched),
    ),
    (
        &[
            "nc 127.0.0.1 9999 > stopped",
            "nc 127.0.0.1 9999 > heard",
            "yes 'one line more' | head -n 400000 | nc -N 127.0.0.1 9999",
            "wc -c stopped heard",
        ],
        Here(chat::a_flood),
    ),
    (
        &[
            "CHAT_SERVER=\"$HOME/mine/chat\" cargo test --test chat two_clients",
            "CHAT_SERVER=\"$HOME/mine/chat\" cargo test --test chat -- --nocapture",
            "cargo run --example chat -- 127.0.0.1:9999",
        ],
        By("tests/your_bug/chat.rs"),
    ),
];
