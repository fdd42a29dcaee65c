//! Where text is cut before anything is merged, by the name that `tokenizer.ggml.pre` has for it.

use super::LocalError;
use tokenizers::SplitDelimiterBehavior;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

/// Contractions, words with one mark before them, up to three digits, marks, line ends, blanks.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What llama.cpp does to a file of no family in particular: runs of marks first, then as GPT-2, then
/// digits by three from the left.
const DEFAULT: [&str; 4] = [
    r"[\p{P}$+<=>^~|]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
    r"\p{N}+",
    r"[0-9][0-9][0-9]",
];

/// A family of vocabularies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Default,
    Gpt2,
    SmolLm,
    Llama3,
}

impl Family {
    /// The names of the families, for messages.
    pub(super) const NAMES: &str = "`smollm`, `llama-bpe`, `gpt-2` or `default`";

    /// The family of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::Default),
            "gpt-2" | "gpt2" => Some(Self::Gpt2),
            "smollm" => Some(Self::SmolLm),
            "llama-bpe" | "llama3" | "llama-v3" => Some(Self::Llama3),
            _ => None,
        }
    }

    /// Whether a piece that is a token is taken as one, even if no merges lead to it.
    pub(super) fn takes_whole_words(self) -> bool {
        self == Self::Llama3
    }

    /// What cuts the text.
    ///
    /// # Errors
    /// If an expression cannot be compiled.
    pub(super) fn cuts(self) -> Result<PreTokenizerWrapper, LocalError> {
        // GPT-2's own expression is the byte level's.
        let (expressions, digits, by_gpt_2): (&[&str], bool, bool) = match self {
            Self::Default => (&DEFAULT, false, false),
            Self::Gpt2 => (&[], false, true),
            Self::SmolLm => (&[], true, true),
            Self::Llama3 => (&[LLAMA_3], false, false),
        };
        let mut parts: Vec<PreTokenizerWrapper> = Vec::new();
        for expression in expressions {
            let pattern = SplitPattern::Regex((*expression).to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map_err(|error| LocalError::Tokens(error.to_string()))?;
            parts.push(split.into());
        }
        if digits {
            parts.push(Digits::new(true).into());
        }
        parts.push(ByteLevel::new(false, false, by_gpt_2).into());
        Ok(Sequence::new(parts).into())
    }
}
