//! The code in what a language model wrote, and a form of it that is equal where only the spelling
//! differs.

use super::source::Source;
use super::{ViperProgram, ViperSettings};
use crate::ProgramErrors;
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

/// A program without what a language model wrote around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViperCode {
    /// The code, mended so far that Python reads it.
    pub code: String,
    /// Its tokens: equal for programs that differ in comments, blanks, line breaks within
    /// brackets and quotation marks only.
    pub normal: String,
}

impl ViperCode {
    /// Reads a program as a language model wrote it.
    ///
    /// # Errors
    /// As [`ViperProgram::parse`].
    pub fn read(text: &str, settings: &ViperSettings) -> Result<Self, ProgramErrors> {
        ViperProgram::parse(text, settings)?;
        let source = Source::read(text, settings)?;
        let mut normal = String::with_capacity(source.code.len());
        for token in source.module.tokens() {
            let range = token.range();
            let (start, end) = (range.start().to_usize(), range.end().to_usize());
            let text = source.code.get(start..end).unwrap_or_default();
            match token.kind() {
                TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::EndOfFile => {
                    continue;
                }
                TokenKind::Newline => normal.push('\n'),
                TokenKind::Indent => normal.push_str("{ "),
                TokenKind::Dedent => normal.push_str("} "),
                TokenKind::String => {
                    normal.push_str(&quoted(text));
                    normal.push(' ');
                }
                _ => {
                    normal.push_str(text);
                    normal.push(' ');
                }
            }
        }
        Ok(Self {
            code: source.code.trim_end().to_owned(),
            normal,
        })
    }
}

/// A text in double quotation marks, where that needs no other change.
fn quoted(text: &str) -> String {
    let inner = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    match inner {
        Some(inner) if !inner.contains(['\'', '"', '\\', '\n']) => format!("\"{inner}\""),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ViperCode {
        ViperCode::read(text, &ViperSettings::default()).unwrap()
    }

    #[test]
    fn what_differs_in_spelling_only_is_equal() {
        let plain = read(
            "def execute_command(image):\n    patch = ImagePatch(image)\n    return patch.exists(\"dog\")",
        );
        let other = read(
            "Here it is:\n```python\n# Find it.\ndef execute_command( image ):\n  patch = ImagePatch(image)  # all\n\n  return patch.exists(\n      'dog')\n```\nDone.",
        );
        assert_eq!(plain.normal, other.normal);
        assert!(other.code.starts_with("# Find it."), "{}", other.code);
        assert_eq!(read(&other.code), other);
    }

    #[test]
    fn what_differs_in_meaning_is_not() {
        let program = |line: &str| {
            read(&format!(
                "def execute_command(image):\n    if image:\n        return 'a b'\n    {line}"
            ))
            .normal
        };
        let first = program("return 'c'");
        for line in [
            "return 'd'",
            "return \"it's\"",
            "    return 'c'",
            "return c",
        ] {
            assert_ne!(first, program(line), "{line}");
        }
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(ViperCode::read("I cannot.", &ViperSettings::default()).is_err());
    }

    #[test]
    fn code_is_its_own_code() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/data/programs/viper_2000.jsonl");
        let Ok(text) = std::fs::read_to_string(&file) else {
            println!("skipped: {} is not there", file.display());
            return;
        };
        let settings = ViperSettings::default();
        let mut found = 0;
        for line in text.lines().step_by(4) {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Ok(code) = ViperCode::read(record["code"].as_str().unwrap(), &settings) {
                found += 1;
                assert_eq!(
                    ViperCode::read(&code.code, &settings).unwrap(),
                    code,
                    "{line}"
                );
            }
        }
        assert!(found > 400, "{found}");
    }
}
