//! Tokenizers as older checkpoints have them: a vocabulary and what says how to use it, in files of their
//! own instead of a `tokenizer.json`. They become what transformers makes of them (`CLIPTokenizer`,
//! `BertTokenizer`).

use crate::error::{ModelError, Result};
use crate::tokenizer::Tokenizer;
use bert::bert;
use clip::clip;
use merges::merges_of;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

mod bert;
mod clip;
mod merges;

pub(crate) use merges::check_merges;

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
        let id = self.id(&word).ok_or_else(|| {
            ModelError::Tokenizer(format!(
                "expected {word:?} in the vocabulary, which is the {role}, found none"
            ))
        })?;
        self.mark(word.clone());
        Ok((word, id))
    }

    /// What stands for unknown words, which must be one of the vocabulary's own.
    fn unknown(&mut self, named: Option<Word>, usual: &str) -> Result<String> {
        let (word, _) = self.special(named, usual, "word for what is unknown")?;
        match self.ids.contains_key(&word) {
            true => Ok(word),
            false => Err(ModelError::Tokenizer(format!(
                "expected {word:?}, the word for what is unknown, in the vocabulary itself, found it in {ADDED}"
            ))),
        }
    }

    fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).or_else(|| self.added.get(word)).copied()
    }

    fn mark(&mut self, word: String) {
        if !self.special.contains(&word) {
            self.special.push(word);
        }
    }

    /// Words that are found in a text before anything else, by id.
    fn added(&self) -> Result<BTreeMap<u32, &str>> {
        let mut words: BTreeMap<u32, &str> = BTreeMap::new();
        let special = self.special.iter();
        let special = special.filter_map(|word| Some((word, self.ids.get(word)?)));
        for (word, id) in self.added.iter().chain(special) {
            if let Some(other) = words.insert(*id, word)
                && other != word
            {
                return Err(ModelError::Tokenizer(format!(
                    "expected an id for each word, found {id} for {other:?} and for {word:?}"
                )));
            }
        }
        Ok(words)
    }

    /// The tokenizer of a model, which prepares texts and puts a start and an end around them; `file` is
    /// where its parts come from.
    fn tokenizer(&self, file: &str, pad: (String, u32), parts: Value) -> Result<Tokenizer> {
        let added = self.added()?;
        let token = |(id, word): (&u32, &&str)| {
            let special = self.special.iter().any(|it| it == word);
            json!({
                "id": id, "content": word, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": !special, "special": special,
            })
        };
        let mut whole = json!({
            "version": "1.0", "truncation": null,
            "added_tokens": added.iter().map(token).collect::<Vec<_>>(),
            "padding": {
                "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": pad.1, "pad_type_id": 0, "pad_token": pad.0,
            },
        });
        if let (Some(whole), Value::Object(parts)) = (whole.as_object_mut(), parts) {
            whole.extend(parts);
        }
        let tokenizer = Tokenizer::from_json(whole.to_string().as_bytes(), file)?;
        // The library numbers words that the vocabulary has not itself.
        for (id, word) in added {
            match tokenizer.id(word) {
                Ok(found) if found == id => {}
                _ => {
                    return Err(ModelError::Tokenizer(format!(
                        "{ADDED}: expected {word:?} right after the vocabulary, found it with the id {id}"
                    )));
                }
            }
        }
        Ok(tokenizer)
    }
}

/// Whether a vocabulary is of this class of transformers', or says nothing of it.
fn of_class(said: &Said, class: &str, files: &str) -> Result<()> {
    match said.tokenizer_class.as_deref() {
        Some(found) if !(found == class || found.strip_suffix("Fast") == Some(class)) => {
            Err(ModelError::Tokenizer(format!(
                "expected tokenizer.json, or {files} of a {class}, found those of a {found}"
            )))
        }
        _ => Ok(()),
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
        let vocabulary = |ids| Vocabulary {
            ids,
            added,
            special: Vec::new(),
        };
        match (file(VOCABULARY), file(MERGES), file(WORDS)) {
            (Some(ids), Some(merges), _) => {
                let ids = parsed(VOCABULARY, ids.as_ref())?;
                let merges = merges_of(text(MERGES, merges.as_ref())?)?;
                clip(vocabulary(ids), merges, said)
            }
            (_, _, Some(words)) => {
                let words = text(WORDS, words.as_ref())?.lines();
                let ids = words.map(|word| word.trim_end().to_owned()).zip(0u32..);
                bert(vocabulary(ids.collect()), said)
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
