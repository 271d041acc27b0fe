//! The servers that the lessons watch.

use std::fs;

use crate::common::markdown::root;

/// The servers that lessons 12 and 13 have their reader compile, and those that
/// come of changing a line of `et.c`, where it says.
pub fn compile() -> Result<(), &'static str> {
    let at = root().join("lessons/c");
    let [lt, et] = ["lt.c", "et.c"].map(|name| fs::read_to_string(at.join(name)).unwrap());
    let changed = |from: &str, to: &str| {
        assert_eq!(et.matches(from).count(), 1, "{from}");
        et.replace(from, to)
    };
    let nonblocking = "                set_nonblocking(client);\n";
    let write = "write(fd, buffer, length);\n";
    let listener = "event.events = EPOLLIN;\n";
    let sources = [
        ("lt-print", printing(&lt)),
        ("et-print", printing(&et)),
        ("lt", lt),
        ("et-blocking", changed(nonblocking, "")),
        (
            "et-short",
            changed(write, &format!("{write}if (length < BUFFER) break;\n")),
        ),
        ("et-once", changed(write, &format!("{write}break;\n"))),
        (
            "et-listener",
            changed(listener, "event.events = EPOLLIN | EPOLLET;\n"),
        ),
        ("et", et),
    ];
    if std::process::Command::new("cc")
        .arg("--version")
        .output()
        .is_err()
    {
        return Err("cc is missing");
    }
    for (name, source) in &sources {
        let mut cc = std::process::Command::new("cc");
        cc.args(["-Wall", "-Wno-unused-result", "-x", "c", "-o"]);
        crate::common::run_with(cc.arg(at.join(name)).arg("-"), source.as_bytes()).ok();
    }
    let server = at.join("lt").display().to_string();
    let args = ["watch", "--acts", "basic", "--", &server, "9999"];
    let tried = crate::common::run(&mut crate::common::epoll_lab(args));
    match tried.stderr().is_empty() {
        true => Ok(()),
        false => Err("programs may not be traced here, or not in a network of their own"),
    }
}

/// As lesson 13 has them: the buffer begins empty, and what was read is printed.
fn printing(server: &str) -> String {
    let edits = [
        ("buffer[BUFFER];", "buffer[BUFFER] = \"\";"),
        ("write(fd", "printf(\"%s\\n\", buffer);write(fd"),
    ];
    edits
        .into_iter()
        .fold(server.into(), |text: String, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        })
}
