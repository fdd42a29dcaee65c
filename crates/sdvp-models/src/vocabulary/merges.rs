//! Which parts of words a byte-pair encoding puts together.

use super::MERGES;
use crate::error::{ModelError, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;

/// Pairs of parts, one a line after a line that may say a version.
pub(super) fn merges_of(text: &str) -> Result<Vec<(&str, &str)>> {
    let mut pairs = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.starts_with("#version") || line.trim().is_empty() {
            continue;
        }
        match line.split_once(' ') {
            Some((left, right)) if !right.contains(' ') => pairs.push((left, right)),
            _ => {
                return Err(ModelError::Tokenizer(format!(
                    "{MERGES}, line {number}: expected two parts of a word, found {line:?}"
                )));
            }
        }
    }
    Ok(pairs)
}

/// What of a `tokenizer.json` says how parts are put together.
#[derive(Deserialize)]
struct Whole {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    vocab: Option<Words>,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
}

/// Words by id; other models have lists of them, and no merges.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Ids(HashMap<String, IgnoredAny>),
    Others(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

/// Whether every merge of a `tokenizer.json` makes a word that may be in its vocabulary. The `tokenizers`
/// library takes that for granted, and panics where it is not so.
pub(crate) fn check_merges(json: &[u8]) -> std::result::Result<(), String> {
    let whole: Whole = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let Model {
        vocab,
        merges,
        continuing_subword_prefix: prefix,
    } = whole.model;
    let Some(Words::Ids(words)) = vocab else {
        return Ok(());
    };
    let prefix = prefix.unwrap_or_default();
    for (at, merge) in merges.iter().enumerate() {
        let pair = match merge {
            Merge::Pair(left, right) => Some((left.as_str(), right.as_str())),
            Merge::Line(line) => line.split_once(' '),
        };
        let Some((left, right)) = pair else {
            continue;
        };
        let whole = right
            .get(prefix.len()..)
            .map(|right| format!("{left}{right}"));
        if !whole.is_some_and(|whole| words.contains_key(&whole)) {
            return Err(format!(
                "merge {}: expected {left:?} and {right:?} to make a word of the vocabulary, found none",
                at + 1
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Tokenizer;
    use serde_json::json;

    #[test]
    fn merges_that_make_no_word_are_refused_and_not_panicked_at() {
        let with = |merges: serde_json::Value, prefix: &str| {
            let whole = json!({"version": "1.0", "added_tokens": [], "model": {
                "type": "BPE", "vocab": {"<pad>": 0, "a": 1, "#b": 2, "ab": 3, "ab#b": 4},
                "continuing_subword_prefix": prefix, "merges": merges,
            }});
            let made = Tokenizer::from_bytes(whole.to_string().as_bytes());
            made.err().map(|error| error.to_string())
        };
        assert_eq!(with(json!([["a", "#b"]]), "#"), None);
        assert_eq!(with(json!(["a #b"]), "#"), None);
        assert_eq!(with(json!([["ab", "#b"]]), ""), None);
        for (merges, prefix) in [
            (json!([["a", "#b"], ["ab#b", "ab#b"]]), ""),
            (json!(["ab#b ab#b"]), ""),
            (json!([["#b", "a"]]), "##"),
        ] {
            let error = with(merges, prefix).unwrap();
            assert!(
                error.contains("merge ") && error.contains("vocabulary"),
                "{error}"
            );
        }
    }
}
