//! Published checkpoints in the place of the shipped modules, through the binary.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use sdvp_models::Tokenizer;
use sdvp_models::architectures::{BlipAnswer, BlipConfig, BlipMatch};
use sdvp_modules::{SquareNetwork, StudentModel};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn sdvp() -> Command {
    Command::cargo_bin("sdvp").unwrap()
}

/// A tiny checkpoint as it would be downloaded.
fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sdvp-modules/tests/golden/published")
        .join(name)
}

const PROGRAM: &str = "def execute_command(image):
    patch = ImagePatch(image)
    found = patch.find('dog')
    red = patch.verify_property('dog', 'red')
    return patch.simple_query('what is this'), len(found) > 0, red in (True, False)
";

#[test]
fn checkpoints_answer_in_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    std::fs::write(&program, PROGRAM).unwrap();
    let picture = folder.path().join("picture.png");
    let pixel = |x: u32, y: u32| image::Rgb([(x * 5) as u8, (y * 7) as u8, 90]);
    image::RgbImage::from_fn(40, 30, pixel)
        .save(&picture)
        .unwrap();
    let mut ask = sdvp();
    ask.args(["ask", "--json", "--framework", "viper", "--question", "?"]);
    ask.arg("--image")
        .arg(&picture)
        .arg("--program")
        .arg(&program);
    ask.arg("--locate").arg(checkpoint("owlvit"));
    ask.arg("--answer").arg(checkpoint("blip_answer"));
    ask.arg("--match").arg(checkpoint("blip_match"));
    let output = ask.assert().success().get_output().stdout.clone();
    let found: Value = serde_json::from_slice(&output).unwrap();
    let answer = found["answer"].as_str().unwrap();
    assert!(answer.ends_with("True, True]"), "{answer}");
    // The words that this one knows.
    let said = answer.trim_start_matches('[').split(',').next().unwrap();
    let known = [
        "dog", "red", "is", "it", "a", "what", "this", "cat", "[unk]",
    ];
    assert!(
        said.split_whitespace().all(|word| known.contains(&word)),
        "{said}"
    );
}

#[test]
fn an_instruction_tuned_model_is_asked_as_it_is_told_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    let ask =
        "def execute_command(image):\n    return ImagePatch(image).simple_query('what is this')\n";
    std::fs::write(&program, ask).unwrap();
    let picture = folder.path().join("picture.png");
    // The one of which `said.json` tells what is answered.
    let pixel = |x: u32, y: u32| image::Rgb([(y * 8) as u8, (x * 6) as u8, (x * y) as u8]);
    image::RgbImage::from_fn(40, 30, pixel)
        .save(&picture)
        .unwrap();
    let ask = |answer: &str, more: &[&str]| {
        let mut ask = sdvp();
        ask.args(["ask", "--json", "--framework", "viper", "--question", "?"]);
        ask.arg("--image").arg(&picture);
        ask.arg("--program").arg(&program);
        ask.arg("--answer").arg(checkpoint(answer)).args(more);
        ask.assert()
    };
    let answer = |more: &[&str]| {
        let output = ask("qwen3_vl", more).success().get_output().stdout.clone();
        let found: Value = serde_json::from_slice(&output).unwrap();
        found["answer"].as_str().unwrap().to_owned()
    };
    let said = std::fs::read(checkpoint("qwen3_vl").join("said.json")).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    let expected = said["what is this"]["text"].as_str().unwrap();
    assert_eq!(answer(&[]), expected.to_lowercase());
    assert_eq!(answer(&["--dtype", "f32"]), expected.to_lowercase());
    let short = answer(&["--answer-tokens", "1"]);
    assert!(short.len() < expected.len(), "{short}");
    ask("vilt", &["--instruction", "Be brief."])
        .code(1)
        .stderr(contains("qwen3_vl"));
    ask("qwen3_vl", &["--dtype", "f64"]).code(2);
    sdvp()
        .args(["run", "picto-gqa", "--limit", "1", "--dtype", "f32"])
        .assert()
        .code(2)
        .stderr(contains("--answer"));
}

