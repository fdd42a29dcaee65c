//! Checkpoints whose files contradict each other, or claim what cannot be: an error that names the
//! folder or a result, no panic, and no memory for what a file merely claims.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::{DType, Device, Tensor};
use sdvp_core::{Image, Module, Outcome, SubTask, SubTaskKind, View};
use sdvp_models::weights::{read_safetensors, write_safetensors};
use sdvp_modules::{CheckpointSummary, WeightSummary, published_module};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Checkpoints whose weights are in one file.
const CHECKPOINTS: [(&str, SubTaskKind); 7] = [
    ("owlvit", SubTaskKind::Locate),
    ("owlv2", SubTaskKind::Locate),
    ("clip", SubTaskKind::Match),
    ("vilt", SubTaskKind::Answer),
    ("blip_answer", SubTaskKind::Answer),
    ("blip_match", SubTaskKind::Match),
    ("depth_anything", SubTaskKind::Depth),
];
/// One whose weights are in several.
const IN_PARTS: (&str, SubTaskKind) = ("qwen3_vl", SubTaskKind::Answer);
const WEIGHTS: &str = "model.safetensors";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/published")
        .join(name)
}

/// A checkpoint's files where they can be changed.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(golden(name)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(file)).unwrap()).unwrap()
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(file), bytes).unwrap();
    }

    fn load(&self, kind: SubTaskKind) -> Result<Arc<dyn Module>, String> {
        published_module(kind, self.0.path()).map_err(|error| error.to_string())
    }
}

fn picture() -> View {
    let pixel = |x: u32, y: u32| image::Rgb([(y * 8) as u8, (x * 6) as u8, (x * y) as u8]);
    Image::new(image::RgbImage::from_fn(40, 30, pixel))
        .unwrap()
        .view()
}

fn outcome(module: &dyn Module, kind: SubTaskKind) -> Result<Outcome, String> {
    let task = match kind {
        SubTaskKind::Locate => SubTask::locate(picture(), "red dog"),
        SubTaskKind::Match => SubTask::matching(picture(), "a red dog"),
        SubTaskKind::Depth => SubTask::depth(picture()),
        _ => SubTask::answer(picture(), "is it red"),
    };
    module
        .run(&[task])
        .remove(0)
        .map_err(|error| error.to_string())
}

