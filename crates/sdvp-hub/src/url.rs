//! Addresses: the hub's own, and where it sends us.

use crate::error::{HubError, Result};
use crate::id::{Commit, ModelId};
use std::fmt;
use ureq::http::Uri;

/// The hub: scheme, host, and perhaps a path before everything.
#[derive(Clone)]
pub(crate) struct Endpoint {
    text: String,
    uri: Uri,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Endpoint {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = || HubError::Environment {
            variable: "HF_ENDPOINT",
            expected: "an address such as https://hub.example",
            found: text.to_owned(),
        };
        let trimmed = text.trim_end_matches('/');
        let uri: Uri = trimmed.parse().map_err(|_| wrong())?;
        if !is_web(&uri) || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            text: trimmed.to_owned(),
            uri,
        })
    }

    /// Whether an address is the hub's own, to which a token may be sent.
    pub(crate) fn owns(&self, uri: &Uri) -> bool {
        same_origin(&self.uri, uri)
    }

    /// Where a repository's files are listed.
    pub(crate) fn listing(&self, id: &ModelId) -> String {
        // A revision is one part of the address.
        let revision = id.revision.as_str().replace('/', "%2F");
        format!("{self}/api/models/{}/revision/{revision}", id.repository)
    }

    /// Where a file is. Names hold nothing that would have to be escaped.
    pub(crate) fn file(&self, id: &ModelId, commit: &Commit, name: &str) -> String {
        format!("{self}/{}/resolve/{commit}/{name}", id.repository)
    }

    /// A repository's page for people.
    pub(crate) fn page(&self, id: &ModelId) -> String {
        format!("{self}/{}", id.repository)
    }
}

fn is_web(uri: &Uri) -> bool {
    let scheme = uri.scheme_str();
    scheme.is_some_and(|scheme| scheme == "https" || scheme == "http") && uri.host().is_some()
}

fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| match uri.port_u16() {
        Some(port) => port,
        None if uri.scheme_str() == Some("http") => 80,
        None => 443,
    };
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    a.scheme() == b.scheme() && host(a) == host(b) && port(a) == port(b)
}

/// Where a redirection leads: never from an encrypted connection to an open one.
pub(crate) fn redirected(from: &Uri, location: &str) -> Option<Uri> {
    let whole = match location.strip_prefix('/') {
        Some(rest) if rest.starts_with('/') => format!("{}:{location}", from.scheme_str()?),
        Some(_) => format!("{}://{}{location}", from.scheme_str()?, from.authority()?),
        None => location.to_owned(),
    };
    let to: Uri = whole.parse().ok()?;
    let downgraded = from.scheme_str() == Some("https") && to.scheme_str() != Some("https");
    (is_web(&to) && !downgraded).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_lead_to_whole_addresses() {
        let from: Uri = "https://hub.example/a/b?c".parse().unwrap();
        for (location, expected) in [
            ("/x/y?z", Some("https://hub.example/x/y?z")),
            ("https://cdn.example/x", Some("https://cdn.example/x")),
            ("//cdn.example/x", Some("https://cdn.example/x")),
            ("http://hub.example/x", None),
            ("file:///etc/passwd", None),
            ("x/y", None),
            ("", None),
        ] {
            let found = redirected(&from, location).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn the_token_is_for_the_hub_alone() {
        let hub = Endpoint::parse("https://hub.example").unwrap();
        for (uri, owned) in [
            ("https://hub.example/x", true),
            ("https://HUB.example:443/x", true),
            ("http://hub.example/x", false),
            ("https://hub.example:444/x", false),
            ("https://hub.example.evil/x", false),
            ("https://evil/hub.example", false),
        ] {
            assert_eq!(hub.owns(&uri.parse().unwrap()), owned, "{uri}");
        }
    }

    #[test]
    fn a_revision_is_one_part_of_an_address() {
        let hub = Endpoint::parse("https://hub.example/").unwrap();
        let id = "a/b@refs/pr/3".parse().unwrap();
        assert_eq!(
            hub.listing(&id),
            "https://hub.example/api/models/a/b/revision/refs%2Fpr%2F3"
        );
    }
}
