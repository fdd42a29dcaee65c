//! Text to token ids, by a `tokenizer.json` of the `tokenizers` library.

use crate::error::{ModelError, Result};
use crate::vocabulary::check_merges;
use candle_core::{Device, Tensor};
use tokenizers::PaddingParams;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

/// Turns texts into ids, each sequence with its start and end token, and ids into texts.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    pad: u32,
}

/// Token ids of several texts.
pub struct TokenBatch {
    /// Ids, `[texts, length]`, `u32`.
    pub ids: Tensor,
    /// 1 where there is a token, 0 where there is padding, `[texts, length]`, `f32`.
    pub mask: Tensor,
    /// For each text, the place of its last token (`[SEP]`).
    pub last: Vec<u32>,
}

const PAD: &str = "[PAD]";
/// What published tokenizers that say nothing of it pad with.
const PADS: [&str; 3] = [PAD, "<pad>", "<|endoftext|>"];
const UNKNOWN: &str = "[UNK]";
/// What stands for what a vocabulary has no words for.
const UNKNOWNS: [&str; 2] = [UNKNOWN, "<unk>"];
const START: &str = "[CLS]";
const END: &str = "[SEP]";

impl Tokenizer {
    /// A WordPiece tokenizer whose vocabulary is `words` plus every letter and digit (alone and as
    /// a continuation) and the plural endings, so that any text can be written. `[SEP]` has the
    /// highest id, which is what CLIP-style text towers pool at.
    ///
    /// # Errors
    /// If the library refuses the vocabulary.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut vocabulary: Vec<String> = [PAD, UNKNOWN, START].map(str::to_owned).to_vec();
        let mut add = |token: String| {
            if !vocabulary.contains(&token) {
                vocabulary.push(token);
            }
        };
        for letter in ('a'..='z').chain('0'..='9') {
            add(letter.to_string());
            add(format!("##{letter}"));
        }
        for piece in [
            "##s", "##es", "##ies", ".", ",", "?", "!", ":", ";", "'", "-", "(", ")", "\"",
        ] {
            add(piece.to_owned());
        }
        let mut words: Vec<String> = words.into_iter().map(str::to_lowercase).collect();
        words.sort();
        words.into_iter().for_each(add);
        vocabulary.push(END.to_owned());

        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let ids: ahash::AHashMap<String, u32> = vocabulary.into_iter().zip(0u32..).collect();
        let model = WordPiece::builder()
            .vocab(ids)
            .unk_token(UNKNOWN.to_owned())
            .build()
            .map_err(failed)?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner
            .with_normalizer(Some(BertNormalizer::new(true, false, Some(true), true)))
            .map_err(failed)?
            .with_pre_tokenizer(Some(BertPreTokenizer));
        let id = |token: &str| {
            inner
                .token_to_id(token)
                .ok_or_else(|| ModelError::Tokenizer(format!("no token {token}")))
        };
        let processing =
            BertProcessing::new((END.to_owned(), id(END)?), (START.to_owned(), id(START)?));
        let pad = id(PAD)?;
        inner.with_post_processor(Some(processing));
        Ok(Self { inner, pad })
    }

    /// Reads the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// If it is not a tokenizer, or nothing to pad with can be found.
    pub fn from_bytes(json: &[u8]) -> Result<Self> {
        Self::from_json(json, "tokenizer.json")
    }

    /// As [`Tokenizer::from_bytes`], of a content that comes from this file.
    pub(crate) fn from_json(json: &[u8], file: &str) -> Result<Self> {
        let failed = |reason: String| ModelError::Tokenizer(format!("{file}: {reason}"));
        check_merges(json).map_err(failed)?;
        let mut inner =
            tokenizers::Tokenizer::from_bytes(json).map_err(|e| failed(e.to_string()))?;
        let said = inner.get_padding().map(|padding| padding.pad_id);
        let usual = || PADS.iter().find_map(|token| inner.token_to_id(token));
        let pad = said.or_else(usual).ok_or_else(|| {
            failed(format!(
                "it says nothing of padding and has none of {PADS:?}"
            ))
        })?;
        // Texts are cut and padded here, as long as the network takes them.
        if said.is_some() || inner.get_truncation().is_some() {
            inner.with_padding(None);
            inner
                .with_truncation(None)
                .map_err(|e| failed(e.to_string()))?;
        }
        Ok(Self { inner, pad })
    }

    /// The content of a `tokenizer.json` that says what it pads with, too.
    ///
    /// # Errors
    /// If the library cannot write it.
    pub fn to_file(&self) -> Result<String> {
        let mut padding = PaddingParams {
            pad_id: self.pad,
            ..PaddingParams::default()
        };
        if let Some(word) = self.inner.id_to_token(self.pad) {
            padding.pad_token = word;
        }
        let mut whole = self.inner.clone();
        whole
            .with_padding(Some(padding))
            .to_string(true)
            .map_err(|e| ModelError::Tokenizer(e.to_string()))
    }

    /// The tokenizer as JSON text, which is part of what a model is known by.
    ///
    /// # Errors
    /// If the library cannot write it.
    pub fn to_json(&self) -> Result<String> {
        self.inner
            .to_string(true)
            .map_err(|e| ModelError::Tokenizer(e.to_string()))
    }

    /// Number of ids.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Ids of one text, with start and end token, cut to `max_length` (the end token is kept).
    ///
    /// # Errors
    /// If the library refuses the text.
    pub fn encode(&self, text: &str, max_length: usize) -> Result<Vec<u32>> {
        let encoding = self
            .inner
            .encode(text, true)
            .map_err(|e| ModelError::Tokenizer(e.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() > max_length {
            let end = ids.last().copied();
            ids.truncate(max_length.saturating_sub(1));
            ids.extend(end);
        }
        Ok(ids)
    }

    /// Ids of a text by itself, without start and end.
    ///
    /// # Errors
    /// If the library refuses the text.
    pub fn spell(&self, text: &str) -> Result<Vec<u32>> {
        let encoded = self.inner.encode(text, false);
        let encoded = encoded.map_err(|e| ModelError::Tokenizer(e.to_string()))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The same tokenizer, for which special words in texts are like any other text.
    #[must_use]
    pub fn without_special_words(mut self) -> Self {
        self.inner.set_encode_special_tokens(true);
        self
    }

    /// The id of a word of the vocabulary.
    ///
    /// # Errors
    /// If it is none.
    pub fn id(&self, word: &str) -> Result<u32> {
        self.inner
            .token_to_id(word)
            .ok_or_else(|| ModelError::Tokenizer(format!("expected the word {word:?}, found none")))
    }

    /// The id that stands for what the vocabulary has no words for, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        UNKNOWNS
            .iter()
            .find_map(|word| self.inner.token_to_id(word))
    }

    /// The text of ids, without start, end and other special tokens.
    ///
    /// # Errors
    /// If the library refuses the ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner
            .decode(ids, true)
            .map_err(|e| ModelError::Tokenizer(e.to_string()))
    }

    /// Several texts, padded to the longest, or to `length` where it is given (so that results do
    /// not depend on the batch).
    ///
    /// # Errors
    /// If the library refuses a text.
    pub fn batch(&self, texts: &[&str], max_length: usize, device: &Device) -> Result<TokenBatch> {
        let encoded: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| self.encode(text, max_length))
            .collect::<Result<_>>()?;
        let length = encoded.iter().map(Vec::len).max().unwrap_or(1);
        let mut ids = vec![self.pad; texts.len() * length];
        let mut mask = vec![0f32; texts.len() * length];
        for (row, tokens) in encoded.iter().enumerate() {
            let at = row * length;
            ids[at..at + tokens.len()].copy_from_slice(tokens);
            mask[at..at + tokens.len()].fill(1.0);
        }
        Ok(TokenBatch {
            ids: Tensor::from_vec(ids, (texts.len(), length), device)?,
            mask: Tensor::from_vec(mask, (texts.len(), length), device)?,
            last: encoded
                .iter()
                .map(|tokens| tokens.len().saturating_sub(1) as u32)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_words(["dog", "what", "color", "is", "the"]).unwrap()
    }

    #[test]
    fn words_plurals_and_unknown_words_are_written() {
        let t = tokenizer();
        let end = t.vocabulary_size() as u32 - 1;
        let dogs = t.encode("Dogs", 16).unwrap();
        assert_eq!(dogs.len(), 4, "start, dog, ##s, end");
        assert_eq!(dogs.last(), Some(&end));
        let strange = t.encode("zebra", 16).unwrap();
        assert_eq!(strange.len(), 2 + 5, "spelt letter by letter");
        assert!(!strange.contains(&1), "no unknown token");
    }

    #[test]
    fn long_texts_keep_their_end() {
        let t = tokenizer();
        let ids = t
            .encode("what color is the dog what color is the dog", 6)
            .unwrap();
        assert_eq!(ids.len(), 6);
        assert_eq!(ids[5], t.vocabulary_size() as u32 - 1);
    }

    #[test]
    fn json_round_trip_gives_the_same_ids() {
        let t = tokenizer();
        for whole in [t.to_json(), t.to_file()] {
            let again = Tokenizer::from_bytes(whole.unwrap().as_bytes()).unwrap();
            assert_eq!(again.pad, t.pad);
            assert_eq!(again.to_json().unwrap(), t.to_json().unwrap());
        }
        let again = Tokenizer::from_bytes(t.to_json().unwrap().as_bytes()).unwrap();
        let text = "What color is the xylophone?";
        assert_eq!(t.encode(text, 40).unwrap(), again.encode(text, 40).unwrap());
        assert!(Tokenizer::from_bytes(b"{}").is_err());
    }

    #[test]
    fn batches_are_padded_and_masked() {
        let batch = tokenizer()
            .batch(&["dog", "the dog"], 8, &Device::Cpu)
            .unwrap();
        assert_eq!(batch.ids.dims(), &[2, 4]);
        assert_eq!(batch.last, [2, 3]);
        let mask = batch.mask.to_vec2::<f32>().unwrap();
        assert_eq!(mask, [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]);
    }
}