/// Ways to every number in a document.
fn numbers(value: &Value, way: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(way.to_owned()),
        Value::Object(parts) => {
            for (key, part) in parts {
                let key = key.replace('~', "~0").replace('/', "~1");
                numbers(part, &format!("{way}/{key}"), found);
            }
        }
        Value::Array(parts) => {
            for (at, part) in parts.iter().enumerate() {
                numbers(part, &format!("{way}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// Every number of the configuration and of the picture's settings in turn is 0, small, huge, or below
/// nothing.
#[test]
fn no_number_in_a_configuration_breaks_more_than_its_checkpoint() {
    let wrong = [
        json!(0),
        json!(7),
        json!(1_000_000),
        json!(1_000_000_000_000_000_000u64),
        json!(-1),
    ];
    for (name, kind) in CHECKPOINTS.into_iter().chain([IN_PARTS]) {
        let copy = Copy::of(name);
        let (mut refused, mut tried) = (0, 0);
        for file in ["config.json", "preprocessor_config.json"] {
            let right = copy.json(file);
            let mut ways = Vec::new();
            numbers(&right, "", &mut ways);
            assert!(!ways.is_empty());
            for way in ways {
                for wrong in &wrong {
                    let mut changed = right.clone();
                    *changed.pointer_mut(&way).unwrap() = wrong.clone();
                    copy.write(file, changed.to_string());
                    tried += 1;
                    match copy.load(kind) {
                        Ok(module) => {
                            let _ = outcome(module.as_ref(), kind);
                        }
                        Err(error) => {
                            assert!(error.len() < 40_000, "{way} {wrong}: {}", error.len());
                            refused += 1;
                        }
                    }
                }
            }
            copy.write(file, right.to_string());
        }
        assert!(refused > 30, "{name}: {refused} of {tried}");
        outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
    }
}

#[test]
fn sizes_that_contradict_the_weights_are_told_by_name() {
    let copy = Copy::of("clip");
    let mut config = copy.json("config.json");
    config["text_config"]["hidden_size"] = json!(1_000_000_000_000u64);
    copy.write("config.json", config.to_string());
    let error = copy.load(SubTaskKind::Match).err().unwrap();
    assert!(
        error.contains("1000000000000") && error.contains("not of one network"),
        "{error}"
    );
    let copy = Copy::of("vilt");
    let mut config = copy.json("config.json");
    config["num_attention_heads"] = json!(3);
    copy.write("config.json", config.to_string());
    let error = copy.load(SubTaskKind::Answer).err().unwrap();
    assert!(
        error.contains("heads") && error.contains("found 3"),
        "{error}"
    );
}

#[test]
fn settings_of_pictures_may_be_part_of_a_whole_processors() {
    for (name, kind) in CHECKPOINTS.into_iter().chain([IN_PARTS]) {
        let copy = Copy::of(name);
        let before = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
        let whole = json!({
            "image_processor": copy.json("preprocessor_config.json"),
            "processor_class": "SomeProcessor",
        });
        copy.write("processor_config.json", whole.to_string());
        std::fs::remove_file(copy.path("preprocessor_config.json")).unwrap();
        let after = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
        assert_eq!(before, after, "{name}");
        copy.write("processor_config.json", "{}");
        let error = copy.load(kind).err().unwrap();
        assert!(error.contains("processor_config.json"), "{error}");
    }
}

fn tensors(copy: &Copy) -> HashMap<String, Tensor> {
    read_safetensors(&copy.path(WEIGHTS), &Device::Cpu).unwrap()
}

#[test]
fn weights_of_half_the_bits_answer_alike() {
    for (name, kind) in CHECKPOINTS {
        let copy = Copy::of(name);
        let whole = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
        for (dtype, named, near) in [(DType::F16, "F16", 0.01), (DType::BF16, "BF16", 0.08)] {
            write_safetensors(&copy.path(WEIGHTS), &tensors(&Copy::of(name)), dtype).unwrap();
            let summary = WeightSummary::read(copy.0.path()).unwrap();
            assert_eq!(summary.dtypes.keys().collect::<Vec<_>>(), [named]);
            let half = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
            match (&whole, &half) {
                (Outcome::Score(a), Outcome::Score(b)) => assert!((a - b).abs() < near, "{name}"),
                // Words may turn where two are all but as likely; how sure it is does not jump.
                (Outcome::Answer(a), Outcome::Answer(b)) => {
                    assert!(
                        (a.confidence - b.confidence).abs() < near,
                        "{name} {a:?} {b:?}"
                    );
                }
                (Outcome::Depth(a), Outcome::Depth(b)) => {
                    assert!((a / b - 1.0).abs() < near, "{name} {a} {b}");
                }
                (Outcome::Boxes(a), Outcome::Boxes(b)) => {
                    assert_eq!(a.len(), b.len());
                    let best = |boxes: &[sdvp_core::Detection]| boxes[0].score;
                    assert!((best(a) - best(b)).abs() < near, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn weights_of_another_kind_or_cut_short_are_refused() {
    for (name, kind) in CHECKPOINTS {
        let copy = Copy::of(name);
        let mut changed = tensors(&copy);
        let first = changed
            .keys()
            .filter(|name| name.ends_with("weight"))
            .min()
            .unwrap()
            .clone();
        let whole = changed[&first].to_dtype(DType::I64).unwrap();
        changed.insert(first.clone(), whole);
        let ordered: std::collections::BTreeMap<_, _> = changed.into_iter().collect();
        copy.write(WEIGHTS, safetensors::serialize(ordered, None).unwrap());
        let error = copy.load(kind).err().unwrap();
        assert!(error.contains(&first) && error.contains("I64"), "{error}");

        let bytes = std::fs::read(golden(name).join(WEIGHTS)).unwrap();
        for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
            copy.write(WEIGHTS, &bytes[..length]);
            let error = copy.load(kind).err().unwrap();
            assert!(error.contains(WEIGHTS), "{length}: {error}");
            let error = WeightSummary::read(copy.0.path()).unwrap_err().to_string();
            assert!(error.contains(WEIGHTS), "{length}: {error}");
        }
    }
}

#[test]
fn summaries_say_what_loading_finds() {
    for (name, _) in CHECKPOINTS {
        let summary = CheckpointSummary::read(&golden(name)).unwrap();
        for kind in SubTaskKind::ALL {
            let loads = published_module(kind, &golden(name)).is_ok();
            assert_eq!(summary.answers.contains(&kind), loads, "{name} {kind}");
        }
        assert!(summary.missing.is_empty(), "{name}: {:?}", summary.missing);
        let counted: usize = tensors(&Copy::of(name))
            .values()
            .map(Tensor::elem_count)
            .sum();
        let read = WeightSummary::read(&golden(name)).unwrap();
        assert_eq!(read.dtypes.values().sum::<u64>(), counted as u64);
        assert!(read.parameters > 0);
    }
}

#[test]
fn a_vocabulary_serves_as_well_as_a_tokenizer_and_without_either_both_are_named() {
    for (name, kind) in CHECKPOINTS {
        if kind == SubTaskKind::Depth {
            continue;
        }
        let copy = Copy::of(name);
        let whole = copy.json("tokenizer.json");
        let expected = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
        std::fs::remove_file(copy.path("tokenizer.json")).unwrap();

        let error = copy.load(kind).err().unwrap();
        let summary = CheckpointSummary::read(copy.0.path()).unwrap();
        assert_eq!(summary.missing.len(), 1, "{name}");
        for file in ["tokenizer.json", "merges.txt", "vocab.txt"] {
            assert!(error.contains(file), "{name}: {error}");
            assert!(summary.missing[0].contains(file), "{name}");
        }

        let ids = whole["model"]["vocab"].as_object().unwrap();
        let mut words: Vec<(&String, u64)> = ids
            .iter()
            .map(|(word, id)| (word, id.as_u64().unwrap()))
            .collect();
        words.sort_by_key(|(_, id)| *id);
        let words: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
        copy.write("vocab.txt", words.join("\n"));
        let settings = json!({"pad_token": words[0], "unk_token": whole["model"]["unk_token"]});
        copy.write("tokenizer_config.json", settings.to_string());
        let found = outcome(copy.load(kind).unwrap().as_ref(), kind).unwrap();
        assert_eq!(found, expected, "{name}");
        assert!(
            CheckpointSummary::read(copy.0.path())
                .unwrap()
                .missing
                .is_empty()
        );

        copy.write("vocab.txt", "a\nb");
        let error = copy.load(kind).err().unwrap();
        assert!(
            error.contains("[CLS]") && error.contains("tokenizer"),
            "{name}: {error}"
        );
    }
}

#[test]
fn of_weights_in_parts_each_is_looked_at() {
    let (name, kind) = IN_PARTS;
    let mut parts = 0;
    for entry in std::fs::read_dir(golden(name)).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".safetensors") {
            continue;
        }
        parts += 1;
        let copy = Copy::of(name);
        let bytes = std::fs::read(copy.path(&file)).unwrap();
        let mut endless = bytes.clone();
        endless[..8].copy_from_slice(&1_000_000_000_000_000_000u64.to_le_bytes());
        for damaged in [
            &bytes[..0],
            &bytes[..100],
            &bytes[..bytes.len() - 1],
            &endless,
        ] {
            copy.write(&file, damaged);
            let error = copy.load(kind).err().unwrap();
            assert!(error.contains(&file), "{error}");
            let error = WeightSummary::read(copy.0.path()).unwrap_err().to_string();
            assert!(error.contains(&file), "{error}");
        }
        std::fs::remove_file(copy.path(&file)).unwrap();
        let error = copy.load(kind).err().unwrap();
        assert!(error.contains(&file), "{error}");
    }
    assert_eq!(parts, 4);
}