#[test]
fn a_folder_is_told_what_it_is_good_for() {
    let mut verify = sdvp();
    verify.args(["models", "verify"]).arg(checkpoint("clip"));
    verify.assert().success().stdout(contains("--match"));
    let mut verify = sdvp();
    verify
        .args(["models", "verify"])
        .arg(checkpoint("qwen3_vl"));
    verify
        .assert()
        .success()
        .stdout(contains("--answer").and(contains("qwen3-vl")));
    let mut verify = sdvp();
    verify.args(["models", "verify"]).arg(checkpoint(""));
    verify
        .assert()
        .code(1)
        .stdout(contains("not for locate").and(contains("config.json")));

    let mut ask = sdvp();
    ask.args(["run", "picto-gqa", "--limit", "1", "--locate"]);
    ask.arg(checkpoint("clip"));
    ask.assert()
        .code(1)
        .stderr(contains("owlvit").and(contains("clip")));
}

/// The picture of `tools/models_golden.py`, as a file.
fn picture(folder: &Path) -> PathBuf {
    let pixel = |x: u32, y: u32| image::Rgb([y * 8, x * 6, x * y].map(|v| (v % 256) as u8));
    let file = folder.join("picture.png");
    let picture = image::RgbImage::from_fn(40, 30, pixel);
    picture.save(&file).unwrap();
    file
}

const STRIPS: &str = "def execute_command(image):
    strips = [ImagePatch(image, left, 0, left + 8, 30) for left in range(0, 40, 8)]
    strips.sort(key=lambda strip: strip.compute_depth())
    return [ImagePatch(image).compute_depth()] + [strip.left for strip in strips]
";

#[test]
fn a_program_sorts_what_it_sees_by_depth() {
    let said = std::fs::read(checkpoint("said.json")).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    let said: Vec<f64> =
        serde_json::from_value(said["depth_anything"]["relative"].clone()).unwrap();
    let mut nearest_first: Vec<(f64, usize)> =
        said[1..].iter().copied().zip((0..40).step_by(8)).collect();
    nearest_first.sort_by(|a, b| a.0.total_cmp(&b.0));

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    std::fs::write(&program, STRIPS).unwrap();
    let mut ask = sdvp();
    ask.args(["ask", "--json", "--framework", "viper", "--question", "?"]);
    ask.arg("--image").arg(picture(folder.path()));
    ask.arg("--program").arg(&program);
    ask.arg("--depth").arg(checkpoint("depth_anything"));
    let output = ask.assert().success().get_output().stdout.clone();
    let found: Value = serde_json::from_slice(&output).unwrap();
    let answer = found["answer"].as_str().unwrap();
    let answer: Vec<f64> = serde_json::from_str(answer).unwrap();
    assert!((answer[0] / said[0] - 1.0).abs() < 0.01, "{answer:?}");
    let lefts: Vec<usize> = answer[1..].iter().map(|left| *left as usize).collect();
    let expected: Vec<usize> = nearest_first.iter().map(|(_, left)| *left).collect();
    assert_eq!(lefts, expected);
}

#[test]
fn depth_is_asked_of_a_depth_checkpoint_only() {
    let mut verify = sdvp();
    verify.args(["models", "verify"]);
    verify.arg(checkpoint("depth_anything"));
    verify
        .assert()
        .success()
        .stdout(contains("--depth").and(contains("--locate").not()));

    let mut run = sdvp();
    run.args(["run", "picto-gqa", "--limit", "1", "--depth"]);
    run.arg(checkpoint("clip"));
    run.assert()
        .code(1)
        .stderr(contains("depth_anything").and(contains("clip")));

    let detector = checkpoint("../onnx/yolo.toml");
    let mut run = sdvp();
    run.args(["run", "picto-gqa", "--limit", "1", "--depth"]);
    run.arg(detector);
    run.assert()
        .code(1)
        .stderr(contains("does not answer depth sub-tasks"));

    let mut run = sdvp();
    run.args(["run", "picto-gqa", "--teachers", "picto-gqa", "--depth"]);
    run.arg(checkpoint("depth_anything"));
    run.assert().code(2).stderr(contains("--teachers"));
}

