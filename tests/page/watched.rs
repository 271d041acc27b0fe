//! The page of a program that is not the lab's: here its own server, which
//! `watch` takes for anybody's.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::browser::Browser;
use crate::common::{epoll_lab, program, run, skip};
use crate::{Directory, data, states};

const ACTS: [&str; 5] = ["basic", "burst", "reset", "slow", "leave"];

/// Watches a program; `None` where that is forbidden.
fn watched(server: &str, path: &Path) -> Option<String> {
    // A byte that no command line can hold, and what must stay text.
    let message = "a\\0</script><b>";
    let flags = ["watch", "--stall", "50ms", "--message", message, "--html"];
    let flags = flags.into_iter().chain([path.to_str().unwrap()]);
    let args = flags.chain(["--"]).chain(server.split(' '));
    let output = run(&mut epoll_lab(args));
    if output.stderr().contains("may not be traced") {
        skip(server, "ptrace is forbidden here");
        return None;
    }
    output.ok();
    let page = fs::read_to_string(path).expect("the page");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(
        page.contains("a\\\\0\\u003c/scr"),
        "the message, in the records"
    );
    Some(page)
}

/// One of the lab's servers, which knows nothing of it.
fn own(server: &str) -> String {
    format!("{} {server} --listen 127.0.0.1:0", program())
}

#[test]
fn each_act_is_a_part() {
    let directory = Directory::new("acts");
    let Some(page) = watched(&own("et-blocking"), &directory.file("a.html")) else {
        return;
    };
    let runs = data(&page)["runs"].take();
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), ACTS.len());
    for (run, act) in runs.iter().zip(ACTS) {
        assert_eq!(
            (&run["title"], &run["foreign"]),
            (&act.into(), &true.into())
        );
        let moments = run["moments"].as_array().unwrap();
        assert!(moments.iter().all(|moment| moment["p"] == Value::Null));
        assert!(
            moments
                .iter()
                .all(|moment| moment["d"]["ready"] == Value::Null)
        );
    }
    let last = |run: &Value| run["moments"].as_array().unwrap().last().unwrap().clone();
    let verdict = last(&runs[0]);
    assert_eq!(verdict["k"], "end");
    assert!(
        verdict["s"].as_str().unwrap().starts_with("STUCK: "),
        "{verdict}"
    );
    let sleeps = |it: &&Value| it["k"] == "stuck";
    let stuck = runs[0]["moments"].as_array().unwrap().iter().find(sleeps);
    assert_eq!(stuck.expect("it sleeps for A")["d"]["call"], "recv(5<A>)");
}

/// What the page of a server in C knows; `None` where there is none.
fn of_c(source: &str, directory: &Directory) -> Option<Value> {
    let server = directory.file("server");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let mut cc = Command::new("cc");
    if cc.arg("-o").arg(&server).arg(source).output().is_err() {
        skip("the page of a C server", "cc is missing");
        return None;
    }
    let server = format!("{} 9999", server.display());
    let page = watched(&server, &directory.file("a.html"))?;
    Some(data(&page))
}

/// The one adds its listener with the set-up; the other makes it O_NONBLOCK
/// before, and that is a step of its own.
#[test]
fn the_set_up_says_what_is_on_the_interest_list() {
    let sources = [("lessons/c/et.c", true), ("tests/servers/et.c", false)];
    for (source, listed) in sources {
        let directory = Directory::new("set-up");
        let Some(page) = of_c(source, &directory) else {
            return;
        };
        let said = page["runs"][0]["moments"][0]["s"].as_str().unwrap();
        assert!(said.contains("an epoll instance, fd 4."), "{said}");
        let says = said.ends_with("The listener is on its interest list.");
        assert_eq!(says, listed, "{source}: {said}");
    }
}

