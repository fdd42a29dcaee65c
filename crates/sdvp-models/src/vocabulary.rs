//! Tokenizers as older checkpoints have them: a vocabulary and what says how to use it, in files of their
//! own instead of a `tokenizer.json`. They become what transformers makes of them (`CLIPTokenizer`,
//! `BertTokenizer`).

use crate::error::{ModelError, Result};
use crate::tokenizer::Tokenizer;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Parts of words by id, of byte-pair encodings.
pub const VOCABULARY: &str = "vocab.json";
/// Which parts are put together, the first ones first.
pub const MERGES: &str = "merges.txt";
/// Parts of words, one a line, of WordPiece.
pub const WORDS: &str = "vocab.txt";
/// Words beside the vocabulary, by id.
pub const ADDED: &str = "added_tokens.json";
/// The words that mark beginnings, ends and the like.
pub const SPECIAL: &str = "special_tokens_map.json";
/// How texts are prepared, and often the special words, too.
pub const SETTINGS: &str = "tokenizer_config.json";

/// All of them.
pub const FILES: [&str; 6] = [VOCABULARY, MERGES, WORDS, ADDED, SPECIAL, SETTINGS];

/// A special word, as older or newer files name one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Plain(String),
    Token { content: String },
}

impl Word {
    fn into_text(self) -> String {
        match self {
            Word::Plain(text) | Word::Token { content: text } => text,
        }
    }
}

/// What is said of special words and of how texts are prepared.
#[derive(Default, Deserialize)]
struct Said {
    tokenizer_class: Option<String>,
    bos_token: Option<Word>,
    eos_token: Option<Word>,
    unk_token: Option<Word>,
    pad_token: Option<Word>,
    cls_token: Option<Word>,
    sep_token: Option<Word>,
    mask_token: Option<Word>,
    do_lower_case: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
}

impl Said {
    /// The special words of the map count before those of the settings.
    fn over(self, settings: Said) -> Self {
        Said {
            tokenizer_class: self.tokenizer_class.or(settings.tokenizer_class),
            bos_token: self.bos_token.or(settings.bos_token),
            eos_token: self.eos_token.or(settings.eos_token),
            unk_token: self.unk_token.or(settings.unk_token),
            pad_token: self.pad_token.or(settings.pad_token),
            cls_token: self.cls_token.or(settings.cls_token),
            sep_token: self.sep_token.or(settings.sep_token),
            mask_token: self.mask_token.or(settings.mask_token),
            do_lower_case: settings.do_lower_case,
            tokenize_chinese_chars: settings.tokenize_chinese_chars,
            strip_accents: settings.strip_accents,
        }
    }
}

/// A vocabulary with the ids of all its words.
struct Vocabulary {
    ids: BTreeMap<String, u32>,
    added: BTreeMap<String, u32>,
    special: Vec<String>,
}

impl Vocabulary {
    /// The special word that was named, or the usual one.
    fn special(&mut self, named: Option<Word>, usual: &str, role: &str) -> Result<(String, u32)> {
        let word = named.map_or_else(|| usual.to_owned(), Word::into_text);
        let id = self.ids.get(&word).or_else(|| self.added.get(&word));
        let id = *id.ok_or_else(|| {
            ModelError::Tokenizer(format!(
                "expected {word:?} in the vocabulary, which is the {role}, found none"
            ))
        })?;
        if !self.special.contains(&word) {
            self.special.push(word.clone());
        }
        Ok((word, id))
    }

    /// Words that are found in a text before anything else, by id.
    fn added(&self) -> Vec<Value> {
        let mut words: BTreeMap<u32, &str> = BTreeMap::new();
        for (word, id) in &self.added {
            words.insert(*id, word);
        }
        for word in &self.special {
            if let Some(id) = self.ids.get(word) {
                words.insert(*id, word);
            }
        }
        let token = |(id, word): (u32, &str)| {
            let special = self.special.iter().any(|it| it == word);
            json!({
                "id": id, "content": word, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": !special, "special": special,
            })
        };
        words.into_iter().map(token).collect()
    }

    /// The tokenizer of a model, which prepares texts and puts a start and an end around them.
    fn tokenizer(&self, pad: (String, u32), parts: Value) -> Result<Tokenizer> {
        let mut whole = json!({
            "version": "1.0", "truncation": null, "added_tokens": self.added(),
            "padding": {
                "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": pad.1, "pad_type_id": 0, "pad_token": pad.0,
            },
        });
        if let (Some(whole), Value::Object(parts)) = (whole.as_object_mut(), parts) {
            whole.extend(parts);
        }
        Tokenizer::from_bytes(whole.to_string().as_bytes())
    }
}

