//! Vocabularies of every family, and conversations in llama 3's form, as `tools/tokenizer_golden.py`
//! has them.

use super::LocalError;
use super::header::{Header, Value};
use super::template::Template;
use super::vocabulary::Vocabulary;
use crate::{Message, Role};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[derive(Deserialize)]
struct Golden {
    tokens: Vec<String>,
    control: Vec<String>,
    merges: Vec<String>,
    texts: Vec<String>,
    families: BTreeMap<String, Vec<Vec<u32>>>,
    conversation: Vec<(Role, String)>,
    llama3: Vec<u32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/data/pre_tokenizers.json")).unwrap()
}

/// A header as that of a file with this vocabulary.
fn header(golden: &Golden, family: &str, template: &str) -> Header {
    let kind = |token| if golden.control.contains(token) { 3 } else { 1 };
    let text = |text: &str| Value::Text(text.to_owned());
    let metadata = [
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(family)),
        ("tokenizer.ggml.tokens", Value::Texts(golden.tokens.clone())),
        (
            "tokenizer.ggml.token_type",
            Value::Counts(golden.tokens.iter().map(kind).collect()),
        ),
        ("tokenizer.ggml.merges", Value::Texts(golden.merges.clone())),
        ("tokenizer.chat_template", text(template)),
    ];
    Header {
        metadata: metadata
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        tensors: HashMap::new(),
        hasher: sdvp_core::Hasher::default(),
    }
}

fn vocabulary(header: &Header) -> Result<Vocabulary, LocalError> {
    Vocabulary::read(Path::new("m.gguf"), header)
}

#[test]
fn every_family_cuts_texts_as_its_models_were_taught() {
    let golden = golden();
    let found: Vec<&str> = golden.families.keys().map(String::as_str).collect();
    assert_eq!(found, ["default", "gpt-2", "llama-bpe", "smollm"]);
    for (family, cases) in &golden.families {
        let vocabulary = vocabulary(&header(&golden, family, "")).unwrap();
        assert_eq!(cases.len(), golden.texts.len());
        for (text, expected) in golden.texts.iter().zip(cases) {
            let tokens = vocabulary.encode(text).unwrap();
            assert_eq!(&tokens, expected, "{family}: {text:?}");
            // Nothing is lost on the way.
            let spelled = tokens.iter().flat_map(|&token| vocabulary.spelling(token));
            assert!(spelled.copied().eq(text.bytes()), "{family}: {text:?}");
        }
    }
    for (other, family) in [
        ("gpt2", "gpt-2"),
        ("llama3", "llama-bpe"),
        ("llama-v3", "llama-bpe"),
    ] {
        let vocabulary = vocabulary(&header(&golden, other, "")).unwrap();
        let cases = golden.texts.iter().zip(&golden.families[family]);
        for (text, expected) in cases {
            assert_eq!(
                &vocabulary.encode(text).unwrap(),
                expected,
                "{other}: {text:?}"
            );
        }
    }
    let error = vocabulary(&header(&golden, "bloom", ""))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("`default`, found `bloom`"), "{error}");
}

#[test]
fn a_conversation_in_llama_3s_form() {
    let golden = golden();
    let header = header(
        &golden,
        "llama-bpe",
        "{{'<|start_header_id|>'}} … {{'<|eot_id|>'}}",
    );
    let vocabulary = vocabulary(&header).unwrap();
    let template = Template::read(Path::new("m.gguf"), &header, &vocabulary).unwrap();
    let messages = golden.conversation.iter();
    let conversation: Vec<Message> = messages
        .map(|(role, content)| Message {
            role: *role,
            content: content.clone(),
        })
        .collect();
    let tokens = template.tokens(&conversation, &vocabulary).unwrap();
    assert_eq!(tokens, golden.llama3);
    // Who speaks is said by control tokens, which words cannot be; the model's turn is open.
    let count = |name: &str| {
        let id = vocabulary.special(name).unwrap();
        tokens.iter().filter(|&&token| token == id).count()
    };
    assert_eq!((count("<|start_header_id|>"), count("<|eot_id|>")), (5, 4));
    assert_eq!(count("<|begin_of_text|>"), 1);
    assert!(template.is_end(vocabulary.special("<|eot_id|>").unwrap()));

    // Without one of its tokens the form cannot be written.
    let mut lacking = golden;
    lacking.control.retain(|name| name != "<|eot_id|>");
    lacking.tokens.retain(|name| name != "<|eot_id|>");
    let header = self::header(&lacking, "llama-bpe", "<|start_header_id|> <|eot_id|>");
    let vocabulary = self::vocabulary(&header).unwrap();
    let error = Template::read(Path::new("m.gguf"), &header, &vocabulary)
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("needs the control token <|eot_id|>"),
        "{error}"
    );
}
