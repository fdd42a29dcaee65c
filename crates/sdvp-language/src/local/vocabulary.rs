//! The tokens of a GGUF file, and how text is cut into them.
//!
//! Only byte-level BPE is known (`tokenizer.ggml.model` = `gpt2`): bytes are spelled as 256 printable
//! characters, tokens are such spellings, and neighbours are merged in the order of the list.

use super::LocalError;
use super::header::{Header, Value};
use super::pre_tokenizer::Family;
use std::collections::HashMap;
use std::path::Path;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::BPE;

/// Types of tokens in `tokenizer.ggml.token_type`.
const NORMAL: u64 = 1;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// Tokens, and how text is cut into them.
pub(super) struct Vocabulary {
    /// The bytes of all tokens, one after another.
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<usize>,
    /// Tokens by the bytes they spell; control tokens spell none.
    sorted: Vec<u32>,
    special: HashMap<String, u32>,
    tokenizer: Tokenizer,
}

impl Vocabulary {
    /// Reads the tokens.
    ///
    /// # Errors
    /// If the file has none, or of another kind, or ones that could not spell every text.
    pub(super) fn read(path: &Path, header: &Header) -> Result<Self, LocalError> {
        let fault = |message: String| LocalError::Model {
            path: path.to_owned(),
            message,
        };
        let text = |name: &str| match header.metadata.get(name) {
            Some(Value::Text(text)) => Ok(text.as_str()),
            found => Err(fault(format!("{name}: expected a text, found {found:?}"))),
        };
        let model = text("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(fault(format!(
                "tokenizer.ggml.model: expected `gpt2` (byte-level BPE), found `{model}`"
            )));
        }
        let texts = |name: &str| match header.metadata.get(name) {
            Some(Value::Texts(texts)) => Ok(texts),
            _ => Err(fault(format!("{name}: expected a list of texts"))),
        };
        let tokens = texts("tokenizer.ggml.tokens")?;
        let kinds = match header.metadata.get("tokenizer.ggml.token_type") {
            Some(Value::Counts(kinds)) if kinds.len() == tokens.len() => kinds.clone(),
            None => vec![NORMAL; tokens.len()],
            _ => {
                return Err(fault(format!(
                    "tokenizer.ggml.token_type: expected {} numbers",
                    tokens.len()
                )));
            }
        };
        let spelled = byte_of_char();
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(tokens.len());
        let mut special = HashMap::new();
        let mut mergeable = ahash::AHashMap::new();
        for (id, (token, kind)) in (0_u32..).zip(tokens.iter().zip(kinds)) {
            match kind {
                NORMAL => {
                    for c in token.chars() {
                        let byte = spelled.get(&c).ok_or_else(|| {
                            fault(format!("the token {token:?} ({id}) does not spell bytes"))
                        })?;
                        bytes.push(*byte);
                    }
                    if mergeable.insert(token.clone(), id).is_some() {
                        return Err(fault(format!("the token {token:?} is there twice")));
                    }
                }
                USER_DEFINED => bytes.extend(token.as_bytes()),
                CONTROL => {
                    special.insert(token.clone(), id);
                }
                _ => {}
            }
            ends.push(bytes.len());
        }
        // What a program, or the rest of a character, can be ended with. Some vocabularies lack
        // bytes that hardly a text has.
        for (c, byte) in &spelled {
            let needed = matches!(byte, b'\n' | b' '..=b'~' | 0x80..=0xBF);
            if needed && !mergeable.contains_key(&c.to_string()) {
                return Err(fault(format!(
                    "expected a token for each byte of ASCII, found none for {byte:#04x}"
                )));
            }
        }
        let mut merges = Vec::new();
        for merge in texts("tokenizer.ggml.merges")? {
            let (left, right) = merge.split_once(' ').ok_or_else(|| {
                fault(format!(
                    "tokenizer.ggml.merges: expected two tokens with a blank between, found {merge:?}"
                ))
            })?;
            merges.push((left.to_owned(), right.to_owned()));
        }
        let name = text("tokenizer.ggml.pre")?;
        let family = Family::named(name).ok_or_else(|| {
            let names = Family::NAMES;
            fault(format!(
                "tokenizer.ggml.pre: expected {names}, found `{name}`"
            ))
        })?;
        let model = BPE::builder()
            .vocab_and_merges(mergeable, merges)
            .ignore_merges(family.takes_whole_words())
            .build()
            .map_err(|error| fault(format!("tokenizer.ggml.merges: {error}")))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(family.cuts()?));
        let mut vocabulary = Self {
            bytes,
            ends,
            sorted: Vec::new(),
            special,
            tokenizer,
        };
        let mut sorted: Vec<u32> = (0..)
            .take(vocabulary.ends.len())
            .filter(|&id| !vocabulary.spelling(id).is_empty())
            .collect();
        sorted.sort_by_key(|&id| vocabulary.spelling(id));
        vocabulary.sorted = sorted;
        Ok(vocabulary)
    }

    /// Number of tokens.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes that a token stands for; none if it is a control token or there is none of this
    /// number.
    pub(super) fn spelling(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let start = at
            .checked_sub(1)
            .map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The tokens that spell something, in the order of their bytes.
    pub(super) fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// The control token of this name.
    pub(super) fn special(&self, name: &str) -> Option<u32> {
        self.special.get(name).copied()
    }

    /// The tokens of a text. What looks like a control token in it is text like any other.
    ///
    /// # Errors
    /// If the tokenizer fails, or the vocabulary lacks bytes of the text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| LocalError::Tokens(error.to_string()))?;
        let tokens = encoding.get_ids().to_vec();
        // The tokenizer leaves out what it has no token for.
        let spelled: usize = tokens.iter().map(|&id| self.spelling(id).len()).sum();
        if spelled != text.len() {
            return Err(LocalError::Tokens(format!(
                "it has {} bytes, the vocabulary spells {spelled} of them",
                text.len()
            )));
        }
        Ok(tokens)
    }

    /// Few tokens that spell these bytes of ASCII: each time the longest that fits.
    pub(super) fn cover(&self, bytes: &[u8]) -> Vec<u32> {
        let mut rest = bytes;
        let mut tokens = Vec::new();
        while !rest.is_empty() {
            let Some(token) = self.longest(rest) else {
                break;
            };
            tokens.push(token);
            rest = rest.get(self.spelling(token).len()..).unwrap_or_default();
        }
        tokens
    }

    /// The longest token that `bytes` start with. There is one: each byte of
    /// ASCII is a token.
    fn longest(&self, bytes: &[u8]) -> Option<u32> {
        let mut range = self.sorted();
        let mut found = None;
        for (depth, &byte) in bytes.iter().enumerate() {
            range = with_byte(self, range, depth, byte);
            let first = range.first()?;
            if self.spelling(*first).len() == depth + 1 {
                found = Some(*first);
            }
            if range.len() == 1 && self.spelling(*first).len() <= depth + 1 {
                break;
            }
            if bytes.len() > depth + 1
                && with_byte(self, range, depth + 1, *bytes.get(depth + 1)?).is_empty()
            {
                break;
            }
        }
        found
    }
}

/// Of sorted tokens that have the first `depth` bytes in common, those with `byte` next.
pub(super) fn with_byte<'a>(
    vocabulary: &Vocabulary,
    tokens: &'a [u32],
    depth: usize,
    byte: u8,
) -> &'a [u32] {
    let next = |id: &u32| vocabulary.spelling(*id).get(depth).copied();
    let start = tokens.partition_point(|id| next(id) < Some(byte));
    let rest = tokens.get(start..).unwrap_or_default();
    let length = rest.partition_point(|id| next(id) <= Some(byte));
    rest.get(..length).unwrap_or_default()
}

/// The byte that each of the 256 characters spells: printable ones of Latin-1 spell themselves,
/// the others follow from U+0100 on.
fn byte_of_char() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let others = (0..=255_u8).filter(|byte| !printable(byte));
    (0..=255_u8)
        .filter(printable)
        .map(|byte| (char::from(byte), byte))
        .chain(('\u{100}'..).zip(others))
        .collect()
}