impl Tokenizer {
    /// The tokenizer that a checkpoint's separate files describe; `file` gives the content of one, or
    /// none if there is no such file. Texts are cut as CLIP does ([`VOCABULARY`] and [`MERGES`]; OWL-ViT,
    /// too) or as BERT does ([`WORDS`]; ViLT and BLIP).
    ///
    /// # Errors
    /// If there is no vocabulary, it is of another kind, or a file is damaged or lacks a word that the
    /// others name.
    pub fn from_vocabulary<B: AsRef<[u8]>>(
        file: impl Fn(&'static str) -> Option<B>,
    ) -> Result<Self> {
        let said = settings(&file, SPECIAL)?.over(settings(&file, SETTINGS)?);
        let added = match file(ADDED) {
            Some(bytes) => parsed(ADDED, bytes.as_ref())?,
            None => BTreeMap::new(),
        };
        let special = Vec::new();
        match (file(VOCABULARY), file(MERGES), file(WORDS)) {
            (Some(ids), Some(merges), _) => {
                let ids = parsed(VOCABULARY, ids.as_ref())?;
                let merges = merges_of(text(MERGES, merges.as_ref())?)?;
                clip(
                    Vocabulary {
                        ids,
                        added,
                        special,
                    },
                    merges,
                    said,
                )
            }
            (_, _, Some(words)) => {
                let words = text(WORDS, words.as_ref())?.lines();
                let ids = words.map(|word| word.trim_end().to_owned()).zip(0u32..);
                let ids = ids.collect();
                bert(
                    &mut Vocabulary {
                        ids,
                        added,
                        special,
                    },
                    said,
                )
            }
            _ => Err(ModelError::Tokenizer(format!(
                "expected {VOCABULARY} and {MERGES}, or {WORDS}, found neither"
            ))),
        }
    }
}

fn settings<B: AsRef<[u8]>>(
    file: impl Fn(&'static str) -> Option<B>,
    name: &'static str,
) -> Result<Said> {
    match file(name) {
        Some(bytes) => parsed(name, bytes.as_ref()),
        None => Ok(Said::default()),
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(file: &str, bytes: &[u8]) -> Result<T> {
    let failed = |reason: String| ModelError::Tokenizer(format!("{file}: {reason}"));
    sdvp_core::admit_json(bytes).map_err(|exceeded| failed(exceeded.to_string()))?;
    serde_json::from_slice(bytes).map_err(|error| failed(error.to_string()))
}

fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes)
        .map_err(|error| ModelError::Tokenizer(format!("{file}: expected text, found {error}")))
}

/// Pairs of parts, one a line after a line that may say a version.
fn merges_of(text: &str) -> Result<Vec<(&str, &str)>> {
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

/// As transformers' `CLIPTokenizer`.
fn clip(mut words: Vocabulary, merges: Vec<(&str, &str)>, said: Said) -> Result<Tokenizer> {
    const START: &str = "<|startoftext|>";
    const END: &str = "<|endoftext|>";
    let class = said.tokenizer_class.as_deref().unwrap_or("CLIPTokenizer");
    if !class.starts_with("CLIPTokenizer") {
        return Err(ModelError::Tokenizer(format!(
            "expected tokenizer.json, or {VOCABULARY} and {MERGES} of a CLIPTokenizer, found those of a \
             {class}"
        )));
    }
    let start = words.special(said.bos_token, START, "start of a text")?;
    let end = words.special(said.eos_token, END, "end of a text")?;
    let unknown = words.special(said.unk_token, END, "word for what is unknown")?;
    let pad = words.special(said.pad_token, END, "filler")?;
    let pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
    words.tokenizer(
        pad,
        json!({
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "NFC"},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                {"type": "Lowercase"},
            ]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": true},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            ]},
            "post_processor": {
                "type": "RobertaProcessing", "sep": end, "cls": start,
                "trim_offsets": false, "add_prefix_space": false,
            },
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
                // No `Strip`, which panics at an empty text.
                {"type": "Replace", "pattern": {"Regex": "</w>$"}, "content": ""},
                {"type": "Replace", "pattern": {"String": "</w>"}, "content": " "},
            ]},
            "model": {
                "type": "BPE", "dropout": null, "unk_token": unknown.0,
                "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
                "byte_fallback": false, "ignore_merges": false,
                "vocab": words.ids, "merges": merges,
            },
        }),
    )
}

/// As transformers' `BertTokenizer`.
fn bert(words: &mut Vocabulary, said: Said) -> Result<Tokenizer> {
    let start = words.special(said.cls_token, "[CLS]", "start of a text")?;
    let end = words.special(said.sep_token, "[SEP]", "end of a text")?;
    let unknown = words.special(said.unk_token, "[UNK]", "word for what is unknown")?;
    let pad = words.special(said.pad_token, "[PAD]", "filler")?;
    // What is hidden is never asked about here, but the word is special in texts.
    if let Some(mask) = said.mask_token {
        words.special(Some(mask), "[MASK]", "word for what is hidden")?;
    } else if words.ids.contains_key("[MASK]") {
        words.special(None, "[MASK]", "word for what is hidden")?;
    }
    words.tokenizer(
        pad,
        json!({
            "normalizer": {
                "type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": said.tokenize_chinese_chars.unwrap_or(true),
                "strip_accents": said.strip_accents,
                "lowercase": said.do_lower_case.unwrap_or(true),
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": end, "cls": start},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {
                "type": "WordPiece", "unk_token": unknown.0, "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": words.ids,
            },
        }),
    )
}
