//! Checkpoints in the layout in which they are downloaded answer as transformers does with them.
//! `tools/models_golden.py` and `tools/qwen3_vl_golden.py` make the folders.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::{DType, Device};
use sdvp_core::{Image, Module, Outcome, Region, SubTask, SubTaskKind, View};
use sdvp_modules::{
    Answering, ModelSource, Qwen3VlModel, WritingModel, placed_module, published_module,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Greatest difference of scores. Resizing differs from Pillow's by one of 255 steps here and there,
/// which moves networks of random weights so far; `sdvp-models` compares the networks themselves.
const SCORES: f32 = 0.01;
/// Greatest difference of boxes, pixels, for the same reason.
const PIXELS: f32 = 0.1;

#[derive(Deserialize)]
struct Said {
    /// Score, then left, top, right and bottom, best first.
    owlvit: Vec<[f32; 5]>,
    owlv2: Vec<[f32; 5]>,
    clip: [f32; 2],
    /// Probabilities of all answers.
    vilt: BTreeMap<String, f32>,
    blip_answer: String,
    /// Beams, penalty, answer.
    blip_beams: Vec<(usize, f32, String)>,
    blip_match: f32,
    depth_anything: Depths,
}

/// Of the whole picture, and of five strips from left to right.
#[derive(Deserialize)]
struct Depths {
    relative: [f32; 6],
    /// If the same weights were said to be of a metric network that sees 20 metres far.
    metric: [f32; 6],
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/published")
        .join(name)
}

fn said() -> Said {
    serde_json::from_slice(&std::fs::read(folder("said.json")).unwrap()).unwrap()
}

/// The script's picture.
fn picture() -> View {
    let pixel = |x: u32, y: u32| {
        image::Rgb([
            (y * 8 % 256) as u8,
            (x * 6 % 256) as u8,
            (x * y % 256) as u8,
        ])
    };
    let picture = image::RgbImage::from_fn(40, 30, pixel);
    Image::new(picture).unwrap().view()
}

fn module(kind: SubTaskKind, name: &str) -> Arc<dyn Module> {
    published_module(kind, &folder(name)).unwrap()
}

fn score(module: &dyn Module, text: &str) -> f32 {
    match module.run(&[SubTask::matching(picture(), text)]).remove(0) {
        Ok(Outcome::Score(score)) => score,
        other => panic!("{other:?}"),
    }
}

#[test]
fn owlvit_finds() {
    finds("owlvit", &said().owlvit);
}

#[test]
fn owlv2_finds_in_squares() {
    finds("owlv2", &said().owlv2);
}

fn finds(name: &str, expected: &[[f32; 5]]) {
    let module = module(SubTaskKind::Locate, name);
    let found = module
        .run(&[SubTask::locate(picture(), "red dog")])
        .remove(0);
    let Ok(Outcome::Boxes(found)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(found.len(), expected.len());
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    for &[score, x0, y0, x1, y1] in expected {
        // Some scores are all but the same, so the order says nothing.
        let same = found.iter().filter(|found| {
            let b = found.bbox;
            let edges = [(b.x0, x0), (b.y0, y0), (b.x1, x1), (b.y1, y1)];
            edges.iter().all(|(a, b)| (a - b).abs() < PIXELS)
                && (found.score - score).abs() < SCORES
        });
        assert_eq!(same.count(), 1, "{score} {x0} {y0} {x1} {y1} in {found:?}");
    }
}

#[test]
fn clip_matches() {
    let module = module(SubTaskKind::Match, "clip");
    for (text, logit) in ["red dog", "a cat"].into_iter().zip(said().clip) {
        // A published CLIP believes a text from a cosine of a quarter on, 25 as a logit.
        let expected = 1.0 / (1.0 + (25.0 - logit).exp());
        let score = score(module.as_ref(), text);
        assert!((score / expected - 1.0).abs() < 0.01, "{score} {expected}");
    }
}

#[test]
fn vilt_answers_about_pictures_of_any_shape() {
    let module = module(SubTaskKind::Answer, "vilt");
    let square = Image::new(image::RgbImage::new(9, 9)).unwrap().view();
    let tasks = [picture(), square, picture()].map(|view| SubTask::answer(view, "is it red"));
    let outcomes = module.run(&tasks);
    let expected = said().vilt;
    for outcome in [&outcomes[0], &outcomes[2]] {
        let Ok(Outcome::Answer(answer)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(answer.top.len(), expected.len());
        for (text, probability) in &answer.top {
            assert!((probability - expected[text]).abs() < SCORES, "{answer:?}");
        }
    }
    let alone = module.run(&tasks[1..2]).remove(0);
    let (Ok(Outcome::Answer(alone)), Ok(Outcome::Answer(among))) = (&alone, &outcomes[1]) else {
        panic!("{alone:?} {outcomes:?}");
    };
    assert!((alone.confidence - among.confidence).abs() < 1e-5);
}

#[test]
fn blip_answers_and_matches() {
    let answers = module(SubTaskKind::Answer, "blip_answer");
    let tasks = ["what is this", "is it red"].map(|text| SubTask::answer(picture(), text));
    let together = answers.run(&tasks);
    let Ok(Outcome::Answer(answer)) = &together[0] else {
        panic!("{together:?}");
    };
    assert_eq!(answer.text, said().blip_answer);
    assert!(answer.confidence > 0.0 && answer.confidence <= 1.0);
    for (task, outcome) in tasks.iter().zip(&together) {
        let alone = answers.run(std::slice::from_ref(task)).remove(0);
        let (Ok(Outcome::Answer(alone)), Ok(Outcome::Answer(among))) = (&alone, outcome) else {
            panic!("{alone:?} {outcome:?}");
        };
        assert_eq!(alone.text, among.text, "alone or not");
        assert!((alone.confidence - among.confidence).abs() < 1e-5);
    }

    let matches = module(SubTaskKind::Match, "blip_match");
    let score = score(matches.as_ref(), "a red dog");
    assert!((score - said().blip_match).abs() < SCORES, "{score}");
    assert_ne!(answers.fingerprint(), matches.fingerprint());
}

/// The picture and its strips, as in the script.
fn strips() -> Vec<View> {
    let strip = |left: u32| Region::new(left, 0, left + 8, 30).unwrap();
    let strips = (0..40)
        .step_by(8)
        .map(|left| picture().crop(strip(left)).unwrap());
    std::iter::once(picture()).chain(strips).collect()
}

fn depth(outcome: &Result<Outcome, sdvp_core::ModuleError>) -> f32 {
    match outcome {
        Ok(Outcome::Depth(depth)) => *depth,
        other => panic!("{other:?}"),
    }
}

#[test]
fn depth_anything_says_how_far_away_parts_of_a_picture_are() {
    let module = module(SubTaskKind::Depth, "depth_anything");
    let tasks: Vec<SubTask> = strips().into_iter().map(SubTask::depth).collect();
    let outcomes = module.run(&tasks);
    for ((task, outcome), expected) in tasks
        .iter()
        .zip(&outcomes)
        .zip(said().depth_anything.relative)
    {
        let found = depth(outcome);
        assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
        let alone = module.run(std::slice::from_ref(task)).remove(0);
        assert_eq!(depth(&alone), found);
    }
}

#[test]
fn a_picture_that_cannot_be_looked_at_does_not_touch_the_others() {
    let module = module(SubTaskKind::Depth, "depth_anything");
    let narrow = Image::new(image::RgbImage::new(200, 16)).unwrap().view();
    let tasks = [
        SubTask::depth(narrow),
        SubTask::depth(picture()),
        SubTask::answer(picture(), "what is this"),
    ];
    let outcomes = module.run(&tasks);
    let narrow = outcomes[0].as_ref().unwrap_err().to_string();
    assert!(narrow.contains("200 × 16"), "{narrow}");
    assert!(depth(&outcomes[1]) > 0.0);
    let other = outcomes[2].as_ref().unwrap_err().to_string();
    assert!(other.contains("does not answer answer"), "{other}");
}

/// A copy of the checkpoint with other texts in one of its files.
fn changed(file: &str, changes: &[[&str; 2]]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder("depth_anything")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = copy.path().join(file);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for [from, to] in changes {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    std::fs::write(path, text).unwrap();
    copy
}

#[test]
fn metric_depth_is_in_metres() {
    let metric = [
        ["\"relative\"", "\"metric\""],
        ["\"max_depth\": 1", "\"max_depth\": 20"],
    ];
    let copy = changed("config.json", &metric);
    let module = published_module(SubTaskKind::Depth, copy.path()).unwrap();
    let tasks: Vec<SubTask> = strips().into_iter().map(SubTask::depth).collect();
    for (outcome, expected) in module.run(&tasks).iter().zip(said().depth_anything.metric) {
        let found = depth(outcome);
        assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
    }
}

#[test]
fn a_depth_checkpoint_that_is_not_understood_is_refused() {
    let (config, processor) = ("config.json", "preprocessor_config.json");
    for (file, change, named) in [
        (processor, ["_of\": 4", "_of\": 3"], "multiple of 4"),
        (processor, ["_ratio\": true", "_ratio\": 7"], "boolean"),
        (config, ["\"relative\"", "\"absolute\""], "metric"),
        (config, ["\"dinov2\"", "\"beit\""], "dinov2"),
        (
            config,
            ["\"hidden_size\": 24", "\"hidden_size\": 26"],
            "[26, 26]",
        ),
    ] {
        let copy = changed(file, &[change]);
        let error = published_module(SubTaskKind::Depth, copy.path());
        let error = error.err().unwrap().to_string();
        assert!(error.contains(named), "{named} in {error}");
    }
}

/// What transformers answers, with its probability.
#[derive(Deserialize)]
struct Answered {
    text: String,
    probability: f32,
}

fn answering(name: &str, answering: &Answering) -> Result<Arc<dyn Module>, String> {
    placed_module(SubTaskKind::Answer, &folder(name), answering, &Device::Cpu)
        .map_err(|error| error.to_string())
}

#[test]
fn qwen3_vl_answers_whatever_else_is_asked() {
    let said = std::fs::read(folder("qwen3_vl").join("said.json")).unwrap();
    let said: BTreeMap<String, Answered> = serde_json::from_slice(&said).unwrap();
    let other = Image::new(image::RgbImage::new(9, 200)).unwrap().view();
    let sliver = Image::new(image::RgbImage::new(1, 300)).unwrap().view();
    let mut tasks = vec![SubTask::answer(other.clone(), "what is this")];
    tasks.extend(
        said.keys()
            .map(|question| SubTask::answer(picture(), question)),
    );
    tasks.push(SubTask::locate(picture(), "dog"));
    tasks.push(SubTask::answer(sliver, "what is this"));
    tasks.push(SubTask::answer(picture(), "is ".repeat(1200)));
    tasks.push(SubTask::answer(other, "Is it red?"));
    // Of numbers in bfloat16 nothing is lost in either of the others.
    for precision in [None, Some(DType::F32), Some(DType::F16)] {
        let module = answering(
            "qwen3_vl",
            &Answering {
                precision,
                ..Answering::default()
            },
        );
        let module = module.unwrap();
        let together = module.run(&tasks);
        for (outcome, (question, expected)) in together[1..].iter().zip(&said) {
            let Ok(Outcome::Answer(answer)) = outcome else {
                panic!("{outcome:?}");
            };
            let expected_text = expected.text.trim_end_matches('.').to_lowercase();
            assert_eq!(answer.text, expected_text, "{question}");
            let ratio = answer.confidence / expected.probability;
            assert!((ratio - 1.0).abs() < 0.02, "{question}: {answer:?}");
        }
        let after = said.len() + 1;
        for (at, named) in [
            (after, "locate"),
            (after + 1, "1 × 300"),
            (after + 2, "1024"),
        ] {
            let error = together[at].as_ref().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        assert!(together[0].is_ok() && together[after + 3].is_ok());
        for (task, outcome) in tasks.iter().zip(&together) {
            let alone = module.run(std::slice::from_ref(task)).remove(0);
            assert_eq!(&alone, outcome, "alone or not");
        }
    }
}

#[test]
fn an_instruction_and_limits_are_part_of_what_answers() {
    let usual = answering("qwen3_vl", &Answering::default()).unwrap();
    let task = [SubTask::answer(picture(), "what is this")];
    let short = answering(
        "qwen3_vl",
        &Answering {
            longest: Some(1),
            ..Answering::default()
        },
    );
    let (Ok(Outcome::Answer(long)), Ok(Outcome::Answer(short))) = (
        usual.run(&task).remove(0),
        short.as_ref().unwrap().run(&task).remove(0),
    ) else {
        panic!("no answers");
    };
    assert!(long.text.starts_with(short.text.trim()) && long.text != short.text);
    assert!(short.confidence > long.confidence);
    let silent = answering(
        "qwen3_vl",
        &Answering {
            instruction: Some(String::new()),
            ..Answering::default()
        },
    );
    assert_ne!(silent.unwrap().fingerprint(), usual.fingerprint());
    let blind = answering(
        "qwen3_vl",
        &Answering {
            most_pixels: Some(63),
            ..Answering::default()
        },
    );
    assert!(blind.err().unwrap().contains("64"));
}

#[test]
fn a_blip_writes_with_beams_what_transformers_does() {
    let task = [SubTask::answer(picture(), "what is this")];
    let usual = answering("blip_answer", &Answering::default()).unwrap();
    let mut fingerprints = vec![usual.fingerprint()];
    for (beams, length_penalty, expected) in said().blip_beams {
        let module = answering(
            "blip_answer",
            &Answering {
                beams: Some(beams),
                length_penalty: Some(length_penalty),
                ..Answering::default()
            },
        );
        let module = module.unwrap();
        let Ok(Outcome::Answer(answer)) = module.run(&task).remove(0) else {
            panic!("no answer");
        };
        assert_eq!(answer.text, expected, "{beams} {length_penalty}");
        assert!(!fingerprints.contains(&module.fingerprint()));
        fingerprints.push(module.fingerprint());
    }
    assert_eq!(fingerprints.len(), 4);
}

#[test]
fn what_a_checkpoint_has_not_cannot_be_said_of_its_answers() {
    let instruction = Answering {
        instruction: Some("Shortly.".to_owned()),
        ..Answering::default()
    };
    let beams = Answering {
        beams: Some(2),
        ..Answering::default()
    };
    let longest = Answering {
        longest: Some(2),
        ..Answering::default()
    };
    for (name, said, named) in [
        ("vilt", &instruction, "qwen3_vl"),
        ("vilt", &beams, "BLIP"),
        ("vilt", &longest, "BLIP"),
        ("blip_answer", &instruction, "qwen3_vl"),
        ("qwen3_vl", &beams, "BLIP"),
    ] {
        let error = answering(name, said).err().unwrap();
        assert!(error.contains(named) && error.contains(name), "{error}");
    }
    assert!(answering("blip_answer", &longest).is_ok());
    let endless = Answering {
        longest: Some(24),
        ..Answering::default()
    };
    let error = answering("blip_answer", &endless).err().unwrap();
    assert!(error.contains("fewer than its 24 tokens"), "{error}");
}

#[test]
fn a_checkpoint_for_something_else_is_refused_by_name() {
    for (kind, name, parts) in [
        (SubTaskKind::Answer, "owlvit", ["to answer", "owlvit"]),
        (
            SubTaskKind::Match,
            "blip_answer",
            ["to match", "BlipForQuestionAnswering"],
        ),
        (SubTaskKind::Locate, "nowhere", ["config.json", "nowhere"]),
        (SubTaskKind::Depth, "clip", ["depth_anything", "clip"]),
        (
            SubTaskKind::Locate,
            "depth_anything",
            ["to locate", "depth_anything"],
        ),
    ] {
        let error = published_module(kind, &folder(name))
            .err()
            .unwrap()
            .to_string();
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

#[test]
fn what_a_qwen3_vl_cannot_be_asked_is_known_before() {
    let source = ModelSource::Folder(folder("qwen3_vl"));
    let model = Qwen3VlModel::load(&source, None).unwrap();
    let thin = image::RgbImage::new(300, 1);
    let thin = Image::new(thin).unwrap().view();
    assert!(model.can_read(&picture(), "what is this"));
    assert!(!model.can_read(&thin, "what is this"));
    assert!(!model.can_read(&picture(), &"what ".repeat(2000)));
    assert!(model.written(&[&thin], &["what is this"]).is_err());
}
