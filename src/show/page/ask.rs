//! Questions before a moment. The kernel's answer is the moment itself.

use crate::lab::report::verdict::plural;
use crate::show::page::moment::Asked;
use crate::trace::Name;

/// What a wait will say of somebody who has just sent.
pub fn what(call: &str, name: Name, unread: u64) -> Asked {
    let sent = plural(unread, "byte");
    asked(
        format!(
            "{name} has sent {sent}. The server sleeps in {call}. What will {call} say of {name}?"
        ),
        [
            &format!("{sent} to read"),
            "readable, and no more",
            "nothing yet",
        ],
        1,
    )
}

/// Whether a wait reports again what was reported and is not all read.
pub fn again(call: &str, name: Name, unread: u64, reported: bool) -> Asked {
    asked(
        format!(
            "{} of {name} are unread, and the server calls {call}. What does {call} do?",
            plural(unread, "byte")
        ),
        [&format!("it returns at once, with {name}"), "it sleeps"],
        usize::from(!reported),
    )
}

/// How many bytes a recv brings whose buffer is smaller than what waits.
pub fn how_many(name: Name, unread: u64, taken: u64) -> Asked {
    asked(
        format!(
            "{} of {name} are unread, the server's buffer has room for {taken}. What does recv \
             return?",
            plural(unread, "byte")
        ),
        [&unread.to_string(), &taken.to_string(), "0"],
        1,
    )
}

/// What a recv does that finds nothing.
pub fn empty(name: Name, answer: usize) -> Asked {
    asked(
        format!(
            "Nothing of {name} is unread, and the loop calls recv once more. What does recv do?"
        ),
        [
            "it returns 0",
            "it returns -1, EAGAIN",
            "it does not return",
        ],
        answer,
    )
}

fn asked<const N: usize>(question: String, options: [&str; N], answer: usize) -> Asked {
    Asked {
        question,
        options: options.map(String::from).to_vec(),
        answer,
        reason: String::new(),
    }
}

/// What may be answered to a question for a number: three, among which the
/// right one does not always stand in the same place.
pub fn numbers(question: &str, right: u64) -> (Vec<String>, usize) {
    let letters: u64 = question.bytes().map(u64::from).sum();
    let place = (letters + right) % 3;
    let mut options = match right {
        0..=10 => {
            let first = right.saturating_sub(place);
            vec![first, first + 1, first + 2]
        }
        // Nobody means 999 who says 1000.
        _ => vec![right / 4, right / 2, right],
    };
    options.sort_unstable();
    let answer = options.iter().position(|number| *number == right);
    let options = options.iter().map(u64::to_string).collect();
    (options, answer.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_number_is_among_those_offered() {
        for right in [0, 1, 3, 4, 20, 1000] {
            for question in ["How?", "How many?", "How often"] {
                let (options, answer) = numbers(question, right);
                assert_eq!(options[answer], right.to_string());
                assert_eq!(options.len(), 3);
            }
        }
    }
}
