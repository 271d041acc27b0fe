//! What the picture holds, and in what one moment differs from the one before.
//!
//! Every fact has a key of its own: `A.recv`, `th`. A moment carries only the
//! facts that have changed. The page computes the way back from them, so that
//! a moment is the same from either side.

use std::collections::BTreeMap;

use serde_json::Value;

/// What changes; null takes a fact away.
pub type Delta = BTreeMap<String, Value>;

/// The facts at the last moment, and those set since.
#[derive(Debug, Default)]
pub struct Board {
    now: BTreeMap<String, Value>,
    set: Delta,
}

impl Board {
    /// From the next moment on.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.set.insert(key.into(), value.into());
    }

    /// A moment is over: in what it differs from the one before.
    pub fn cut(&mut self) -> Delta {
        let mut delta = std::mem::take(&mut self.set);
        delta.retain(|key, value| self.now.get(key).unwrap_or(&Value::Null) != value);
        for (key, value) in &delta {
            match value {
                Value::Null => self.now.remove(key),
                value => self.now.insert(key.clone(), value.clone()),
            };
        }
        delta
    }
}

/// Zero is not drawn, and takes no room.
pub fn nonzero(count: u64) -> Value {
    match count {
        0 => Value::Null,
        count => count.into(),
    }
}

/// Nor is an empty list.
pub fn some<T: Into<Value>>(list: Vec<T>) -> Value {
    match list.is_empty() {
        true => Value::Null,
        false => list.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_differs() {
        let mut board = Board::default();
        board.set("a", 1);
        board.set("b", Value::Null);
        assert_eq!(board.cut(), Delta::from([("a".into(), 1.into())]));
        board.set("a", 2);
        board.set("a", 1);
        assert!(board.cut().is_empty());
        board.set("a", Value::Null);
        assert_eq!(board.cut(), Delta::from([("a".into(), Value::Null)]));
    }

    proptest! {
        /// What the page does: forward by the deltas, backward by what each
        /// has replaced.
        #[test]
        fn a_moment_is_the_same_from_either_side(
            moments in prop::collection::vec(
                prop::collection::vec((0..6u8, prop::option::of(0..4u8)), 0..5), 1..30)
        ) {
            let mut board = Board::default();
            let (mut state, mut there, mut undo) = (Delta::new(), Vec::new(), Vec::new());
            for sets in &moments {
                for (key, value) in sets {
                    board.set(key.to_string(), value.map_or(Value::Null, Value::from));
                }
                let mut back = Delta::new();
                for (key, value) in board.cut() {
                    let old = match value {
                        Value::Null => state.remove(&key),
                        value => state.insert(key.clone(), value),
                    };
                    back.insert(key, old.unwrap_or(Value::Null));
                }
                prop_assert_eq!(&state, &board.now);
                there.push(state.clone());
                undo.push(back);
            }
            for (moment, back) in there.iter().zip(undo).rev() {
                prop_assert_eq!(&state, moment);
                for (key, old) in back {
                    match old {
                        Value::Null => state.remove(&key),
                        old => state.insert(key, old),
                    };
                }
            }
            prop_assert!(state.is_empty());
        }
    }
}
