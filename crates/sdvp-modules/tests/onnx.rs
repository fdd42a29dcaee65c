//! Teachers in ONNX files see what onnxruntime computes (`tools/onnx_golden.py`).

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use sdvp_core::{Image, Module, Outcome, SubTask, SubTaskKind, View};
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{AnswerTeacher, Detector, LocateTeacher, MatchTeacher, Teacher};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Greatest difference: resizing differs from Pillow's by one of 255 steps here and there.
const CLOSE: f32 = 1e-3;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx")
}

fn picture() -> View {
    let rgb = image::open(golden().join("picture.png")).unwrap().to_rgb8();
    Image::new(rgb).unwrap().view()
}

fn detector(form: &str) -> OnnxDetector {
    OnnxDetector::load(&golden().join(format!("{form}.toml"))).unwrap()
}

#[derive(Deserialize)]
struct Seen {
    bbox: [f32; 4],
    names: Vec<f32>,
}

#[test]
fn every_form_says_what_onnxruntime_says() {
    let text = std::fs::read(golden().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<Seen>> = serde_json::from_slice(&text).unwrap();
    assert_eq!(expected.len(), 6);
    for (form, expected) in expected {
        let detector = detector(&form);
        // More views than go through at once, and another one among them.
        let other = Image::new(image::RgbImage::new(30, 10)).unwrap().view();
        let views = [&picture(), &other, &picture()];
        let seen = detector.sightings(&views).unwrap();
        for found in [&seen[0], &seen[2]] {
            assert_eq!(found.len(), expected.len(), "{form}");
            for (found, expected) in found.iter().zip(&expected) {
                let b = found.bbox;
                let edges = [b.x0, b.y0, b.x1, b.y1];
                let numbers = edges.iter().chain(&found.names);
                for (ours, theirs) in numbers.zip(expected.bbox.iter().chain(&expected.names)) {
                    assert!((ours - theirs).abs() < CLOSE, "{form}: {found:?}");
                }
            }
        }
        assert!(detector.parameters() > 0);
    }
}

#[test]
fn a_detector_teaches_to_find_to_match_and_to_answer() {
    let detector: Arc<dyn Detector> = Arc::new(detector("yolo"));
    let locate = LocateTeacher::new(Arc::clone(&detector));
    let call = |text: &str| SubTask::locate(picture(), text);
    let labels = locate.label(&[
        call("a red thing"),
        call("red"),
        call("wooden red"),
        call("cat"),
    ]);
    let Some(Outcome::Boxes(found)) = &labels[1] else {
        panic!("{labels:?}");
    };
    // Probability 0.25 is believed, so that 0.1 is the score of that.
    assert!(found[0].score > 0.8 && found[1].score < 0.1, "{found:?}");
    assert_eq!(found[0].bbox.center(), (15.0, 15.0));
    assert!(labels[0].is_some() && labels[2].is_none() && labels[3].is_none());

    let answer = AnswerTeacher::new(Arc::clone(&detector));
    let ask = |text: &str| match &answer.run(&[SubTask::answer(picture(), text)])[0] {
        Ok(Outcome::Answer(answer)) => answer.text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ask("How many blue things are in the picture?"), "1");
    assert_eq!(ask("Is there a green thing?"), "yes");

    let matching = MatchTeacher::new(detector);
    let fits = matching.label(&[SubTask::matching(picture(), "green")]);
    assert!(
        matches!(fits[0], Some(Outcome::Score(fit)) if fit > 0.9),
        "{fits:?}"
    );
}

#[test]
fn a_classifier_does_not_say_where() {
    let detector = detector("classes");
    let teaches = detector.description().teaches();
    assert!(!teaches.contains(&SubTaskKind::Locate) && teaches.contains(&SubTaskKind::Answer));
}

/// Loads a form whose description is changed, from a folder of its own.
fn changed(form: &str, from: &str, to: &str) -> Result<OnnxDetector, String> {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let described = folder.path().join(format!("{form}.toml"));
    let text = std::fs::read_to_string(&described).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&described, text.replacen(from, to, 1)).unwrap();
    let detector = OnnxDetector::load(&described).map_err(|error| error.to_string())?;
    let seen = detector.sightings(&[&picture()]);
    seen.map(|_| detector).map_err(|error| error.to_string())
}

