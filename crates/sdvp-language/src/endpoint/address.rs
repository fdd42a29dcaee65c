//! The address of an endpoint.

use crate::LanguageError;
use std::fmt;
use ureq::http::Uri;

/// A base address such as `https://api.example/v1`, without what the interface adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// Reads a base address; the path of the interface may stand behind it.
    ///
    /// # Errors
    /// If it is no web address, has a query, or a user with a password, which would be shown.
    pub(super) fn parse(text: &str) -> Result<Self, LanguageError> {
        let trimmed = text.trim().trim_end_matches('/');
        let trimmed = trimmed.strip_suffix(PATH).unwrap_or(trimmed);
        let uri: Option<Uri> = trimmed.parse().ok();
        let is_usable = |uri: &Uri| {
            let web = matches!(uri.scheme_str(), Some("http" | "https"));
            let bare = uri.authority().is_some_and(|a| !a.as_str().contains('@'));
            web && bare && uri.query().is_none() && uri.host().is_some_and(|h| !h.is_empty())
        };
        match uri.filter(is_usable) {
            Some(_) => Ok(Self(trimmed.to_owned())),
            None => Err(LanguageError::Setting {
                setting: "address of the language model",
                expected: "a web address such as http://localhost:8080/v1, without user and query",
                found: without_user(text),
            }),
        }
    }

    /// Where conversations are gone on with.
    pub(super) fn completions(&self) -> String {
        format!("{self}{PATH}")
    }
}

/// What the interface adds to a base address.
const PATH: &str = "/chat/completions";

/// An address as it may be shown: what stands before an `@` may be a secret.
fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for text in [
            "http://localhost:1/v1",
            "http://localhost:1/v1/",
            "http://localhost:1/v1/chat/completions",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                address.completions(),
                "http://localhost:1/v1/chat/completions"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_secrets() {
        for text in [
            "localhost:1",
            "",
            "ftp://x/v1",
            "http://",
            "http://x/v1?key=1",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let error = Address::parse("http://me:secret@x/v1").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