#[test]
fn a_student_of_checkpoints_and_an_adapter_is_distilled_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("assembled");
    let mut assemble = sdvp();
    assemble.args(["models", "assemble", "--out"]).arg(&whole);
    for (option, name) in [
        ("--locate", "owlv2"),
        ("--answer", "vilt"),
        ("--match", "clip"),
    ] {
        assemble.arg(option).arg(checkpoint(name));
    }
    let adapter = "../../../../sdvp-models/tests/golden/clip_adapter";
    assemble.arg("--match-adapter").arg(checkpoint(adapter));
    assemble
        .assert()
        .success()
        .stdout(contains("with additions"));
    assert!(whole.join("match.safetensors").is_file());

    let next = folder.path().join("distilled");
    let mut distill = sdvp();
    distill.args(["distill", "picto-gqa", "--lora", "2", "--no-gate"]);
    distill.args(["--questions", "12", "--rehearsal", "6"]);
    distill.args(["--locate-steps", "1", "--answer-steps", "1"]);
    distill.arg("--after").arg(&whole).arg("--out").arg(&next);
    distill.assert().success();
    for part in ["locate", "answer"] {
        let saved = next.join(format!("{part}-adapter/adapter_model.safetensors"));
        assert!(saved.is_file(), "{}", saved.display());
    }

    let mut run = sdvp();
    run.args(["run", "picto-gqa", "--limit", "3", "--json", "--student"]);
    let output = run
        .arg(&next)
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["score"]["failure_rate"], 0.0, "{result}");
}

/// A BLIP that has learned nothing but knows the words of the built-in world, as a checkpoint.
fn untaught_blip<N: SquareNetwork<Config = BlipConfig>>(folder: &Path) {
    let words = sdvp_data::picto::word_list();
    let tokenizer = Tokenizer::from_words(words.iter().map(String::as_str)).unwrap();
    let layers = json!({
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-6,
    });
    let mut config = json!({
        "image_text_hidden_size": 8,
        "text_config": {
            "vocab_size": tokenizer.vocabulary_size(), "max_position_embeddings": 40,
            "bos_token_id": tokenizer.id("[CLS]").unwrap(),
            "sep_token_id": tokenizer.id("[SEP]").unwrap(),
        },
        "vision_config": { "image_size": 48, "patch_size": 12 },
    });
    for part in ["text_config", "vision_config"] {
        let part = config[part].as_object_mut().unwrap();
        part.extend(layers.as_object().unwrap().clone());
    }
    let config = serde_json::from_value(config).unwrap();
    let model = StudentModel::<N>::fresh(config, tokenizer, 3).unwrap();
    model.save(folder).unwrap();
}

