//! What to do about weights that are not read.

use crate::id::{Commit, ModelId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    architectures: Vec<String>,
}

/// How to convert a model's weights in Python, by the class that its `config.json` names. `page` is the
/// repository's.
pub(crate) fn how_to_convert(id: &ModelId, commit: &Commit, page: &str, config: &[u8]) -> String {
    let config: Option<Config> = serde_json::from_slice(config).ok();
    let named = config.and_then(|config| config.architectures.into_iter().next());
    // It becomes part of a program that somebody may copy.
    let is_class =
        |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let class = named.filter(is_class);
    let class = class.unwrap_or_else(|| "AutoModel".to_owned());
    let repository = id.repository.as_str();
    let folder = repository.rsplit('/').next().unwrap_or_default();
    format!(
        "Others may have converted it: the pull requests at {page}/discussions are pulled as \
         {repository}@refs/pr/N. Or, where you trust it, convert it once in Python and give the folder \
         {folder} instead of the name:\n\
         from transformers import AutoImageProcessor, AutoTokenizer, {class}\n\
         for part in ({class}, AutoImageProcessor, AutoTokenizer):\n    \
         part.from_pretrained(\"{repository}\", revision=\"{commit}\").save_pretrained(\"{folder}\")"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(config: &str) -> String {
        let commit = Commit::parse(&"a1".repeat(20)).unwrap();
        how_to_convert(
            &"org/name".parse().unwrap(),
            &commit,
            "P",
            config.as_bytes(),
        )
    }

    #[test]
    fn the_program_is_for_the_models_own_class() {
        let text = advice(r#"{"architectures": ["ViltForQuestionAnswering"]}"#);
        for line in [
            "from transformers import AutoImageProcessor, AutoTokenizer, ViltForQuestionAnswering\n",
            "\nfor part in (ViltForQuestionAnswering, AutoImageProcessor, AutoTokenizer):\n    part.",
            "save_pretrained(\"name\")",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn what_a_configuration_says_does_not_become_part_of_it() {
        for config in [
            "",
            "{}",
            r#"{"architectures": ["X\nimport os"]}"#,
            r#"{"architectures": [""]}"#,
        ] {
            let text = advice(config);
            assert!(
                text.contains("AutoModel") && !text.contains("import os"),
                "{text}"
            );
        }
    }
}