#[test]
fn what_does_not_fit_is_said() {
    for (form, from, to, said) in [
        ("yolo", "\"colors.txt\"", "\"colours.txt\"", "colours.txt"),
        (
            "yolo",
            "\"colors.txt\"",
            "[\"red\"]",
            "expected 5 or 6 numbers a box",
        ),
        ("yolo", "yolo.onnx", "colors.txt", "no ONNX file"),
        ("yolo", "yolo.onnx", "none.onnx", "none.onnx"),
        ("yolo", "letterbox", "postbox", "postbox"),
        ("yolo", "height = 64", "height = 0", "input.height"),
        ("yolo", "overlap = 1.0", "overlap = 0.0", "overlap"),
        ("yolo", "overlap = 1.0", "belief = 1.0", "belief"),
        ("yolo", "overlap = 1.0", "believed = 0.01", "believed"),
        ("yolo", "overlap = 1.0", "teaches = []", "teaches"),
        ("yolo", "\"colors.txt\"", "7", "a list of names"),
        ("yolo", "width = 64", "width = 96", "yolo.onnx"),
        ("dense", "first_class = 1", "first_class = 2", "scores"),
        (
            "detr",
            "name = \"pixel_values\"",
            "name = \"pixels\"",
            "pixel_values",
        ),
        (
            "detr",
            "logits = \"logits\"",
            "logits = \"classes\"",
            "expected one of pred_boxes",
        ),
        (
            "detr",
            "form = \"detr\"",
            "form = \"detr\"\nactivation = \"sigmoid\"",
            "3 classes",
        ),
        ("ssd", "classes = \"labels\"", "", "expected"),
        (
            "classes",
            "[input]",
            "teaches = [\"locate\"]\n[input]",
            "locate",
        ),
        (
            "classes",
            "[input]",
            "categories = [\"warm\"]\n[input]",
            "categories",
        ),
    ] {
        match changed(form, from, to) {
            Ok(_) => panic!("{form} with {to} was taken"),
            Err(error) => assert!(error.contains(said), "{form} with {to}: {error}"),
        }
    }
}

#[test]
fn numbers_that_are_no_probabilities_are_refused() {
    let logits = "form = \"classes\"\nactivation = \"none\"";
    let error = changed("classes", "form = \"classes\"", logits)
        .err()
        .unwrap();
    assert!(error.contains("activation"), "{error}");
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(golden().join("yolo.onnx")).unwrap();
    std::fs::copy(
        golden().join("colors.txt"),
        folder.path().join("colors.txt"),
    )
    .unwrap();
    std::fs::copy(golden().join("yolo.toml"), folder.path().join("yolo.toml")).unwrap();
    for part in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        std::fs::write(folder.path().join("yolo.onnx"), &whole[..part]).unwrap();
        let error = OnnxDetector::load(&folder.path().join("yolo.toml")).err();
        assert!(error.is_some(), "{part} bytes were taken");
    }
}

#[test]
fn the_fingerprint_is_of_file_and_description() {
    let of = |detector: &OnnxDetector| detector.fingerprint();
    let same = changed("yolo", "overlap = 1.0", "overlap = 1.0").unwrap();
    let again = changed("yolo", "overlap = 1.0", "overlap = 1.0").unwrap();
    let other = changed("yolo", "overlap = 1.0", "overlap = 0.9").unwrap();
    assert_eq!(of(&same), of(&again), "wherever it lies");
    assert_ne!(of(&same), of(&other));
}
