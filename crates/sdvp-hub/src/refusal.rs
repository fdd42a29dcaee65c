//! Answers that cannot be used, and answers that did not come: why, and whether to ask again.

use crate::client::{Subject, header};
use crate::error::HubError;
use crate::limits::HUB_LISTING;
use crate::patience::Failure;
use crate::url::Endpoint;
use sdvp_core::Found;
use std::time::Duration;
use ureq::http::HeaderMap;

/// Letters repeated of what a server says.
const LONGEST_SAYING: usize = 200;

/// An answer that cannot be used.
pub(crate) struct Refused<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) url: &'a str,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
}

impl Refused<'_> {
    /// By a server that the hub sent us to.
    pub(crate) fn elsewhere(&self) -> Failure {
        let error = HubError::Status {
            url: self.url.to_owned(),
            status: self.status,
            said: saying(self.headers, self.status),
        };
        match self.status {
            408 | 429 | 500 | 502..=504 => {
                Failure::Passing(Box::new(error), asked_pause(self.headers))
            }
            _ => error.into(),
        }
    }

    /// By the hub itself, which says why in headers of its own.
    pub(crate) fn by_the_hub(&self, endpoint: &Endpoint, with_token: bool) -> Failure {
        let id = self.subject.id.clone();
        let said = saying(self.headers, self.status);
        let code = header(self.headers, "x-error-code").unwrap_or_default();
        let sent = match with_token {
            true => "a token was sent",
            false => "none was sent",
        };
        let error = match self.status {
            401 | 403 if code == "GatedRepo" => HubError::Gated {
                page: endpoint.page(&id),
                id,
                sent,
                said,
            },
            401 | 403 => HubError::Denied {
                id,
                status: self.status,
                sent,
                said,
            },
            404 | 410 => {
                let (repository, revision) = (&id.repository, id.revision.as_str());
                let what = match (code, self.subject.file) {
                    ("RevisionNotFound", _) => format!("revision {revision} of {repository}"),
                    (_, Some(file)) => format!("{file} in {repository} at {revision}"),
                    (_, None) => {
                        format!("model {repository}, or not its revision {revision}")
                    }
                };
                HubError::NotFound {
                    endpoint: endpoint.to_string(),
                    what,
                    said,
                }
            }
            _ => return self.elsewhere(),
        };
        error.into()
    }
}

/// A server's own words, as far as they may be shown.
fn saying(headers: &HeaderMap, status: u16) -> String {
    let usual = || {
        let status = ureq::http::StatusCode::from_u16(status).ok();
        status.and_then(|status| status.canonical_reason())
    };
    let said = header(headers, "x-error-message").or_else(usual);
    let shown = said
        .unwrap_or("nothing")
        .chars()
        .filter(|c| !c.is_control());
    shown.take(LONGEST_SAYING).collect()
}

/// In how much time a server asks to come again: `Retry-After` in seconds, or `t` of `RateLimit`.
fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = header(headers, "retry-after").and_then(|text| text.trim().parse().ok());
    let limit = || {
        let parts = header(headers, "ratelimit")?.split(';');
        let mut times = parts.filter_map(|part| part.trim().strip_prefix("t=")?.parse().ok());
        times.next()
    };
    seconds.or_else(limit).map(Duration::from_secs)
}

/// Why no answer came.
pub(crate) fn failure(error: ureq::Error, url: &str) -> Failure {
    use std::io::ErrorKind::ConnectionRefused;
    use ureq::Error as E;
    let passing = match &error {
        E::Io(error) => error.kind() != ConnectionRefused,
        E::Timeout(_) | E::Protocol(_) | E::ConnectionFailed => true,
        _ => false,
    };
    if let E::BodyExceedsLimit(most) = error {
        let exceeded = HUB_LISTING.exceeded(most, Found::More);
        let url = url.to_owned();
        return HubError::TooLarge { url, exceeded }.into();
    }
    let error = HubError::Unreachable {
        url: url.to_owned(),
        source: Box::new(error),
    };
    if passing {
        Failure::Passing(Box::new(error), None)
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_too_long_are_refused_by_the_limits_name() {
        match failure(ureq::Error::BodyExceedsLimit(100), "http://a") {
            Failure::Lasting(error) => {
                let error = error.to_string();
                assert!(
                    error.contains("the limit hub-listing is 100 bytes"),
                    "{error}"
                );
            }
            passing => panic!("{passing:?}"),
        }
    }

    #[test]
    fn servers_say_when_to_come_again() {
        for (name, value, expected) in [
            ("retry-after", "7", Some(7)),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("ratelimit", "\"resolvers\";r=0;t=27", Some(27)),
            ("ratelimit", "\"resolvers\";r=0", None),
            ("date", "7", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(
                asked_pause(&headers),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