#[test]
fn a_student_of_blips_learns_one_task_after_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (answers, matches) = (folder.join("answers"), folder.join("matches"));
    untaught_blip::<BlipAnswer>(&answers);
    untaught_blip::<BlipMatch>(&matches);
    let student = folder.join("assembled");
    let mut assemble = sdvp();
    assemble.args(["models", "assemble", "--out"]).arg(&student);
    assemble.arg("--answer").arg(&answers);
    assemble.arg("--match").arg(&matches);
    assemble.assert().success();

    let learned = |task: &str, after: &Path, out: &str, more: &[&str]| {
        let out = folder.join(out);
        let mut distill = sdvp();
        distill.args(["distill", task, "--framework", "viper", "--no-gate"]);
        distill.args(["--questions", "16", "--rehearsal", "12", "--memory", "30"]);
        distill.args([
            "--locate-steps",
            "1",
            "--match-steps",
            "2",
            "--answer-steps",
            "3",
        ]);
        distill.args([
            "--batch",
            "4",
            "--rehearsed",
            "4",
            "--everywhere",
            "--seed",
            "5",
        ]);
        distill
            .args(more)
            .arg("--after")
            .arg(after)
            .arg("--out")
            .arg(&out);
        let told = distill.assert().success().get_output().stderr.clone();
        (out, String::from_utf8(told).unwrap())
    };
    let lora = ["--lora", "2", "--lora-layer", "text_"];
    let (first, told) = learned("picto-gqa", &student, "first", &lora);
    // Of a picture, all that the image encoder says is computed once.
    assert!(told.contains("of disk a view"), "{told}");
    for part in ["match", "answer"] {
        let saved = first.join(format!("{part}-adapter/adapter_model.safetensors"));
        assert!(saved.is_file(), "{}", saved.display());
    }
    let list = std::fs::read_to_string(first.join("memory/memory.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    let asked = &list["tasks"][0]["answers"][0]["asked"];
    assert!(asked["words"].is_array(), "{asked}");
    // What was written is rehearsed when the next task is learned.
    let (second, _) = learned("picto-nlvr2", &first, "second", &[]);
    let (again, _) = learned("picto-nlvr2", &first, "again", &[]);
    for file in [
        "answer.safetensors",
        "match.safetensors",
        "memory/memory.safetensors",
    ] {
        let bytes = |student: &Path| std::fs::read(student.join(file)).unwrap();
        assert!(bytes(&second) == bytes(&again), "{file}");
    }

    let mut run = sdvp();
    run.args([
        "run",
        "picto-gqa",
        "--framework",
        "viper",
        "--limit",
        "4",
        "--json",
        "--student",
    ]);
    let output = run
        .arg(&second)
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let result: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(result["score"]["failure_rate"], 0.0, "{result}");
}

#[test]
fn an_instruction_tuned_student_learns_by_additions_only() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let student = folder.join("assembled");
    let mut assemble = sdvp();
    assemble.args(["models", "assemble", "--out"]).arg(&student);
    assemble.arg("--answer").arg(checkpoint("qwen3_vl"));
    assemble.assert().success();

    let distill = |more: &[&str], after: &Path, out: &str| {
        let mut distill = sdvp();
        distill.args(["distill", "picto-gqa", "--no-gate", "--everywhere"]);
        distill.args(["--questions", "8", "--rehearsal", "6", "--memory", "20"]);
        distill.args(["--locate-steps", "0", "--answer-steps", "3"]);
        distill
            .args(["--batch", "4", "--rehearsed", "2"])
            .args(more);
        distill.arg("--after").arg(after);
        distill.arg("--out").arg(folder.join(out)).assert()
    };
    let refused = distill(&[], &student, "refused").code(1);
    refused.stderr(contains("--lora RANK"));
    let lora = ["--lora", "2", "--lora-layer", "language_model"];
    let mut elsewhere = sdvp();
    elsewhere.args([
        "distill",
        "picto-gqa",
        "--questions",
        "8",
        "--rehearsal",
        "6",
    ]);
    elsewhere.args(lora).arg("--after").arg(&student);
    elsewhere.arg("--out").arg(folder.join("elsewhere"));
    let refused = elsewhere.assert().code(1);
    refused.stderr(contains("no layer of the locate student").and(contains("--lora-layer")));
    let told = distill(&lora, &student, "learned").success();
    let told = String::from_utf8(told.get_output().stderr.clone()).unwrap();
    assert!(told.contains("of disk a view"), "{told}");
    let learned = folder.join("learned");
    let saved = learned.join("answer-adapter/adapter_model.safetensors");
    assert!(saved.is_file());
    // What was learned is folded in before more is.
    distill(&lora, &learned, "more").success();

    for student in [learned, folder.join("more")] {
        let mut run = sdvp();
        run.args(["run", "picto-gqa", "--limit", "2", "--json", "--student"]);
        let run = run.arg(&student).assert().success();
        let result: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
        assert_eq!(result["score"]["failure_rate"], 0.0, "{result}");
    }
}

#[test]
fn what_is_only_run_is_no_student() {
    let folder = tempfile::tempdir().unwrap();
    for (option, name) in [
        ("--answer", "depth_anything"),
        ("--match", "vilt"),
        ("--answer", "clip"),
    ] {
        let mut assemble = sdvp();
        assemble.args(["models", "assemble", "--out"]);
        assemble.arg(folder.path().join("student"));
        assemble.arg(option).arg(checkpoint(name));
        let refused = assemble.assert().code(1);
        refused.stderr(contains("that can learn").and(contains(name)));
    }
}

#[test]
fn an_adapter_for_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = checkpoint("../../../../sdvp-models/tests/golden/clip_adapter");
    let mut assemble = sdvp();
    assemble.args(["models", "assemble", "--out"]);
    assemble.arg(folder.path().join("student"));
    assemble.arg("--answer-adapter").arg(adapter);
    assemble
        .assert()
        .code(1)
        .stderr(contains("clip_adapter").and(contains("vision_model")));
    assert!(!folder.path().join("student").exists());
}
