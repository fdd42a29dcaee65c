//! How deep JSON is nested, before anything is made of it.

use crate::limit::{Exceeded, Found};
use crate::limits::JSON_DEPTH;

/// Refuses JSON whose lists and objects are nested deeper than [`JSON_DEPTH`] says. Nothing else is
/// looked at: whether it is JSON a parser says.
///
/// # Errors
/// If it is.
pub fn admit_json(text: &[u8]) -> Result<(), Exceeded> {
    admit_json_within(JSON_DEPTH.value(), text)
}

/// As [`admit_json`], with another limit in its place.
///
/// # Errors
/// If it is nested deeper than `levels`.
pub fn admit_json_within(levels: u64, text: &[u8]) -> Result<(), Exceeded> {
    let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > levels {
                    return Err(JSON_DEPTH.exceeded(levels, Found::More));
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        for (text, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": []}], "c": {}}"#, 4),
            (r#"["[[[[", "\"[[[", "\\", []]"#, 2),
        ] {
            assert_eq!(admit_json_within(depth, text.as_bytes()), Ok(()), "{text}");
            if let Some(less) = depth.checked_sub(1) {
                let error = admit_json_within(less, text.as_bytes()).unwrap_err();
                assert!(error.to_string().contains("json-depth"), "{error}");
            }
        }
        let usual = usize::try_from(JSON_DEPTH.usual()).unwrap();
        assert!(admit_json("[".repeat(usual).as_bytes()).is_ok());
        assert!(admit_json("[".repeat(usual + 1).as_bytes()).is_err());
    }
}
