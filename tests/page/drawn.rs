//! How the page looks: on a projector, on a small window, dark and light.

use serde_json::Value;

use crate::browser::Browser;
use crate::common::{epoll_lab, run};
use crate::{Directory, page};

/// The least contrast of what is drawn, and where. Colours behind a text are
/// looked up through the elements that it stands in.
const CONTRAST: &str = r#"(() => {
  const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return m.length < 4 || m[3] === 1 ? m.slice(0, 3) : m[3] === 0 ? null : m.slice(0, 3); };
  const light = c => { const f = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const out = [];
  for (const e of document.querySelectorAll('#app *')) {
    const style = getComputedStyle(e);
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest('.vh,dialog,[disabled]') || style.visibility === 'hidden') continue;
    const front = rgb(style.color); if (!front) continue;
    let b = e, back; while (b && !(back = rgb(getComputedStyle(b).backgroundColor))) b = b.parentElement;
    let opacity = 1; for (let p = e; p; p = p.parentElement) opacity *= +getComputedStyle(p).opacity;
    const mixed = front.map((v, i) => v * opacity + (back || [255, 255, 255])[i] * (1 - opacity));
    const [x, y] = [light(mixed), light(back || [255, 255, 255])].sort((a, b) => b - a);
    out.push([(x + .05) / (y + .05), e.className || e.tagName, e.textContent.slice(0, 20)]);
  }
  return out.sort((a, b) => a[0] - b[0])[0];
})()"#;

/// All of it is in the window, and none of it too faint.
#[track_caller]
fn to_be_read(browser: &mut Browser, told: &str) {
    let worst = browser.js(CONTRAST);
    assert!(worst[0].as_f64().unwrap() >= 4.5, "{told}: {worst}");
    let high = browser.js("document.documentElement.scrollHeight - innerHeight");
    assert!(high.as_f64().unwrap() <= 0.0, "{told}: {high} too high");
    not_too_wide(browser, told);
}

#[track_caller]
fn not_too_wide(browser: &mut Browser, told: &str) {
    let wide = browser.js("document.documentElement.scrollWidth - innerWidth");
    assert!(wide.as_f64().unwrap() <= 0.0, "{told}: {wide} too wide");
}

#[test]
fn on_a_projector_and_on_a_small_window() {
    let Some(mut browser) = Browser::start("how the player looks") else {
        return;
    };
    let directory = Directory::new("looks");
    let path = directory.file("page.html");
    for line in [
        "lt --clients 4",
        "lt --together",
        "et-blocking --read once --stall 0s",
        "et-blocking --stall 0s",
        "et-nonblock --clients 100 --message HELLOworld123HELLOworld123HELLOworld123",
        "blocking --clients 9 --stall 0s",
        "select-poll-compare --only servers",
        "write-events",
        "claims et-once",
    ] {
        page(line, &path);
        browser.open(&path, "");
        browser.key("p");
        let moments = browser.moments();
        for theme in ["dark", "light"] {
            browser.js(&format!(
                "document.documentElement.dataset.theme = '{theme}'"
            ));
            for moment in (1..=moments).step_by(moments.div_ceil(24) as usize) {
                browser.moment(moment);
                let told = format!("{line}, {theme}, moment {moment}");
                to_be_read(&mut browser, &told);
            }
        }
        // 200 % of the same window.
        browser.window(640, 360);
        for moment in (1..=moments).step_by(moments.div_ceil(10) as usize) {
            browser.moment(moment);
            not_too_wide(&mut browser, &format!("{line}, moment {moment}"));
        }
        browser.window(1280, 720);
    }
    quiet(&browser);
}

/// No request but for the page itself, and not a word on the console.
pub fn quiet(browser: &Browser) {
    let requests: Vec<&Value> = browser
        .events_of("Network.requestWillBeSent")
        .map(|event| &event["params"]["request"]["url"])
        .filter(|url| !url.as_str().unwrap_or_default().starts_with("file:"))
        .filter(|url| *url != "about:blank")
        .collect();
    assert_eq!(requests, [&Value::Null; 0]);
    for method in [
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
        "Log.entryAdded",
    ] {
        let told: Vec<&Value> = browser.events_of(method).collect();
        assert_eq!(told, [&Value::Null; 0], "{method}");
    }
}

#[test]
fn hostile_bytes_do_nothing() {
    let Some(mut browser) = Browser::start("hostile bytes in the player") else {
        return;
    };
    let directory = Directory::new("evil");
    let path = directory.file("page.html");
    let evil = "</script><img src=x onerror=alert(1)>\u{202e}\"'<b>";
    run(epoll_lab(["lt", "--buffer", "64", "--message", evil, "--html"]).arg(&path)).ok();
    browser.open(&path, "");
    browser.key("p");
    let moments = browser.moments();
    for moment in 1..=moments {
        browser.moment(moment);
        let strange = browser.js("document.querySelectorAll('img, b b, script').length");
        assert_eq!(strange, 2, "the page's own two scripts");
        let text = browser.text("body");
        assert!(!text.contains('\u{202e}'));
    }
    quiet(&browser);
}

#[test]
fn two_runs_beside_each_other() {
    let Some(mut browser) = Browser::start("two runs beside each other") else {
        return;
    };
    let directory = Directory::new("side");
    let path = directory.file("page.html");
    let two = [
        "side-by-side",
        path.to_str().unwrap(),
        "lt",
        "et-blocking --read once",
    ];
    run(&mut epoll_lab(two)).ok();
    browser.open(&path, "");
    browser.key("p");
    assert_eq!(
        browser.js("document.querySelectorAll('.duo .run').length"),
        2
    );
    let moments = browser.moments();
    let mut sent = false;
    for moment in 1..=moments {
        browser.moment(moment);
        // What a client has sent, it has sent to both.
        let counts = browser.js("[...document.querySelectorAll('.duo .run')].map(run => [...run.querySelectorAll('.client dd:nth-of-type(1)')].map(e => e.innerText).join())");
        let counts = counts.as_array().unwrap();
        assert_eq!(counts[0], counts[1], "moment {moment}");
        sent |= counts[0] != "0,0";
        to_be_read(&mut browser, &format!("moment {moment}"));
    }
    assert!(sent);
    browser.window(640, 360);
    not_too_wide(&mut browser, "two runs");
    quiet(&browser);
}
