//! A published detector sees in photographs what onnxruntime sees with it (`tools/detector_golden.py`, which
//! says where it comes from). Neither it nor the photographs are part of the repository.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used)]

use sdvp_core::{BBox, DecodeLimits, Image, Module, Outcome, SubTask};
use sdvp_modules::onnx::OnnxDetector;
use sdvp_modules::{AnswerTeacher, Detector, LocateTeacher};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// From which score on boxes are compared; both sides have all from 0.25 on.
const COMPARED: f32 = 0.4;
/// Greatest difference of scores, and least overlap of boxes: decoders of JPEG differ by a few of 255 steps
/// in what lies beside edges.
const CLOSE: f32 = 0.06;
const OVERLAP: f32 = 0.85;

#[derive(Deserialize)]
struct Seen {
    class: usize,
    score: f32,
    #[serde(rename = "box")]
    bbox: [f32; 4],
}

const DESCRIPTION: &str = r#"
model = "320n.onnx"
labels = ["a", "female face", "c", "d", "e", "f", "g", "bare foot", "belly", "shoe", "k", "armpit",
    "male face", "n", "o", "p", "q", "r"]
believed = 0.25
overlap = 0.5
[input]
height = 320
width = 320
fit = "letterbox_top_left"
fill = 0
[output]
form = "yolo"
"#;

/// Says what is to be had elsewhere; also where tests' own output is not shown.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what} is not there");
}

#[test]
fn a_published_detector_sees_what_it_sees_in_onnxruntime() {
    let Some(file) = std::env::var_os("SDVP_TEST_DETECTOR").map(PathBuf::from) else {
        return skipped("nudenet's 320n.onnx, which SDVP_TEST_DETECTOR would name,");
    };
    assert!(
        file.is_file(),
        "expected the detector, found no {}",
        file.display()
    );
    let archive =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/coco128/images-val.tar");
    if !archive.is_file() {
        return skipped("the archive of COCO's photographs");
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/detector.json");
    let golden: BTreeMap<String, Vec<Seen>> =
        serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file, folder.path().join("320n.onnx")).unwrap();
    std::fs::write(folder.path().join("detector.toml"), DESCRIPTION).unwrap();
    let detector = OnnxDetector::load(&folder.path().join("detector.toml")).unwrap();
    let detector: Arc<dyn Detector> = Arc::new(detector);

    let (mut photographs, mut compared) = (BTreeMap::new(), 0);
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if !name.ends_with(".jpg") {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let image = Image::decode(&bytes, &DecodeLimits::default()).unwrap();
        let found = detector.sightings(&[&image.view()]).unwrap().remove(0);
        let found = found.iter().map(|sighting| {
            let best = (0..sighting.names.len())
                .max_by(|&a, &b| sighting.names[a].total_cmp(&sighting.names[b]))
                .unwrap();
            let (width, height) = (image.width() as f32, image.height() as f32);
            let b = sighting.bbox;
            let bbox = BBox::new(b.x0 * width, b.y0 * height, b.x1 * width, b.y1 * height);
            (best, sighting.names[best], bbox)
        });
        let found: Vec<(usize, f32, BBox)> = found.collect();
        let none = Vec::new();
        let expected = golden.get(&name).unwrap_or(&none);
        let same = |expected: &Seen, (class, score, bbox): &(usize, f32, BBox)| {
            let [x0, y0, x1, y1] = expected.bbox;
            expected.class == *class
                && (expected.score - score).abs() < CLOSE
                && BBox::new(x0, y0, x1, y1).iou(bbox) > OVERLAP
        };
        for expected in expected.iter().filter(|seen| seen.score >= COMPARED) {
            let is_there = found.iter().any(|found| same(expected, found));
            assert!(
                is_there,
                "{name}: {} {} {:?} in {found:?}",
                expected.class, expected.score, expected.bbox
            );
            compared += 1;
        }
        for found in found.iter().filter(|(_, score, _)| *score >= COMPARED) {
            let is_there = expected.iter().any(|expected| same(expected, found));
            assert!(is_there, "{name}: {found:?}");
        }
        photographs.insert(name, image);
    }
    assert_eq!(photographs.len(), 128);
    assert!(compared > 60, "{compared}");

    // And it teaches: the photograph of the surest face has one, which is where it was seen.
    let faces = golden
        .iter()
        .flat_map(|(name, seen)| seen.iter().map(move |seen| (name, seen)));
    let faces = faces.filter(|(_, seen)| seen.class == 12);
    let (name, surest) = faces
        .max_by(|(_, a), (_, b)| a.score.total_cmp(&b.score))
        .unwrap();
    let view = photographs[name].view();
    let locate = LocateTeacher::new(Arc::clone(&detector));
    let Ok(Outcome::Boxes(boxes)) = locate
        .run(&[SubTask::locate(view.clone(), "male face")])
        .remove(0)
    else {
        unreachable!("a locate teacher gives boxes");
    };
    let [x0, y0, x1, y1] = surest.bbox;
    assert!(
        boxes[0].bbox.iou(&BBox::new(x0, y0, x1, y1)) > 0.9,
        "{boxes:?}"
    );
    let answers = AnswerTeacher::new(detector);
    let Ok(Outcome::Answer(answer)) = answers
        .run(&[SubTask::answer(view, "Is there a male face?")])
        .remove(0)
    else {
        unreachable!("an answer teacher gives answers");
    };
    assert_eq!(answer.text, "yes");
}
