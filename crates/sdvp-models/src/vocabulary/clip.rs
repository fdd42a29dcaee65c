//! Texts cut into parts of words by byte pairs, for CLIP's and OWL-ViT's text towers.

use super::{MERGES, Said, VOCABULARY, Vocabulary, of_class};
use crate::error::Result;
use crate::tokenizer::Tokenizer;
use serde_json::json;

/// As transformers' `CLIPTokenizer`.
pub(super) fn clip(
    mut words: Vocabulary,
    merges: Vec<(&str, &str)>,
    said: Said,
) -> Result<Tokenizer> {
    const START: &str = "<|startoftext|>";
    const END: &str = "<|endoftext|>";
    of_class(
        &said,
        "CLIPTokenizer",
        &format!("{VOCABULARY} and {MERGES}"),
    )?;
    let start = words.special(said.bos_token, START, "start of a text")?;
    let end = words.special(said.eos_token, END, "end of a text")?;
    let unknown = words.unknown(said.unk_token, END)?;
    let pad = words.special(said.pad_token, END, "filler")?;
    let pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
    words.tokenizer(
        MERGES,
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
                "type": "BPE", "dropout": null, "unk_token": unknown,
                "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
                "byte_fallback": false, "ignore_merges": false,
                "vocab": words.ids, "merges": merges,
            },
        }),
    )
}
