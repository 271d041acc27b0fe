//! A browser over `--remote-debugging-pipe`: it reads commands from fd 3 and
//! writes what happens to fd 4, each a JSON text that ends with a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::skip;

/// Debian's name, and others'.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// How long the browser may take to do what it is told.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    id: u64,
    session: Option<String>,
    profile: PathBuf,
    /// What happened without being asked for.
    pub events: Vec<Value>,
}

impl Browser {
    /// Starts it in a window of 1280 by 720; `None`, and a word, where there
    /// is none.
    pub fn start(what: &str) -> Option<Browser> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = NAMES.iter().find_map(|name| {
            let mut paths = std::env::split_paths(&path);
            paths.find_map(|directory| Some(directory.join(name)).filter(|path| path.is_file()))
        });
        let Some(program) = found else {
            skip(what, "there is no chromium");
            return None;
        };
        let id = format!("{}-{:?}", std::process::id(), thread::current().id());
        let profile = std::env::temp_dir().join(format!("epoll-lab-browser-{id}"));
        std::fs::create_dir_all(&profile).expect("a directory");
        // The shell puts the pipes where the browser looks for them.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
                "sh",
            ])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args([
                "--disable-sync",
                "--remote-debugging-pipe",
                "--window-size=1280,720",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            // What else it writes goes with its profile.
            .env("TMPDIR", &profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Browser {
            child,
            to,
            from,
            id: 0,
            session: None,
            profile,
            events: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", target);
        browser.session = session["sessionId"].as_str().map(String::from);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.window(1280, 720);
        Some(browser)
    }

    /// Tells it to do something, and gives what came of it.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let mut message = json!({"id": self.id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let message = format!("{message}\0");
        self.to
            .write_all(message.as_bytes())
            .expect("the browser reads");
        loop {
            let mut answer = Vec::new();
            self.from
                .read_until(0, &mut answer)
                .expect("the browser writes");
            answer.pop();
            let answer: Value = serde_json::from_slice(&answer).expect("the browser is there");
            if answer["id"] != self.id {
                self.events.push(answer);
                continue;
            }
            assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return answer["result"].clone();
        }
    }

    /// What an expression is worth.
    #[track_caller]
    pub fn js(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", params);
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        answer["result"]["value"].clone()
    }

    /// The text of what a selector finds.
    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.js(&format!("document.querySelector({selector:?})?.innerText"));
        text.as_str().unwrap_or_default().to_string()
    }

    pub fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key});
            if key.len() == 1 && kind == "keyDown" {
                event["text"] = key.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Goes to a page and waits until it is there.
    #[track_caller]
    pub fn open(&mut self, path: &Path, hash: &str) {
        // Afresh: another hash alone is no navigation.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        let url = format!("file://{}{hash}", path.display());
        self.call("Page.navigate", json!({"url": url}));
        let began = Instant::now();
        let ready = "location.protocol === 'file:' && document.readyState === 'complete'";
        while self.js(ready) != true {
            assert!(began.elapsed() < PATIENCE, "{url} does not open");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many moments the page has.
    pub fn moments(&mut self) -> u64 {
        let last = self.js("+document.querySelector('input').max");
        last.as_u64().expect("a number")
    }

    /// Goes to a moment by the time line.
    pub fn moment(&mut self, moment: u64) {
        self.js(&format!(
            "{{ const line = document.querySelector('input'); line.value = {moment}; \
             line.dispatchEvent(new Event('input')); }}"
        ));
    }

    pub fn window(&mut self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    pub fn events_of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["method"] == method)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its own processes first, which write into the profile.
        let close = json!({"id": self.id + 1, "method": "Browser.close"});
        let _ = self.to.write_all(format!("{close}\0").as_bytes());
        let began = Instant::now();
        while let Ok(None) = self.child.try_wait()
            && began.elapsed() < PATIENCE
        {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        while std::fs::remove_dir_all(&self.profile).is_err() && self.profile.exists() {
            if began.elapsed() > PATIENCE {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
