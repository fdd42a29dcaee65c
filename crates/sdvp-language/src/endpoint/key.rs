//! The key of an endpoint, which no message, file or debug form ever shows.

use crate::LanguageError;
use std::fmt;

/// A key, read from the environment.
#[derive(Clone)]
pub(super) struct Key(String);

impl Key {
    /// The key in a variable of the environment; none where it is not set or empty.
    ///
    /// # Errors
    /// If it is no text that may stand in a header.
    pub(super) fn from_environment(variable: &str) -> Result<Option<Self>, LanguageError> {
        let wrong = || LanguageError::Key {
            variable: variable.to_owned(),
        };
        match std::env::var_os(variable) {
            None => Ok(None),
            Some(value) => Self::parse(value.to_str().ok_or_else(wrong)?).ok_or_else(wrong),
        }
    }

    /// A key, or none if there is nothing; `None` outside if it cannot be one.
    fn parse(text: &str) -> Option<Option<Self>> {
        let text = text.trim();
        let visible = text.chars().all(|c| c.is_ascii_graphic());
        visible.then(|| (!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// What stands in the request's header.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A server's words without the key, should it repeat it, or its beginning.
    pub(super) fn hidden_in(&self, said: &str) -> String {
        let mut shown = said.replace(&self.0, "[key]");
        // Servers repeat keys with stars in the middle.
        if let (Some(start), Some(end)) = (
            self.0.get(..8),
            self.0.get(self.0.len().saturating_sub(4)..),
        ) && self.0.len() > 12
        {
            let hide = |word: &str| match word.contains(start) {
                true => "[key]".to_owned(),
                false if word.contains('*') => word.replace(end, "[key]"),
                false => word.to_owned(),
            };
            let words: Vec<String> = shown.split(' ').map(hide).collect();
            shown = words.join(" ");
        }
        shown
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_letters_or_nothing() {
        assert!(Key::parse(" \n").unwrap().is_none());
        assert!(Key::parse("two words").is_none());
        assert!(Key::parse("line\nbreak").is_none());
        let key = Key::parse(" sk-abc\n").unwrap().unwrap();
        assert_eq!(key.header(), "Bearer sk-abc");
        assert_eq!(format!("{key:?}"), "Key");
    }

    #[test]
    fn servers_words_are_shown_without_it() {
        let key = Key::parse("sk-abcdefgh-12345678-zyxw").unwrap().unwrap();
        for said in [
            "wrong key sk-abcdefgh-12345678-zyxw.",
            "wrong key sk-abcdefgh******zyxw, see there",
            "wrong key ****zyxw!",
        ] {
            let shown = key.hidden_in(said);
            assert!(
                shown.contains("[key]") && !shown.contains("zyxw"),
                "{shown}"
            );
            assert!(!shown.contains("abcdefgh"), "{shown}");
        }
        assert_eq!(key.hidden_in("no such model"), "no such model");
    }
}