/// A program has the choice between recv and read, send and write: its bytes
/// are the same.
#[test]
fn what_is_read_leaves_the_kernel() {
    let directory = Directory::new("read");
    let Some(page) = of_c("lessons/c/et.c", &directory) else {
        return;
    };
    let basic = &page["runs"][0];
    let states = states(basic);
    let moments = basic["moments"].as_array().unwrap();
    let read = |moment: &Value| {
        moment["s"]
            .as_str()
            .unwrap()
            .starts_with("read takes 5 bytes of A")
    };
    let first = moments.iter().position(read).expect("it reads");
    assert!(
        moments[first]["s"]
            .as_str()
            .unwrap()
            .contains("write gives them back to A.")
    );
    let count = |at: usize, key: &str| states[at].get(key).and_then(Value::as_u64).unwrap_or(0);
    assert_eq!((count(first, "A.recv"), count(first, "A.read")), (1, 5));
    let all = count(first - 1, "A.un");
    assert_eq!(count(first, "A.un"), all - 5);
    let last = states.len() - 1;
    assert_eq!((count(last, "A.read"), count(last, "A.un")), (all, 0));
}

/// Python's `selectors` opens an epoll instance and closes it, as it is
/// imported; the listener gets its number.
#[test]
fn a_closed_epoll_instance_is_not_shown() {
    let directory = Directory::new("closed");
    let server = directory.file("server.py");
    let listing = "import socket, selectors\n\
                   s = socket.create_server(('127.0.0.1', 0))\n\
                   while True:\n c = s.accept()[0]\n while d := c.recv(5): c.sendall(d)\n";
    fs::write(&server, listing).unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        return skip("the page of a Python server", "python3 is missing");
    }
    let server = format!("python3 {}", server.display());
    let Some(page) = watched(&server, &directory.file("a.html")) else {
        return;
    };
    let page = data(&page);
    let last = states(&page["runs"][0]).pop().unwrap();
    assert_eq!(last["lfd"], 3, "{last:?}");
    assert!(last.get("efd").is_none_or(Value::is_null), "{last:?}");
}

#[test]
fn of_one_thread_the_page_is_the_same_every_time() {
    let directory = Directory::new("same");
    let (source, server) = ("tests/servers/et.c", directory.file("et"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let mut cc = Command::new("cc");
    if cc.arg("-o").arg(&server).arg(source).output().is_err() {
        return skip("the page of a C server", "cc is missing");
    }
    let pages = ["a.html", "b.html"].map(|name| directory.file(name));
    let pages = pages.map(|path| watched(server.to_str().unwrap(), &path));
    assert!(pages[0] == pages[1], "not the same bytes");
}

#[test]
fn in_a_browser_its_calls_stand_where_the_listing_would() {
    let Some(mut browser) = Browser::start("the page of a watched program") else {
        return;
    };
    let directory = Directory::new("watched");
    let path = directory.file("page.html");
    let Some(page) = watched(&own("et-nonblock"), &path) else {
        return;
    };
    browser.open(&path, "#20");
    let told = browser.text(".listing");
    assert!(
        told.contains("there is no listing of it") && told.contains("epoll_wait"),
        "{told}"
    );
    let told = browser.text(".nolist");
    assert!(told.starts_with("No ready list is drawn"), "{told}");
    let mut all = 0;
    for run in data(&page)["runs"].as_array().unwrap() {
        all += run["moments"].as_array().unwrap().len() as u64;
    }
    for moment in (1..=all).step_by(7) {
        browser.moment(moment);
        let fits = browser.js("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "moment {moment}");
    }
    browser.key("End");
    let told = browser.text("#say p");
    assert!(told.starts_with("OK: "), "{told}");
    crate::drawn::quiet(&browser);
}

#[test]
fn a_running_program_has_no_page() {
    let output = run(&mut epoll_lab(["watch", "--pid", "1", "--html", "x.html"]));
    assert_eq!(output.status.code(), Some(2), "{}", output.told());
    assert!(output.stderr().contains("--html"), "{}", output.told());
}
