//! The page as it is used: keys, questions, deep links, and what a keyboard or
//! a screen reader needs.

use crate::browser::Browser;
use crate::{Directory, data, page};

fn count(browser: &mut Browser) -> String {
    browser.text(".n")
}

fn says(browser: &mut Browser) -> String {
    browser.text("#say p")
}

#[test]
fn keys_and_the_way_back() {
    let Some(mut browser) = Browser::start("the keys of the player") else {
        return;
    };
    let directory = Directory::new("keys");
    let path = directory.file("page.html");
    let page = page("et-blocking --stall 0s", &path);
    let all = data(&page)["runs"][0]["moments"].as_array().unwrap().len();
    browser.open(&path, "");
    browser.key("p"); // no questions for now
    assert_eq!(count(&mut browser), format!("1 / {all}"));
    browser.key("ArrowRight");
    browser.key("PageDown");
    assert_eq!(count(&mut browser), format!("3 / {all}"));
    browser.key("ArrowLeft");
    browser.key("PageUp");
    assert_eq!(count(&mut browser), format!("1 / {all}"));
    browser.key("End");
    assert_eq!(count(&mut browser), format!("{all} / {all}"));
    assert!(says(&mut browser).starts_with("STUCK"));
    browser.key("Home");
    browser.key("n");
    assert!(says(&mut browser).starts_with("epoll_wait reports A"));

    // Every moment is the same picture from either side.
    let picture =
        "document.querySelector('.solo').innerHTML + document.querySelector('.ticks').innerHTML";
    browser.key("Home");
    let mut there = Vec::new();
    for _ in 0..all {
        there.push(browser.js(picture));
        browser.key("ArrowRight");
    }
    for picture_there in there.iter().rev() {
        assert_eq!(*picture_there, browser.js(picture));
        browser.key("ArrowLeft");
    }

    let theme = browser.js("document.documentElement.dataset.theme");
    browser.key("t");
    assert_ne!(theme, browser.js("document.documentElement.dataset.theme"));
    for (key, title) in [("j", "The records of this moment"), ("l", "Legend")] {
        browser.key(key);
        let told = browser.js("document.querySelector('dialog h2').textContent");
        assert_eq!(told, title);
        browser.js("document.querySelector('dialog button').click()");
    }
    browser.key(" ");
    assert_eq!(browser.text("#play"), "Pause");
    browser.key(" ");
    assert_eq!(browser.text("#play"), "Play");
}

#[test]
fn a_question_stands_before_its_answer() {
    let Some(mut browser) = Browser::start("the questions of the player") else {
        return;
    };
    let directory = Directory::new("questions");
    let path = directory.file("page.html");
    let page = page("et-blocking --stall 0s", &path);
    let asks = data(&page)["runs"][0]["asks"].clone();
    let asks = asks.as_array().unwrap();
    let stuck = asks
        .iter()
        .find(|ask| ask["q"].as_str().unwrap().contains("once more"));
    let stuck = stuck.expect("the question of lesson 4");
    let at = stuck["at"].as_u64().unwrap();

    browser.open(&path, &format!("#{at}")); // the moment before
    browser.key("ArrowRight");
    assert_eq!(says(&mut browser), stuck["q"].as_str().unwrap());
    assert_eq!(
        count(&mut browser).split(' ').next(),
        Some(&*at.to_string())
    );
    let buttons = browser.js("document.querySelectorAll('#say button').length");
    assert_eq!(buttons, stuck["o"].as_array().unwrap().len());
    let hidden = browser.js("[...document.querySelectorAll('.ln')].filter(e => getComputedStyle(e).visibility === 'visible' && /does not return/.test(e.innerText)).length");
    assert_eq!(hidden, 0, "the trace does not give the answer away");
    browser.key("1");
    let told = says(&mut browser);
    assert!(
        told.contains("does not return. Nothing of A is unread"),
        "{told}"
    );
    assert!(
        told.contains("you said: it returns 0. The kernel: it does not return"),
        "{told}"
    );
    browser.key("ArrowLeft");
    browser.key("ArrowRight");
    assert!(says(&mut browser).contains("you said"), "asked once only");

    // The questions of --predict: before the first message, answered at the
    // last moment before anybody hangs up.
    let whole = asks
        .iter()
        .find(|ask| ask["at"] != ask["shown"])
        .expect("of --predict");
    assert!(
        whole["q"].as_str().unwrap().contains("How often will"),
        "{whole}"
    );
    browser.open(&path, &format!("#{}", whole["at"]));
    browser.key("ArrowRight");
    assert_eq!(says(&mut browser), whole["q"].as_str().unwrap());
    browser.key(&(whole["a"].as_u64().unwrap() + 1).to_string());
    let rest = asks.iter().filter(|ask| ask["at"] == whole["at"]).count();
    for _ in 1..rest {
        browser.key("ArrowRight");
    }
    let shown = whole["shown"].as_u64().unwrap() + 1;
    browser.js(&format!("location.hash = '#{shown}'"));
    let told = says(&mut browser);
    assert!(told.contains("So it is"), "{told}");
}

