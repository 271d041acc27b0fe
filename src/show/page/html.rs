//! The page as one file: what is in it is escaped, and it asks nobody for more.

use serde::Serialize;

const HTML: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
/// What is known, how it is drawn, and how one moves in it.
const JS: &str = concat!(
    include_str!("model.js"),
    include_str!("draw.js"),
    include_str!("page.js")
);

/// The page with `title`, the trace as text, and the data that it draws.
pub fn page(title: &str, text: &str, data: &impl Serialize) -> serde_json::Result<String> {
    let data = serde_json::to_string(data)?;
    let parts = [
        ("TITLE", escape(title)),
        ("CSS", CSS.to_string()),
        ("STATIC", text.to_string()),
        ("DATA", data_in_script(&data)),
        ("JS", JS.to_string()),
    ];
    // In one pass: what is put in is not looked through again.
    let mut page = String::with_capacity(HTML.len() + CSS.len() + JS.len() + data.len());
    let mut rest = HTML;
    while let Some((before, after)) = rest.split_once("{{") {
        page += before;
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let part = parts.iter().find(|(known, _)| *known == name);
        page += part.map_or("", |(_, part)| part);
        rest = after;
    }
    page += rest;
    Ok(page)
}

/// Inside a script element only `</script` and `<!--` mean anything, and JSON
/// can do without the character.
fn data_in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// As text between tags. What could turn the line around or hide in it is
/// written as its number.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A line that a user's own words are part of, with numbers in place of what
/// could turn the line around or hide in it.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' '..='~' => visible.push(letter),
            letter if letter.is_alphanumeric() => visible.push(letter),
            letter => visible += &letter.escape_unicode().to_string(),
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_can_end_a_script_or_open_a_tag() {
        let evil = "</script><script>alert(1)</script><!--{{JS}}";
        let page = page(evil, &escape(evil), &[evil]).unwrap();
        assert_eq!(
            page.matches("<script").count(),
            HTML.matches("<script").count()
        );
        assert_eq!(
            page.matches("</script").count(),
            HTML.matches("</script").count()
        );
        assert!(!page.contains("<!--"));
        assert_eq!(page.matches(JS).count(), 1);
    }

    #[test]
    fn nothing_turns_a_line_around() {
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(visible("é 日本 'x'"), "é 日本 'x'");
    }

    #[test]
    fn the_page_asks_nobody() {
        for part in [HTML, CSS, JS] {
            let outside = part
                .replace("http-equiv", "")
                .replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("http"), "{part}");
        }
        assert!(HTML.contains("default-src 'none'"));
    }
}
