//! Millions of ids in little memory.

use std::collections::HashSet;

/// A set of ids. GQA has 14 million questions, whose ids are digits: those take eight bytes each.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    digits: HashSet<u64>,
    others: HashSet<Box<str>>,
}

impl IdSet {
    /// Adds an id; whether it is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        match packed(id) {
            Some(number) => self.digits.insert(number),
            None => self.others.insert(id.into()),
        }
    }

    /// Whether the id is in it.
    pub(super) fn contains(&self, id: &str) -> bool {
        match packed(id) {
            Some(number) => self.digits.contains(&number),
            None => self.others.contains(id),
        }
    }
}

/// Up to 17 digits with how many they are (`7` and `07` differ) as one number.
fn packed(id: &str) -> Option<u64> {
    let digits = !id.is_empty() && id.len() <= 17 && id.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.then(|| id.parse().ok())??;
    Some(number * 32 + id.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_as_texts_are() {
        let mut set = IdSet::default();
        let ids = [
            "7",
            "07",
            "007",
            "",
            "n7",
            "99999999999999999",
            "999999999999999999",
            "+7",
        ];
        for id in ids {
            assert!(set.insert(id), "{id}");
            assert!(!set.insert(id) && set.contains(id), "{id}");
        }
        assert!(!set.contains("8"));
    }
}
