//! Whether the links of a page lead where the page says, and where the lines
//! of source that it speaks of are now.

use super::markdown::{Link, anchors, links};

/// What a link's path leads to.
pub enum Found {
    Text(String),
    /// A directory, or a file that is no text.
    Other,
    Nothing,
}

/// What there is to say of a page.
#[derive(Debug, Default)]
pub struct Checked {
    /// Links to a line that has moved. In `refreshed` they are right.
    pub stale: Vec<String>,
    /// Links that lead nowhere.
    pub broken: Vec<String>,
    /// The page with the numbers that its lines have now.
    pub refreshed: String,
    pub followed: usize,
}

/// Follows the links of a page. `find` is given a path as the page writes it,
/// and nothing for the page itself.
pub fn check(page: &str, text: &str, find: impl Fn(&str) -> Found) -> Checked {
    let mut checked = Checked {
        refreshed: text.into(),
        ..Checked::default()
    };
    // From the last one on, so that a longer number moves none still to come.
    let mut links = links(text);
    links.sort_by_key(|link| std::cmp::Reverse(link.target.start));
    for link in links {
        let target = &text[link.target.clone()];
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        checked.followed += 1;
        let number = text[..link.target.start].lines().count();
        let place = format!("{page}:{number}: {target}: ");
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (target, None),
        };
        let markdown = path.is_empty() || path.ends_with(".md");
        match (find(path), anchor) {
            (Found::Nothing, _) => checked.broken.push(place + "leads nowhere"),
            (Found::Text(_) | Found::Other, None) => {}
            (Found::Text(there), Some(anchor)) if markdown => {
                if !anchors(&there).iter().any(|known| known == anchor) {
                    checked.broken.push(place + "no such heading");
                }
            }
            (Found::Text(source), Some(anchor)) => match line_now(text, &link, anchor, &source) {
                Ok(now) if now == anchor => {}
                Ok(now) => {
                    checked.stale.push(format!("{place}now #{now}"));
                    let end = link.target.end;
                    let from = end - anchor.len();
                    checked.refreshed.replace_range(from..end, &now);
                }
                Err(why) => checked.broken.push(place + &why),
            },
            (Found::Other, Some(_)) => checked.broken.push(place + "has no lines"),
        }
    }
    checked
}

/// The anchor that a link to `source` has to have by now: its text is a snippet
/// of the line.
fn line_now(page: &str, link: &Link, anchor: &str, source: &str) -> Result<String, String> {
    let (first, last) = range(anchor).ok_or("is neither #L42 nor #L42-L50")?;
    let snippet = snippet(page, link).ok_or("its text is not one snippet in `backticks`")?;
    let lines: Vec<&str> = source.lines().collect();
    let here = |number: &usize| {
        let line = number.checked_sub(1).and_then(|at| lines.get(at));
        line.is_some_and(|line| line.contains(&snippet))
    };
    let now = if here(&first) {
        first
    } else {
        let all: Vec<usize> = (1..=lines.len()).filter(here).collect();
        match all[..] {
            [] => return Err(format!("no line there has `{snippet}`")),
            [now] => now,
            _ => return Err(format!("`{snippet}` is not there, but on lines {all:?}")),
        }
    };
    let Some(last) = last else {
        return Ok(format!("L{now}"));
    };
    let end = now + (last - first);
    if end > lines.len() {
        return Err(format!("the file ends on line {}", lines.len()));
    }
    Ok(format!("L{now}-L{end}"))
}

/// `L42`, or `L42-L50`.
fn range(anchor: &str) -> Option<(usize, Option<usize>)> {
    let number = |part: &str| {
        let digits = part.strip_prefix('L')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<usize>().ok().filter(|n| plain && *n > 0)
    };
    match anchor.split_once('-') {
        None => Some((number(anchor)?, None)),
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            (first < last).then_some((first, Some(last)))
        }
    }
}

/// The code in a link's text, if that is one code span in one line.
fn snippet(page: &str, link: &Link) -> Option<String> {
    let inner = link.text.trim_start_matches('`');
    let fence = &link.text[..link.text.len() - inner.len()];
    let inner = inner.strip_suffix(fence).filter(|_| !fence.is_empty())?;
    // ``code with a ` in it``, and blanks if it begins or ends with one.
    let padded = inner.strip_prefix(' ').and_then(|s| s.strip_suffix(' '));
    let code = padded.unwrap_or(inner);
    let single = !code.contains('\n') && !code.contains(fence) && !code.trim().is_empty();
    // Within a table a bar is written with a backslash.
    let line = page[..link.target.start].lines().last().unwrap_or_default();
    let code = match line.starts_with('|') {
        true => code.replace("\\|", "|"),
        false => code.to_string(),
    };
    single.then_some(code)
}
