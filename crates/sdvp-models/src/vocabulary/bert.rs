//! Texts cut into words and parts of words, for ViLT and BLIP.

use super::{Said, Vocabulary, WORDS, Word, of_class};
use crate::error::Result;
use crate::tokenizer::Tokenizer;
use serde_json::json;

/// As transformers' `BertTokenizer`.
pub(super) fn bert(mut words: Vocabulary, said: Said) -> Result<Tokenizer> {
    of_class(&said, "BertTokenizer", WORDS)?;
    let start = words.special(said.cls_token, "[CLS]", "start of a text")?;
    let end = words.special(said.sep_token, "[SEP]", "end of a text")?;
    let unknown = words.unknown(said.unk_token, "[UNK]")?;
    let pad = words.special(said.pad_token, "[PAD]", "filler")?;
    // What is hidden is never asked about here, but the word is special in texts.
    let mask = said.mask_token.unwrap_or(Word::Plain("[MASK]".to_owned()));
    let mask = mask.into_text();
    if words.id(&mask).is_some() {
        words.mark(mask);
    }
    words.tokenizer(
        WORDS,
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
                "type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": words.ids,
            },
        }),
    )
}