#[test]
fn a_deep_link_shows_its_moment() {
    let Some(mut browser) = Browser::start("the links of the player") else {
        return;
    };
    let directory = Directory::new("links");
    let path = directory.file("page.html");
    page("et-blocking --stall 0s", &path);
    browser.open(&path, "#20");
    assert!(count(&mut browser).starts_with("20 /"));
    assert!(browser.text(".rl").contains("6<B>"));
    assert!(browser.text(".thread").contains("ASLEEP"));
    let listing = browser.text(".listing .slp");
    assert!(listing.contains("recv("), "{listing}");
    browser.js("location.hash = '#999'");
    assert!(!count(&mut browser).starts_with("999"));
}

#[test]
fn without_scripts_and_on_paper_there_is_the_trace() {
    let Some(mut browser) = Browser::start("the player without scripts") else {
        return;
    };
    let directory = Directory::new("static");
    let path = directory.file("page.html");
    page("et-blocking --stall 0s", &path);
    let shown = "[getComputedStyle(document.getElementById('static')).display, getComputedStyle(document.getElementById('app')).display].join()";
    browser.open(&path, "");
    assert_eq!(browser.js(shown), "none,grid");
    browser.call(
        "Emulation.setEmulatedMedia",
        serde_json::json!({"media": "print"}),
    );
    assert_eq!(browser.js(shown), "block,none");
    let off = serde_json::json!({"value": true});
    browser.call("Emulation.setScriptExecutionDisabled", off);
    browser.open(&path, "");
    let text = browser.text("#static");
    assert!(
        text.contains("SERVER ASLEEP") && text.contains("=> STUCK"),
        "{text}"
    );
}

#[test]
fn a_screen_reader_hears_each_moment_and_the_focus_stays() {
    let Some(mut browser) = Browser::start("the player for a screen reader") else {
        return;
    };
    let directory = Directory::new("reader");
    let path = directory.file("page.html");
    page("lt", &path);
    browser.open(&path, "#2");
    let status = "document.querySelector('[role=status]').textContent";
    let before = browser.js(status);
    browser.js("document.querySelector('.trace pre').focus()");
    browser.key("ArrowRight");
    assert_ne!(before, browser.js(status));
    assert_eq!(
        browser.js("document.activeElement.closest('.trace') !== null"),
        true
    );
    browser.js("document.querySelector('.listing pre').focus()");
    browser.key("ArrowRight");
    assert_eq!(
        browser.js("document.activeElement.closest('.listing') !== null"),
        true
    );
    // A button that can do no more hands the keyboard on.
    browser.js("document.getElementById('next').focus()");
    browser.key("End");
    assert_eq!(browser.js("document.activeElement.id"), "back");
    browser.key("Home");
    assert_eq!(browser.js("document.activeElement.id"), "next");
    browser.key("ArrowRight");
    assert_eq!(browser.js("document.activeElement.id"), "next");
    let unnamed = browser.js("[...document.querySelectorAll('#app button, #app input')].filter(e => !e.innerText && !e.getAttribute('aria-label')).length");
    assert_eq!(unnamed, 0);
}
