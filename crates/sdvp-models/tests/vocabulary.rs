//! Tokenizers of separate files, against what transformers makes of them (`tools/vocabulary_golden.py`).

use candle_core::Device;
use sdvp_models::Tokenizer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    ids: BTreeMap<String, Vec<Vec<u32>>>,
    written: BTreeMap<String, Vec<String>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vocabularies")
}

#[test]
fn texts_become_the_ids_that_transformers_gives_them_and_ids_its_texts() {
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.ids.len(), 4);
    for (name, ids) in &expected.ids {
        let files = folder().join(name);
        let read = |file: &'static str| std::fs::read(files.join(file)).ok();
        let tokenizer = Tokenizer::from_vocabulary(read).unwrap();
        // As it is kept with a student.
        let again = Tokenizer::from_bytes(tokenizer.to_file().unwrap().as_bytes()).unwrap();
        let batch = |it: &Tokenizer| {
            it.batch(&["a", "a photo of a cat"], 99, &Device::Cpu)
                .unwrap()
                .ids
        };
        let padded = [&tokenizer, &again].map(|it| batch(it).to_vec2::<u32>().unwrap());
        assert_eq!(padded[0], padded[1], "{name}");
        for ((text, ids), written) in expected.texts.iter().zip(ids).zip(&expected.written[name]) {
            let found = tokenizer.encode(text, usize::MAX).unwrap();
            assert_eq!(&found, ids, "{name}: {text:?}");
            assert_eq!(again.encode(text, usize::MAX).unwrap(), found);
            assert_eq!(&tokenizer.decode(ids).unwrap(), written, "{name}: {text:?}");
        }
    }
}

#[test]
fn what_is_missing_or_of_another_kind_is_named() {
    let good = |file: &str| std::fs::read(folder().join("clip").join(file)).ok();
    let with = |change: &[(&'static str, Option<&'static str>)]| {
        let change: BTreeMap<&str, Option<&str>> = change.iter().copied().collect();
        let files = |file: &'static str| match change.get(file) {
            Some(other) => other.map(|text| text.as_bytes().to_vec()),
            None => good(file),
        };
        Tokenizer::from_vocabulary(files)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(with(&[]), None);
    assert_eq!(
        with(&[
            ("special_tokens_map.json", None),
            ("tokenizer_config.json", None)
        ]),
        None
    );
    let nulls = "{\"bos_token\": null, \"pad_token\": null}";
    assert_eq!(with(&[("special_tokens_map.json", Some(nulls))]), None);
    for (change, expected) in [
        (
            vec![("vocab.json", None)],
            "vocab.json and merges.txt, or vocab.txt",
        ),
        (
            vec![("merges.txt", None)],
            "vocab.json and merges.txt, or vocab.txt",
        ),
        (vec![("vocab.json", Some("{\"a\": -1}"))], "vocab.json"),
        (vec![("vocab.json", Some("{\"a\": 1}"))], "<|startoftext|>"),
        (
            vec![("merges.txt", Some("#version: 0.2\na b\nabc\n"))],
            "line 3",
        ),
        (
            vec![("merges.txt", Some("no such"))],
            "merges.txt: merge 1: expected \"no\"",
        ),
        (
            vec![("merges.txt", Some("<|startoftext|> <|endoftext|>"))],
            "merges.txt: merge 1",
        ),
        (vec![("added_tokens.json", Some("{\"new\": 7000}"))], "7000"),
        (
            vec![("added_tokens.json", Some("{\"new\": 5, \"newer\": 5}"))],
            "\"newer\"",
        ),
        (
            vec![("special_tokens_map.json", Some("{\"pad_token\": \"[NO]\"}"))],
            "[NO]",
        ),
        (
            vec![("special_tokens_map.json", Some("{\"pad_token\": 3}"))],
            "special_tokens_map.json",
        ),
        (
            vec![(
                "tokenizer_config.json",
                Some("{\"tokenizer_class\": \"Qwen2Tokenizer\"}"),
            )],
            "Qwen2Tokenizer",
        ),
    ] {
        let error = with(&change).unwrap_or_else(|| panic!("{change:?}"));
        assert!(error.contains(expected), "{change:?}: {error}");
    }
    let other = |file: &'static str| match file {
        "tokenizer_config.json" => Some(b"{\"tokenizer_class\": \"MPNetTokenizer\"}".to_vec()),
        file => std::fs::read(folder().join("bert").join(file)).ok(),
    };
    let error = Tokenizer::from_vocabulary(other).err().unwrap().to_string();
    assert!(
        error.contains("BertTokenizer") && error.contains("MPNet"),
        "{error}"
    );
    let nothing = Tokenizer::from_vocabulary(|_| None::<Vec<u8>>);
    assert!(nothing.err().unwrap().to_string().contains("found neither"));
}
