//! Answers that did not come, and when to ask again.

use super::http_date;
use crate::LanguageError;
use crate::limits::ENDPOINT_ANSWER;
use sdvp_core::Found;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};
use ureq::http::HeaderMap;

/// A header as text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// In how much time a server asks to come again: `Retry-After` in seconds or as a date.
pub(super) fn asked_pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = header(headers, "retry-after")?.trim();
    let seconds = text.parse::<f64>().ok();
    match seconds.map(Duration::try_from_secs_f64) {
        Some(seconds) => seconds.ok(),
        None => {
            let then = http_date::parse(text)?;
            Some(then.duration_since(now).unwrap_or(Duration::ZERO))
        }
    }
}

/// Why no answer came.
pub(super) fn failure(error: ureq::Error, url: &str) -> LanguageError {
    use ureq::Error as E;
    let url = url.to_owned();
    let reason = error.to_string();
    match &error {
        E::Timeout(_) => LanguageError::TimedOut { url, reason },
        E::Io(io) => match io.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => LanguageError::TimedOut { url, reason },
            ErrorKind::ConnectionRefused => LanguageError::Unreachable { url, reason },
            _ => LanguageError::Disconnected { url, reason },
        },
        E::Protocol(_) | E::ConnectionFailed | E::BodyStalled => {
            LanguageError::Disconnected { url, reason }
        }
        E::BodyExceedsLimit(most) => LanguageError::TooLarge {
            url,
            exceeded: ENDPOINT_ANSWER.exceeded(*most, Found::More),
        },
        _ => LanguageError::Unreachable { url, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_too_long_are_refused_by_the_limits_name() {
        let error = failure(ureq::Error::BodyExceedsLimit(100), "http://a");
        assert_eq!(
            error.to_string(),
            "http://a answers with too much: found more than 100 bytes, the limit endpoint-answer is 100 bytes (--allow endpoint-answer=… raises it)"
        );
        assert!(!error.is_passing());
    }

    #[test]
    fn servers_say_when_to_come_again() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (value, expected) in [
            ("7", Some(7_000)),
            ("0.25", Some(250)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            let expected = expected.map(Duration::from_millis);
            assert_eq!(asked_pause(&headers, now), expected, "{value}");
        }
    }
}
